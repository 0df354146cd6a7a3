"""Memory of the worker from trial to trial: ``python benchmarks/memory.py``.

12 trials of 3 epochs over a table and over pictures, each in our own search space, where networks differ in size, and
in a space with one network, where nothing but what is left over from earlier trials can make memory grow. Shown is the
most resident memory that the worker had in each trial, sampled 50 times a second, in MB.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import psutil

TRIALS, EPOCHS = 12, 3
FIRST = 3  # by then libraries and data are loaded, and allocators have what they need
AIM = 0.05


def table(rows: int):
    import pandas as pd
    from sklearn.datasets import make_classification

    x, y = make_classification(rows, 20, n_informative=12, random_state=1)
    frame = pd.DataFrame(x, columns=[f"x{number}" for number in range(20)]).assign(target=y.astype(str))
    return frame, {"target": "target"}


def images(rows: int):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    pixels = (x.reshape(-1, 8, 8)[:rows] * 15.9).astype("uint8")
    return pixels.repeat(3, axis=1).repeat(3, axis=2), {"y": y[:rows], "task": "image-classification"}


CASES = {"table": (table, 5000), "images": (images, 1797)}


def one_network(data):
    """Build a search space in which all trials have networks of one size."""
    import autokeras as ak

    if "image" in data.task:
        inputs = ak.ImageInput()
        block = ak.ConvBlock(
            kernel_size=3, num_blocks=1, num_layers=2, filters=16, max_pooling=True, separable=False, dropout=0.0
        )
    else:
        inputs = ak.StructuredDataInput()
        block = ak.DenseBlock(num_layers=2, num_units=128, use_batchnorm=False, dropout=0.0)
    return inputs, ak.ClassificationHead()(block(inputs))


def peaks(case: str, *, own_space: bool, rows: int | None = None, epochs: int = EPOCHS) -> list[float]:
    """Return the most memory of each trial, in bytes."""
    from automl_bridge.budget import Budget
    from automl_bridge.data.build import build_dataset
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings

    make, usual = CASES[case]
    given, options = make(rows or usual)
    task, data = build_dataset(given, **options, seed=0)
    space = {} if own_space else {"search_space": f"{Path(__file__).resolve()}:one_network"}
    with tempfile.TemporaryDirectory(prefix="m") as folder:
        backend = AutoKerasBackend(AutoKerasSettings(epochs=epochs, **space), Path(folder))
        budget = Budget(max_trials=TRIALS)
        asked = {"task": task, "target": ("target",), "metric": "log_loss", "profile": data.profile}
        spec = JobSpec(name="search", budget=budget, **asked)
        plan = backend.plan(spec)
        job = backend.submit(plan, backend.stage(plan, data))
        found = [0.0] * TRIALS
        try:
            while not (progress := backend.poll([job])[job]).state.is_final:
                number = min(len(progress.trials), TRIALS - 1)
                found[number] = max(found[number], worker_memory(folder))
                time.sleep(0.02)
            outcome = backend.collect(job)
            assert outcome.model is not None, outcome.failure
        finally:
            backend.kill()
    return found


_workers: dict[str, psutil.Process] = {}


def worker_memory(folder: str) -> int:
    """Return the resident bytes of the worker of a workspace; 0 while there is none."""
    worker = _workers.get(folder)
    if worker is None:
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "automl_bridge.local.worker" in words and any(folder in word for word in words):
                worker = _workers[folder] = process
    try:
        return worker.memory_info().rss if worker is not None else 0
    except psutil.NoSuchProcess:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rows", type=int, help="fewer than usual, to try it")
    options = parser.parse_args()
    numbers = " | ".join(str(number + 1) for number in range(TRIALS))
    print(f"| data | space | {numbers} | growth from {FIRST} to {TRIALS} |")
    print("|---|---|" + "---|" * (TRIALS + 1))
    for case in options.cases.split(","):
        for own_space in (False, True):
            found = peaks(case, own_space=own_space, rows=options.rows)
            growth = found[-1] / found[FIRST - 1] - 1
            cells = " | ".join(f"{value / 1e6:.0f}" for value in found)
            print(f"| {case} | {'ours' if own_space else 'one network'} | {cells} | {growth:+.1%} |", flush=True)
    print(f"\nAim: within {AIM:.0%} where all networks are of one size.")


if __name__ == "__main__":
    main()
