"""The same AutoKeras search, by stock and by our runner: ``python benchmarks/autokeras_speed.py``.

Both search AutoKeras' own `StructuredDataClassifier` space, over the same 5,000 × 20 table, with the same trials,
epochs, batch size, objective, stopping rule and seeds. Stock gets only what it needs to run at all with the Keras
that is installed (plain integers for shapes). Each run is a process of its own; the time is that of ``fit``, the
import of TensorFlow not counted. Runs of the two alternate, so that a busy machine slows both.
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
from pathlib import Path

ROWS, COLUMNS, TRIALS, EPOCHS, BATCH = 5000, 20, 2, 20, 32
GOAL = 2.5


def table():
    from sklearn.datasets import make_classification

    x, y = make_classification(
        ROWS * 7 // 5, COLUMNS, n_informative=12, n_redundant=4, n_clusters_per_class=4, flip_y=0.03, random_state=1
    )
    x = x.astype("float32")
    return (x[:ROWS], y[:ROWS]), (x[ROWS:], y[ROWS:])


def stock(seed: int, folder: str) -> dict:
    import keras
    import tree

    import autokeras as ak
    from autokeras import graph

    def set_io_shapes(self, shapes):
        for node, shape in zip(self.inputs, tree.flatten(shapes[0]), strict=True):
            node.shape = tuple(int(size) for size in shape[1:])
        for node, shape in zip(self.outputs, tree.flatten(shapes[1]), strict=True):
            node.in_blocks[0].shape = tuple(int(size) for size in shape[1:])

    graph.Graph.set_io_shapes = set_io_shapes
    train, validation = table()
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    model = ak.StructuredDataClassifier(max_trials=TRIALS, directory=folder, seed=seed, objective="val_accuracy")
    model.fit(*train, validation_data=validation, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    seconds = time.perf_counter() - started
    best = model.tuner.oracle.get_best_trials(1)[0]
    scores = [trial.score for trial in model.tuner.oracle.trials.values()]
    return {"seconds": seconds, "score": best.score, "trials": scores}


def ours(seed: int, folder: str) -> dict:
    import keras_tuner
    import numpy as np
    from autokeras.tuners import task_specific

    import autokeras as ak
    from automl_bridge_autokeras import compat, judging
    from automl_bridge_autokeras.tuner import tuner_class

    train, validation = table()
    wanted = validation[1]

    def evaluate(outputs):
        probability = np.clip(outputs[:, 0], 1e-7, 1 - 1e-7)
        loss = -np.mean(np.where(wanted == 1, np.log(probability), np.log(1 - probability)))
        return {"val_accuracy": float(np.mean((probability > 0.5) == wanted)), "val_loss": float(loss)}

    class Listener:
        is_late = False

        def stop(self):
            return False

        def trial_started(self, _trial_id, _epochs):
            pass

        def epoch_ended(self, trial_id, epoch, model):
            pass

        def trial_failed(self, _trial_id, message):
            raise RuntimeError(message)

        def trial_ended(self, result, model):
            model.save(Path(folder) / f"{result.trial_id}.keras")

    # Stock keeps the best epoch by the objective, and stops by val_loss: patience 10, min_delta 1e-4.
    judge = judging.Judge(
        evaluate,
        better=lambda left, right: left["val_accuracy"] > right["val_accuracy"],
        improved=lambda left, right: left["val_loss"] < right["val_loss"] - 1e-4,
    )
    started = time.perf_counter()
    inputs = ak.StructuredDataInput()
    head = ak.ClassificationHead()
    model = compat.SoundModel(
        inputs,
        head(ak.StructuredDataBlock()(inputs)),
        tuner=tuner_class(task_specific.StructuredDataClassifierTuner),
        max_trials=TRIALS,
        directory=folder,
        seed=seed,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        listener=Listener(),
        judge=judge,
        base_seed=seed,
        patience=judging.Patience(10),
    )
    model.fit(*train, validation_data=validation, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    seconds = time.perf_counter() - started
    best = model.tuner.oracle.get_best_trials(1)[0]
    scores = [trial.score for trial in model.tuner.oracle.trials.values()]
    return {"seconds": seconds, "score": best.score, "trials": scores}


def measure(arm: str, seed: int) -> dict:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--arm", arm, "--seed", str(seed), "--folder", folder]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(answer.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--arm", choices=["stock", "ours"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder")
    options = parser.parse_args()
    if options.arm:
        print(json.dumps({"stock": stock, "ours": ours}[options.arm](options.seed, options.folder)))
        return
    found: dict[str, list[dict]] = {"stock": [], "ours": []}
    for repeat in range(options.repeats):
        for arm, results in found.items():
            results.append(measure(arm, 7 + repeat))
            last = results[-1]
            print(f"{arm:6} seed {7 + repeat}: {last['seconds']:6.2f} s   val_accuracy {last['score']:.4f}", flush=True)
    seconds = {arm: statistics.median(one["seconds"] for one in results) for arm, results in found.items()}
    scores = {arm: statistics.mean(one["score"] for one in results) for arm, results in found.items()}
    ratio = seconds["stock"] / seconds["ours"]
    print(f"{TRIALS} trials × {EPOCHS} epochs, {ROWS:,} × {COLUMNS}, median of {options.repeats} runs each")
    print(f"stock {seconds['stock']:.2f} s, ours {seconds['ours']:.2f} s: {ratio:.1f} times as fast (goal {GOAL})")
    print(f"mean validation accuracy: stock {scores['stock']:.4f}, ours {scores['ours']:.4f}")


if __name__ == "__main__":
    main()
