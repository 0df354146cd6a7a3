"""How soon ours is as good as stock after 10 trials: ``python benchmarks/autokeras_time_to_score.py --results FILE``.

Stock AutoKeras makes 10 trials on a table, with its own epochs and stopping rule, and its best trial is scored on the
validation rows. Then ours searches with the same training and validation rows and, as its limit, the time that stock
took; what counts is when the best model that it keeps is at least as good, by the same scorer on the same rows:
log_loss for classes, which stock optimises, and rmse for numbers. Both start without a process that has TensorFlow
loaded, so both times have that in them. A linear model that is kept before the first network counts, and is named;
when the first network is as good that was trained to its end is told beside it, if it is by half of stock's time.

Stock gets the validation rows, too, so that it makes no fit on all rows at the end, and only what it needs to run:
plain integers for shapes, gaps filled. A table that takes it longer than ``--limit`` is left out. Each table is
appended to FILE at once, and one that is there is not run again; ``--table`` prints them. ``--wheels`` names the
folder of `quality_wheels`; tables that come from there are left out without it.
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

import numpy as np
from quality_stock import _columns
from quality_tables import TABLES
from quality_wheels import MissingWheelError, Wheels
from stock_mended import mend

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.metrics import METRICS
from automl_bridge.scoring import score

TRIALS = 10
AIM = 0.1
SMALL = ("carseats", "college", "oj", "party", "digits")
"""Tables of up to 1,800 rows: stock takes a minute or two for each."""


class TooLongError(Exception):
    """Stock took longer than the limit."""


def measure(name: str, wheels: Wheels, limit: float, trials: int) -> dict:
    """Run both on a table; returns what is written down."""
    frame = TABLES[name](wheels)
    task, data = build_dataset(frame, target="target", holdout=0, seed=0)
    classes = len(data.profile.classes)
    metric = "log_loss" if classes else "rmse"
    found = {"table": name, "metric": metric, "rows": [data.profile.rows[part] for part in ("train", "validation")]}
    began = time.monotonic()
    outputs, told = run_stock(data, classes, limit, trials)
    truth = data.target_codes("validation") if classes else data.target_values("validation")
    goal = score(metric, outputs, truth)
    found |= {"stock_seconds": time.monotonic() - began, "stock_score": goal, **told}
    return found | ours(task, data, metric, goal, found["stock_seconds"])


def run_stock(data, classes: int, limit: float, trials: int) -> tuple[np.ndarray, dict]:
    with tempfile.TemporaryDirectory() as folder:
        for part in ("train", "validation"):
            data.parts[part].to_pandas().drop(columns="target").to_parquet(f"{folder}/{part}.parquet")
            values = data.target_codes(part) if classes else data.target_values(part)[:, 0]
            np.save(f"{folder}/{part}.npy", values)
        command = [sys.executable, __file__, "--stock", folder, "--classes", str(classes), "--trials", str(trials)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env=environment)
        except subprocess.TimeoutExpired as error:
            raise TooLongError(f"stock took longer than {limit:.0f} s") from error
        if done.returncode:
            raise RuntimeError(f"stock failed: {done.stderr.strip().splitlines()[-1][:300]}")
        return np.load(f"{folder}/outputs.npy"), json.loads(Path(f"{folder}/told.json").read_text())


def stock(folder: str, classes: int, trials: int) -> None:
    """Search as AutoKeras is shipped; runs in a process of its own."""
    import keras
    import pandas as pd
    from autokeras.pipeline import load_pipeline

    import autokeras as ak

    mend()
    x, y = {}, {}
    for part in ("train", "validation"):
        x[part] = _columns(pd.read_parquet(f"{folder}/{part}.parquet"))
        values = np.load(f"{folder}/{part}.npy")
        # Words keep the order of the classes; numbers would be taken for words in theirs.
        y[part] = np.array([f"{code:03}" for code in values]) if classes else values.astype("float64")
    keras.utils.set_random_seed(0)
    kind = ak.StructuredDataClassifier if classes else ak.StructuredDataRegressor
    model = kind(max_trials=trials, directory=folder, seed=0)
    began = time.monotonic()
    model.fit(x["train"], y["train"], validation_data=(x["validation"], y["validation"]), verbose=0)
    seconds = time.monotonic() - began
    tuner = model.tuner
    best = tuner.oracle.get_best_trials(1)[0]
    pipeline = load_pipeline(str(Path(tuner.get_trial_dir(best.trial_id)) / "pipeline"))
    inputs = pipeline.transform_x(x["validation"])
    outputs = np.asarray(tuner.get_best_model().predict(inputs, verbose=0), float)
    np.save(f"{folder}/outputs.npy", np.hstack([1 - outputs, outputs]) if classes == 2 else outputs)
    told = {"stock_fit_seconds": seconds, "stock_trials": len(tuner.oracle.trials)}
    Path(f"{folder}/told.json").write_text(json.dumps(told))


def ours(task, data, metric: str, goal: float, seconds: float) -> dict:
    """Search until the best model that is kept is as good as ``goal``, or as long as stock took."""
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings

    budget = Budget(max_time=max(seconds, 30.0))
    asked = {"task": task, "target": ("target",), "metric": metric, "profile": data.profile, "budget": budget}
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        backend = AutoKerasBackend(AutoKerasSettings(), Path(folder) / "work")
        began = time.monotonic()
        plan = backend.plan(JobSpec(name="search", **asked))
        job = backend.submit(plan, backend.stage(plan, data))
        try:
            return watch(backend, job, METRICS[metric], goal, began, seconds)
        finally:
            backend.kill()


def watch(backend, job, metric, goal: float, began: float, seconds: float) -> dict:
    """Look 50 times a second until the goal is reached, by a network too, or the search has ended."""
    found: dict = {"ours_seconds": None, "network_seconds": None}
    while True:
        progress = backend.poll([job])[job]
        spent = time.monotonic() - began
        if progress.best is not None:
            found["ours_score"] = progress.best
            if found["ours_seconds"] is None and not metric.better(goal, progress.best):
                found |= {"ours_seconds": spent, "ours_model": by(progress)}
        scores = [trial.score for trial in progress.trials if trial.id.isdigit() and trial.score is not None]
        if any(not metric.better(goal, score) for score in scores):
            return found | {"network_seconds": spent}
        if progress.state.is_final or (found["ours_seconds"] is not None and spent > seconds / 2):
            return found
        time.sleep(0.02)


def by(progress) -> str:
    """Say which model the best one is."""
    first = progress.trials[0] if progress.trials else None
    if first is not None and first.score == progress.best:
        return f"trial {int(first.id) + 1}" if first.id.isdigit() else first.id
    return "linear model" if progress.epoch is None else "linear model, or an epoch of the first network"


def read(path: Path) -> dict[str, dict]:
    """Return the lines of the results by table; a line cut short by a crash is none."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            one = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[one["table"]] = one
    return found


def show(found: dict[str, dict]) -> None:
    columns = ("table", "rows", "metric", "stock's score", "seconds", "as good, seconds", "of stock's time", "by")
    print(f"| {' | '.join(columns)} | a network, seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    shares = []
    for name, one in found.items():
        if "error" in one:
            print(f"| {name} | | | {one['error']} | | | | | |")
            continue
        reached = one["ours_seconds"]
        shares.append(share := np.inf if reached is None else reached / one["stock_seconds"])
        row = f"| {name} | {sum(one['rows']):,} | {one['metric']} "
        row += f"| {one['stock_score']:.4g} | {one['stock_seconds']:.0f} "
        if reached is None:
            best = f"{one['ours_score']:.4g}" if "ours_score" in one else "no model"
            print(f"{row}| not reached: {best} | > 1 | | |")
        else:
            network = "" if one["network_seconds"] is None else f"{one['network_seconds']:.1f}"
            print(f"{row}| {reached:.1f} | {share:.3f} | {one['ours_model']} | {network} |")
    if shares:
        median = statistics.median(shares)
        print(f"\nmedian of {len(shares)} tables: {median:.3f} of stock's time (aim: at most {AIM:g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default=",".join(SMALL), help=f"of {', '.join(TABLES)}")
    parser.add_argument("--results", type=Path, default=Path("autokeras_time_to_score.jsonl"))
    parser.add_argument("--wheels", type=Path, default=Path("wheels"))
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that stock may take for a table")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of stock; fewer to try it")
    parser.add_argument("--retry", action="store_true", help="run again what failed or took too long")
    parser.add_argument("--table", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--stock", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--classes", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stock:
        stock(options.stock, options.classes, options.trials)
        return
    done = read(options.results)
    for name in () if options.table else options.tables.split(","):
        if name in done and not (options.retry and "error" in done[name]):
            continue
        try:
            found = measure(name, Wheels(options.wheels), options.limit, options.trials)
        except MissingWheelError as error:  # nothing to write down: it may be there the next time
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            continue
        except Exception as error:  # noqa: BLE001 - that stock fails on a table is a result
            found = {"table": name, "error": f"{type(error).__name__}: {error}"}
        with options.results.open("a") as file:
            file.write(json.dumps(found) + "\n")
        print(json.dumps(found), file=sys.stderr, flush=True)
    show(read(options.results))


if __name__ == "__main__":
    main()
