"""Quality at one budget: ``python benchmarks/quality.py --seconds 300 --flaml PYTHON``.

Every system gets the same training rows, the same wall-clock budget and the same cores, one after the other, and its
predictions of the same holdout (20 %) are scored by the same scorer: roc_auc for two classes, log_loss for more, rmse
for numbers. ``--flaml`` names a Python that has FLAML (and pandas); without it FLAML is left out. Stock AutoKeras gets
only what it needs to run with the Keras that is installed, and numbers in place of texts and gaps.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from quality_tables import TABLES

from automl_bridge import Budget, Estimator
from automl_bridge.data.build import build_dataset
from automl_bridge.data.encode import TableEncoder
from automl_bridge.scoring import score

FLAML = """
import json, sys, numpy as np, pandas as pd
from flaml import AutoML
folder, seconds, task, metric = sys.argv[1:5]
train, holdout = pd.read_parquet(f"{folder}/train.parquet"), pd.read_parquet(f"{folder}/holdout.parquet")
y = train.pop("target")
model = AutoML()
model.fit(train, y, task=task, metric=metric, time_budget=float(seconds), n_jobs=-1, verbose=0, seed=0)
outputs = model.predict_proba(holdout) if task == "classification" else model.predict(holdout)[:, None]
np.save(f"{folder}/outputs.npy", np.asarray(outputs, float))
json.dump([str(one) for one in getattr(model, "classes_", [])], open(f"{folder}/classes.json", "w"))
"""


class Case:
    """One table: rows to train on, a holdout, and how it is scored."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frame = TABLES[name]()
        self.task, self.data = build_dataset(self.frame, target="target", validation=0, seed=0)
        self.classes = [str(label) for label in self.data.profile.classes]
        self.metric = "rmse" if not self.classes else "roc_auc" if len(self.classes) == 2 else "log_loss"
        self.truth = self.data.target_codes("holdout") if self.classes else self.data.target_values("holdout")
        self.train, self.holdout = (self.data.parts[part].to_pandas() for part in ("train", "holdout"))

    def score(self, outputs: np.ndarray) -> float:
        return score(self.metric, outputs, self.truth)


def bridge(case: Case, backend: str, seconds: float) -> np.ndarray:
    budget = Budget(max_time=seconds) if backend == "autokeras" else Budget()
    model = Estimator(case.task, backend=backend, metric=case.metric, budget=budget, holdout=0, random_state=0)
    model.fit(case.train, target="target")
    rows = case.holdout.drop(columns="target")
    return model.predict_proba(rows) if case.classes else np.asarray(model.predict(rows), float)[:, None]


def flaml(case: Case, python: str, seconds: float) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        case.train.to_parquet(f"{folder}/train.parquet")
        case.holdout.drop(columns="target").to_parquet(f"{folder}/holdout.parquet")
        task, metric = ("classification", case.metric) if case.classes else ("regression", "rmse")
        subprocess.run([python, "-c", FLAML, folder, str(seconds), task, metric], check=True, capture_output=True)
        outputs = np.load(f"{folder}/outputs.npy")
        order = json.loads(Path(f"{folder}/classes.json").read_text())
    return outputs[:, [order.index(label) for label in case.classes]] if case.classes else outputs


def stock(case: Case, seconds: float) -> np.ndarray:
    """AutoKeras as it is shipped, in this very process's child: it is stopped by a callback when its time is up."""
    with tempfile.TemporaryDirectory() as folder:
        features = case.data.profile.features
        encoder = TableEncoder.fit(case.data.features("train"), features)
        arrays = {}
        for part in ("train", "holdout"):
            held = encoder.transform(case.data.features(part))
            numbers = np.nan_to_num(held.numeric, nan=0.0)
            arrays[part] = np.hstack([numbers, held.categorical.astype("float32")]).astype("float32")
        y = case.data.target_codes("train") if case.classes else case.data.target_values("train")[:, 0]
        np.savez(f"{folder}/data.npz", x=arrays["train"], y=y, new=arrays["holdout"])
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--stock", folder, "--seconds", str(seconds)]
        subprocess.run(
            [*command, "--classes", str(len(case.classes))], check=True, capture_output=True, env=environment
        )
        return np.load(f"{folder}/outputs.npy")


def run_stock(folder: str, seconds: float, classes: int) -> None:
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
    held = np.load(f"{folder}/data.npz")
    end = time.monotonic() + seconds

    class Deadline(keras.callbacks.Callback):
        def on_epoch_end(self, _epoch, _logs=None):
            if time.monotonic() > end:
                raise KeyboardInterrupt

    keras.utils.set_random_seed(0)
    kind = ak.StructuredDataClassifier if classes else ak.StructuredDataRegressor
    model = kind(max_trials=1000, directory=folder, seed=0, overwrite=True)
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(held["x"], held["y"], verbose=0, callbacks=[Deadline()])
    best = model.tuner.get_best_model()
    outputs = np.asarray(best.predict(held["new"], verbose=0), float)
    np.save(f"{folder}/outputs.npy", np.hstack([1 - outputs, outputs]) if classes == 2 else outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--systems", default="autokeras,baseline,stock,flaml")
    parser.add_argument("--flaml", metavar="PYTHON")
    parser.add_argument("--stock", metavar="FOLDER")
    parser.add_argument("--classes", type=int, default=0)
    options = parser.parse_args()
    if options.stock:
        run_stock(options.stock, options.seconds, options.classes)
        return
    runs = {
        "autokeras": lambda case: bridge(case, "autokeras", options.seconds),
        "baseline": lambda case: bridge(case, "baseline", options.seconds),
        "stock": lambda case: stock(case, options.seconds),
        "flaml": lambda case: flaml(case, options.flaml, options.seconds),
    }
    systems = [name for name in options.systems.split(",") if name != "flaml" or options.flaml]
    print(f"| table | metric | {' | '.join(systems)} |\n|---|---|{'---|' * len(systems)}", flush=True)
    for name in options.tables.split(","):
        case = Case(name)
        cells = []
        for system in systems:
            try:
                cells.append(f"{case.score(runs[system](case)):.4f}")
            except Exception as error:  # noqa: BLE001 - a system that fails on a table is a result
                cells.append(f"failed ({type(error).__name__})")
        print(f"| {name} | {case.metric} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
