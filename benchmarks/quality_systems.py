"""The systems, each run as ``python quality_systems.py SYSTEM FOLDER SECONDS`` in a Python that has it.

It reads the case that `quality_cases` wrote into FOLDER, and writes ``outputs.npy``, ``told.json`` (seconds of the
fit, versions) and, when the fit begins, ``began``: imports and reading are not part of the budget, all else is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np


class Job:
    """What a system may know: the rows to train on and to predict, the metric, the seconds it has."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        about = json.loads((folder / "about.json").read_text())
        self.kind, self.task, self.metric = about["kind"], about["task"], about["metric"]
        self.classes, self.forecast = about["classes"], about["forecast"]
        self.told: dict = {}
        if self.kind == "image":
            held = np.load(folder / "pictures.npz")
            self.train, self.target, self.holdout = held["train"], held["labels"], held["holdout"]
            return
        import pandas as pd

        self.train, self.holdout = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "holdout"))
        self.target = self.train.get("target")

    @contextmanager
    def fitting(self):
        """Measure what lies within, as the fit."""
        (self.folder / "began").touch()
        began = time.monotonic()
        yield
        self.told["fit"] = round(time.monotonic() - began, 2)
        self.tell()

    def tell(self) -> None:
        (self.folder / "told.json").write_text(json.dumps(self.told))

    def in_order(self, outputs, labels) -> np.ndarray:
        """Return probabilities in the order of `classes`; a class that a system left out has none."""
        places = {str(label): column for column, label in enumerate(labels)}
        outputs = np.asarray(outputs, float)
        none = np.zeros(len(outputs))
        return np.column_stack([outputs[:, places[label]] if label in places else none for label in self.classes])


def ours(job: Job, backend: str = "autokeras") -> np.ndarray:
    from automl_bridge import Budget, Estimator

    budget = Budget(max_time=job.seconds)
    model = Estimator(job.task, backend, metric=job.metric, budget=budget, holdout=0, random_state=0, verbose=False)
    rows = list(job.holdout["text"]) if job.kind == "text" else job.holdout
    with job.fitting():
        if job.kind == "table":
            model.fit(job.train, target="target")
        elif job.kind == "series":
            model.fit(job.train, target="value", time="time", **job.forecast)
        else:
            model.fit(list(job.train["text"]) if job.kind == "text" else job.train, list(job.target))
    job.told["trials"] = len(model.leaderboard_)
    if job.kind == "series":
        return _forecast_rows(job, model.predict())
    if job.classes:
        return job.in_order(model.predict_proba(rows), model.classes_)
    return np.asarray(model.predict(rows), float)[:, None]


def _forecast_rows(job: Job, found) -> np.ndarray:
    keys = [*job.forecast["series"], "time"]
    joined = job.holdout.merge(found, on=keys, how="left", validate="one_to_one")
    return joined[["prediction"]].to_numpy(float)


def baseline(job: Job) -> np.ndarray:
    return ours(job, "baseline")


def stock(job: Job) -> np.ndarray:
    from quality_stock import stock

    return stock(job)


def flaml(job: Job) -> np.ndarray:
    from flaml import AutoML

    task = "classification" if job.classes else "regression"
    rows = job.train.drop(columns="target")
    model = AutoML()
    with job.fitting():
        model.fit(
            rows, job.target, task=task, metric=job.metric, time_budget=job.seconds, n_jobs=_cores(), verbose=0, seed=0
        )
    job.told["model"] = str(model.best_estimator)
    if job.classes:
        return job.in_order(model.predict_proba(job.holdout), model.classes_)
    return np.asarray(model.predict(job.holdout), float)[:, None]


def autogluon(job: Job) -> np.ndarray:
    from autogluon.tabular import TabularPredictor

    metric = {"rmse": "root_mean_squared_error"}.get(job.metric, job.metric)
    kind = "regression" if not job.classes else "binary" if len(job.classes) == 2 else "multiclass"
    model = TabularPredictor(
        "target", problem_type=kind, eval_metric=metric, path=str(job.folder / "autogluon"), verbosity=0
    )
    with job.fitting():
        model.fit(job.train, presets="medium_quality", time_limit=job.seconds, num_cpus=_cores(), num_gpus=0)
    job.told["model"] = ", ".join(model.model_names())
    if job.classes:
        found = model.predict_proba(job.holdout)
        return job.in_order(found, found.columns)
    return np.asarray(model.predict(job.holdout), float)[:, None]


def tfidf(job: Job) -> np.ndarray:
    """TF-IDF and logistic regression, as anybody would begin."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=300))
    with job.fitting():
        model.fit(job.train["text"], job.target)
    return job.in_order(model.predict_proba(job.holdout["text"]), model.classes_)


def naive(job: Job) -> np.ndarray:
    from quality_forecasts import by_series, seasonal_naive

    return by_series(job, seasonal_naive)


def ets(job: Job) -> np.ndarray:
    from quality_forecasts import auto_ets, by_series

    return by_series(job, auto_ets)


def _cores() -> int:
    return int(os.environ["OMP_NUM_THREADS"])


SYSTEMS = {
    "autokeras": (ours, "autokeras", "tensorflow"),
    "baseline": (baseline, "scikit-learn"),
    "stock": (stock, "autokeras", "keras", "tensorflow"),
    "flaml": (flaml, "flaml", "lightgbm", "xgboost", "catboost"),
    "autogluon": (autogluon, "autogluon.tabular", "torch", "lightgbm", "xgboost-cpu", "catboost", "fastai"),
    "tfidf": (tfidf, "scikit-learn"),
    "naive": (naive, "numpy"),
    "ets": (ets, "statsmodels"),
}
"""How each is run, and the packages whose versions count."""


def _versions(packages) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    name, folder, seconds = sys.argv[1:]
    warnings.simplefilter("ignore")
    job = Job(Path(folder), float(seconds))
    run, *packages = SYSTEMS[name]
    outputs = run(job)
    job.told["versions"] = _versions(packages)
    job.tell()
    np.save(job.folder / "outputs.npy", outputs)


if __name__ == "__main__":
    main()
