"""The models that are tried: a handful, each for a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_bridge.task import Task
    from automl_bridge_baseline.features import Layout

__all__ = ["MAX_TREES", "Candidate", "chosen", "faster", "steps_for"]

MAX_TREES = 1000
"""Trees of one model, all classes together. A boosting grows one tree a class and step, and fitting, saving and
loading take time by the tree: 1,000 trees load in about half a second. Up to 2 classes no limit is met, with 12 it is
at 83 steps; on scikit-learn's digits the best of all steps lies below the limit."""

Make = Callable[["Layout", bool, str, int], Any]


@dataclass(frozen=True)
class Candidate:
    """A kind of model.

    Parameters
    ----------
    name, words
        Its identifier, and what it is.
    make
        Function of the columns' layout, whether it is a classification, the metric and the seed, that returns an
        estimator that is not fitted.
    params
        What is shown on the leaderboard.
    steps
        Numbers of trees at which a boosting is scored; empty for what is fitted in one go. With many classes
        `steps_for` cuts them.
    max_cells
        Rows × columns × classes above which it would take too long, and is left out.
    """

    name: str
    words: str
    make: Make
    params: dict[str, object] = field(default_factory=dict)
    steps: tuple[int, ...] = ()
    max_cells: float = float("inf")


def chosen(max_trials: int | None, task: Task | None = None) -> tuple[Candidate, ...]:
    """Return the candidates for a number of trials, the most useful first."""
    subject = "tabular" if task is None else task.value.partition("-")[0]
    return _BY_SUBJECT.get(subject, _ALL)[:max_trials]


def steps_for(candidate: Candidate, classes: int) -> tuple[int, ...]:
    """Return the steps of a boosting that keep it within `MAX_TREES`; the last is cut to it, and the first at most.

    Parameters
    ----------
    classes
        Number of classes; 0 for a regression. Two classes are told apart by one tree a step.
    """
    most = max(1, MAX_TREES // (classes if classes > 2 else 1))
    within = tuple(step for step in candidate.steps if step < most)
    return candidate.steps if len(within) == len(candidate.steps) else (*within, most)


def faster(candidate: Candidate, classes: int) -> dict[str, float]:
    """Return the learning rate of a boosting that `steps_for` cut, as parameters; nothing where it was not cut.

    Fewer trees must each learn more: rate × trees is kept at 10 (100 trees at the usual 0.1), up to a rate of 0.3.
    """
    steps = steps_for(candidate, classes)
    if steps == candidate.steps:
        return {}
    usual = float(str(candidate.params["learning_rate"]))
    return {"learning_rate": round(min(0.3, max(usual, 10 / steps[-1])), 3)}


def _dummy(layout: Layout, classification: bool, metric: str, seed: int) -> Any:  # noqa: ARG001, FBT001
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if classification:
        return DummyClassifier(strategy="prior")
    return DummyRegressor(strategy="median" if metric in {"mae", "mape", "wape"} else "mean")


def _linear(layout: Layout, classification: bool, metric: str, seed: int) -> Any:  # noqa: ARG001, FBT001
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    levels = OneHotEncoder(handle_unknown="ignore", max_categories=100)
    columns = ColumnTransformer([("numbers", numbers, layout.numeric), ("levels", levels, layout.categorical)])
    model = LogisticRegression(max_iter=300) if classification else Ridge()
    return Pipeline([("columns", columns), ("model", model)])


def _joined(strength: float) -> Make:
    """Return the maker of a linear model of columns and terms; ``strength`` is the inverse of its penalty."""

    def make(layout: Layout, classification: bool, metric: str, seed: int) -> Any:  # noqa: FBT001
        from sklearn.linear_model import LogisticRegression, Ridge

        from automl_bridge_baseline.joined import Joined

        beside = replace(layout, numeric=layout.beside_terms)
        columns = _linear(beside, classification, metric, seed).named_steps["columns"]
        columns.sparse_threshold = 0.0
        if classification:
            return Joined(columns, LogisticRegression(C=strength, max_iter=200, tol=1e-3))
        return Joined(columns, Ridge(alpha=1 / strength, solver="sparse_cg" if layout.terms else "auto"))

    return make


def _boosting(**params: Any) -> Make:
    def make(layout: Layout, classification: bool, metric: str, seed: int) -> Any:  # noqa: FBT001
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        common = {
            "warm_start": True,
            "early_stopping": False,  # scored on our validation rows instead, after each step
            "random_state": seed,
            "categorical_features": layout.categorical or None,
            **params,
        }
        if classification:
            return HistGradientBoostingClassifier(**common)
        loss = "absolute_error" if metric in {"mae", "mape", "wape"} else "squared_error"
        return HistGradientBoostingRegressor(loss=loss, **common)

    return make


_STEPS = (25, 50, 100, 200, 400)
_SMALL: dict[str, object] = {"learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 10}
_ALL = (
    Candidate("boosting", "gradient boosting, 31 leaves", _boosting(), {"learning_rate": 0.1}, _STEPS),
    Candidate("dummy", "dummy: the same answer for every row", _dummy),
    Candidate("linear", "linear model on scaled columns", _linear, max_cells=2e7),
    Candidate("boosting-small", "gradient boosting, 8 leaves, slow", _boosting(**_SMALL), _SMALL, _STEPS, 4e6),
)
_DUMMY = _ALL[1]
_TEXT = (
    Candidate("linear", "linear model of weighted terms", _joined(4.0), {"C": 4.0}),
    _DUMMY,
    Candidate("linear-loose", "linear model of weighted terms, hardly held back", _joined(40.0), {"C": 40.0}),
    Candidate("boosting", "gradient boosting of what terms come to", _boosting(), {"learning_rate": 0.1}, _STEPS),
)
_SPARING: dict[str, object] = {"learning_rate": 0.1, "max_features": 0.1}
_PIXELS = Candidate(
    "boosting", "gradient boosting, a tenth of the columns a split", _boosting(**_SPARING), _SPARING, _STEPS
)
_IMAGE = (
    _PIXELS,
    _DUMMY,
    Candidate("linear", "linear model of small pictures", _joined(0.1), {"C": 0.1}, max_cells=2e8),
)
_MIXED = (
    Candidate(
        "boosting", "gradient boosting, a third of the columns a split", _boosting(max_features=0.33),
        {"learning_rate": 0.1, "max_features": 0.33}, _STEPS,
    ),
    _DUMMY,
    Candidate("linear", "linear model of columns, terms and small pictures", _joined(1.0), {"C": 1.0}, max_cells=2e8),
)  # fmt: skip
_BY_SUBJECT = {"image": _IMAGE, "text": _TEXT, "multimodal": _MIXED}
