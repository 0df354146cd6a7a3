"""One set of data as every system gets it: the rows to train on, those to predict, and how predictions are scored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from quality_images import IMAGES
from quality_series import SERIES
from quality_tables import TABLES
from quality_texts import TEXTS

from automl_bridge.data.build import build_dataset
from automl_bridge.scoring import score
from automl_bridge.scoring_forecast import ForecastScorer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from quality_wheels import Wheels

SETS: dict[str, dict[str, Callable[[Wheels], Any]]] = {
    "table": TABLES,
    "image": IMAGES,
    "text": TEXTS,
    "series": SERIES,
}


@dataclass(frozen=True)
class Case:
    """A set, split.

    Parameters
    ----------
    task
        By the name that the project has for it.
    train, holdout
        A dataframe, or pictures of shape (rows, height, width) and their labels; the holdout's without the target.
    metric, classes
        What counts, and the labels in the order of the probabilities; none for numbers.
    scores
        From outputs, shape (rows, classes) or (rows, 1), to scores by name.
    """

    kind: str
    name: str
    task: str
    train: Any
    holdout: Any
    metric: str
    classes: list[str]
    scores: Callable[[np.ndarray], dict[str, float]]
    forecast: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> list[int]:
        """Rows to train on, and to predict."""
        train = self.train[1] if self.kind == "image" else self.train
        return [len(train), len(self.holdout)]

    def save(self, folder: Path) -> None:
        """Write down what a system may know."""
        about = {name: getattr(self, name) for name in ("kind", "name", "task", "metric", "classes", "forecast")}
        (folder / "about.json").write_text(json.dumps(about))
        if self.kind == "image":
            np.savez(folder / "pictures.npz", train=self.train[0], labels=self.train[1], holdout=self.holdout)
            return
        self.train.to_parquet(folder / "train.parquet", index=False)
        self.holdout.to_parquet(folder / "holdout.parquet", index=False)


def load(kind: str, name: str, wheels: Wheels) -> Case:
    """Load a set by its kind and name."""
    make = {"table": _table, "image": _image, "text": _text, "series": _series}[kind]
    return make(name, SETS[kind][name](wheels))


def _table(name: str, frame: Any) -> Case:
    """Hold out a fifth of a table, each class by its share; the rest is shuffled, as some validate by the last rows."""
    task, data = build_dataset(frame, target="target", validation=0, seed=0)
    classes = [str(label) for label in data.profile.classes]
    truth = data.target_codes("holdout") if classes else data.target_values("holdout")
    train, holdout = (data.parts[part].to_pandas() for part in ("train", "holdout"))
    metric = _metric(classes)
    train, rows = train.sample(frac=1, random_state=0), holdout.drop(columns="target")
    return Case("table", name, str(task), train, rows, metric, classes, _scorer(metric, classes, truth))


def _image(name: str, parts: Any) -> Case:
    train, (pictures, labels) = parts
    classes = sorted(set(train[1].tolist()))
    metric = _metric(classes)
    scores = _scorer(metric, classes, _codes(labels, classes))
    return Case("image", name, "image-classification", train, pictures, metric, classes, scores)


def _text(name: str, parts: Any) -> Case:
    train, holdout = parts
    classes = sorted(set(train["target"]))
    metric = _metric(classes)
    scores = _scorer(metric, classes, _codes(holdout["target"], classes))
    return Case("text", name, "text-classification", train, holdout[["text"]], metric, classes, scores)


def _series(name: str, made: Any) -> Case:
    """Hold out the last steps of every series; missing steps are filled for all systems alike."""
    series = ["series"] if "series" in made.frame.columns else []
    options = {"horizon": made.horizon, "season": made.season, "series": series, "gaps": "fill"}
    _, data = build_dataset(made.frame, target="value", time="time", forecast=options, validation=0)
    scorer = ForecastScorer.of(data, "holdout")
    train, holdout = (data.parts[part].to_pandas() for part in ("train", "holdout"))
    known = {"series": series, "horizon": made.horizon, "season": made.season, "freq": data.forecast.freq}

    def scores(outputs: np.ndarray) -> dict[str, float]:
        return {metric: scorer.score(metric, outputs) for metric in ("mase", "wape")}

    return Case("series", name, "forecasting", train, holdout.drop(columns="value"), "mase", [], scores, known)


def _metric(classes: list[str]) -> str:
    return "rmse" if not classes else "roc_auc" if len(classes) == 2 else "log_loss"


def _codes(labels: Any, classes: list[str]) -> np.ndarray:
    return np.array([classes.index(str(label)) for label in labels])


def _scorer(metric: str, classes: list[str], truth: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
    names = (metric, "accuracy") if classes else (metric,)
    return lambda outputs: {name: score(name, outputs, truth) for name in names}
