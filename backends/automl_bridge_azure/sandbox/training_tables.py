"""Searches of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_table
from automl_bridge_azure.sandbox import scores
from automl_bridge_azure.sandbox.fitted import FittedTable
from automl_bridge_azure.sandbox.request import MAX_CELLS
from automl_bridge_azure.sandbox.trials import MIN_ROWS, Search, Trial, labelled, split

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.mltable import Rows
    from automl_bridge_azure.sandbox.request import Request
    from automl_bridge_azure.sandbox.world import World

__all__ = ["check_table", "search_tables"]

MIN_VALIDATION = 5
FAMILIES = {
    "LogisticRegression": "linear", "SGD": "linear", "LightGBM": "boosting", "XGBoostClassifier": "boosting",
    "RandomForest": "forest", "ExtremeRandomTrees": "extra-trees", "GradientBoosting": "boosting", "KNN": "network",
    "DecisionTree": "forest", "LinearSVM": "linear", "SVM": "network", "BernoulliNaiveBayes": "linear",
    "MultinomialNaiveBayes": "linear", "ElasticNet": "linear", "LassoLars": "linear", "XGBoostRegressor": "boosting",
}  # fmt: skip
ORDER = {"classification": ("LightGBM", "XGBoostClassifier", "LogisticRegression", "RandomForest",
                            "ExtremeRandomTrees", "GradientBoosting"),
         "regression": ("LightGBM", "XGBoostRegressor", "ElasticNet", "RandomForest", "ExtremeRandomTrees",
                        "GradientBoosting")}  # fmt: skip


def check_table(request: Request, train: Rows, validation: Rows | None, target: str) -> None:
    """Raise what the service finds wrong with the rows of a table."""
    rows = len(labelled(train, target))
    if rows < MIN_ROWS:
        raise UnusableDataError(f"The input dataset has {rows} usable data points. Minimum: {MIN_ROWS}.")
    if validation is not None and len(labelled(validation, target)) < MIN_VALIDATION:
        raise UnusableDataError(f"The validation data has fewer than {MIN_VALIDATION} usable rows.")
    cells = rows * len(train.columns)
    if cells > MAX_CELLS and request.timeout <= 3600:
        raise UnusableDataError(f"The data has {cells} cells; a timeout of more than 60 minutes is needed.")
    folds = (request.details.get("nCrossValidations") or {}).get("value") or 0
    if folds > rows:
        raise UnusableDataError(f"The data has {rows} usable rows, fewer than its {folds} cross validations.")
    _check_target(request, train, target)
    _check_weight(request, train)
    for name, column in train.columns.items():
        if train.types.get(name) == "float" and any(
            value.strip().lower().lstrip("+-") in {"inf", "infinity"} for value in column
        ):
            raise UnusableDataError(f"The column '{name}' has infinite values.")


def _check_weight(request: Request, train: Rows) -> None:
    name = request.details.get("weightColumnName")
    if name is None:
        return
    if request.metric == "spearman_correlation":
        raise UnusableDataError("Weights do not go with spearman_correlation.")
    try:
        values = [float(value) for value in train.columns.get(name, ["missing"])]
    except ValueError:
        raise UnusableDataError(f"The weight column '{name}' is not there, or not numeric.") from None
    if min(values, default=0.0) < 0:
        raise UnusableDataError(f"The weight column '{name}' has negative values.")


def _check_target(request: Request, train: Rows, target: str) -> None:
    places = labelled(train, target)
    values = {train.columns[target][place] for place in places}
    if len(values) < 2:
        raise UnusableDataError(
            f"At least two distinct values are required in the target column, it has {len(values)}."
        )
    if request.task == "classification" and len(values) == len(places):
        raise UnusableDataError("The target column has a different value in each row; this is no classification.")
    positive = request.details.get("positiveLabel")
    if positive is not None and str(positive) not in values:
        raise UnusableDataError(f"The positive label '{positive}' is not in the target column.")


def search_tables(
    _world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int
) -> Search:
    """Train classifiers or regressors of a table, and ensembles of them where they are wanted."""
    check_table(request, train, validation, target)
    classes = request.task == "classification"
    fit, check = split(request, train, validation, target)
    labels = sorted(set(fit[target]), reverse=True) if classes else []
    weight = request.details.get("weightColumnName")
    names = [name for name in train.columns if name not in {target, weight}]
    algorithms = _algorithms(request)
    candidates = train_table(
        fit, fit, target=target, problem="multiclass" if classes else "regression", candidates=count,
        families=[FAMILIES.get(name, "boosting") for name in algorithms], weight=weight, features=names,
        kinds=_kinds(request, train, names),
    )  # fmt: skip
    usable = [place for place, value in enumerate(check[target]) if not classes or value in labels]
    check = {name: [values[place] for place in usable] for name, values in check.items()}
    kind = train.types.get(target, "string")
    found = Search()
    for number, candidate in enumerate(candidates):
        fitted: Any = candidate.model
        said = fitted.predict({name: check[name] for name in names})
        metrics = _score(check[target], said, labels)
        model = FittedTable([candidate.files], [1.0], labels, kind)
        name = algorithms[number % len(algorithms)]
        found.trials.append(Trial(name, "StandardScalerWrapper", metrics, model, said))
    _ensembles(request, found, check[target], labels, kind)
    return found


def _kinds(request: Request, train: Rows, names: list[str]) -> dict[str, str]:
    own = (request.details.get("featurizationSettings") or {}).get("columnNameAndTypes") or {}
    purposes = {"Categorical": "category", "Numeric": "numeric", "DateTime": "datetime", "Text": "text"}
    unknown = [name for name in own if name not in names]
    if unknown:
        raise UnusableDataError(f"The featurization names the columns {unknown}, which are not in the data.")
    by_type = {"int": "numeric", "float": "numeric", "boolean": "category", "datetime": "datetime"}
    kinds = {name: by_type[train.types[name]] for name in names if train.types.get(name) in by_type}
    return kinds | {name: purposes[kind] for name, kind in own.items() if kind in purposes}


def _algorithms(request: Request) -> list[str]:
    allowed = request.training.get("allowedTrainingAlgorithms")
    blocked = request.training.get("blockedTrainingAlgorithms") or []
    found = [name for name in allowed or ORDER[request.task] if name not in blocked]
    return found or list(ORDER[request.task])


def _score(truth: list[str], said: Any, labels: list[str]) -> dict[str, float]:
    if labels:
        return scores.of_classes(truth, said, labels)
    return scores.of_values(np.array(truth, dtype=np.float64), said)


def _ensembles(request: Request, found: Search, truth: list[str], labels: list[str], kind: str) -> None:
    """Average the best three for a vote, weighted by their scores for a stack (the service fits a model for that)."""
    sign = 1.0 if request.metric in scores.MINIMISED else -1.0
    best = sorted(found.trials, key=lambda trial: sign * trial.metrics.get(request.metric, 0.0))[:3]
    for role in set(request.after) & {"vote", "stack"}:
        weights = [1.0 if role == "vote" else 1.0 / (1 + place) for place in range(len(best))]
        said = sum(weight * trial.said for weight, trial in zip(weights, best, strict=True)) / sum(weights)
        files = [trial.model.members[0] for trial in best]
        name = "VotingEnsemble" if role == "vote" else "StackEnsemble"
        found.ensembles[role] = Trial(name, "", _score(truth, said, labels), FittedTable(files, weights, labels, kind))
