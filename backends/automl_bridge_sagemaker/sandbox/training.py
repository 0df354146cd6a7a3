"""The search itself: reads what is in S3, trains, and names the scores as Autopilot does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_images, train_series, train_table, train_texts
from automl_bridge_sagemaker.sandbox.data import read_images, read_table
from automl_bridge_sagemaker.sandbox.request import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl_bridge.sandbox.trainers import Candidate
    from automl_bridge_sagemaker.sandbox.request import Request
    from automl_bridge_sagemaker.sandbox.store import Store

__all__ = ["LOWER_IS_BETTER", "Search", "aggregate", "group_rows", "named_metrics", "quantile", "run_search"]

MIN_ROWS = 500
METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "BalancedAccuracy",
    "log_loss": "LogLoss",
    "f1": "F1",
    "f1_macro": "F1macro",
    "auc": "AUC",
    "precision": "Precision",
    "precision_macro": "PrecisionMacro",
    "recall": "Recall",
    "recall_macro": "RecallMacro",
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "mape": "MAPE",
    "mase": "MASE",
    "wape": "WAPE",
    "weighted_quantile_loss": "AverageWeightedQuantileLoss",
}
LOWER_IS_BETTER = frozenset({"MSE", "RMSE", "MAE", "MAPE", "MASE", "WAPE", "AverageWeightedQuantileLoss", "LogLoss"})
FAMILIES = {
    "linear-learner": "linear",
    "xgboost": "boosting",
    "randomforest": "forest",
    "nn-torch": "network",
    "extra-trees": "extra-trees",
    "lightgbm": "boosting",
    "fastai": "network",
    "catboost": "boosting",
    "mlp": "network",
}
SEASONS = {"min": 60, "H": 24, "D": 7, "W": 52, "M": 12, "Y": 1}


@dataclass
class Search:
    """What a search found.

    Parameters
    ----------
    problem
        The tabular problem type, given or found out; empty for other kinds.
    objective
        The metric that ranks the candidates.
    candidates
        In the order they were trained.
    """

    problem: str
    objective: str
    candidates: list[Candidate] = field(default_factory=list)


def named_metrics(scores: dict[str, float], problem: str) -> dict[str, float]:
    """Return scores by Autopilot's names, those that it reports for the problem."""
    macro = problem != "MulticlassClassification"
    left_out = {"f1_macro", "precision_macro", "recall_macro"} if macro else {"f1", "precision", "recall", "auc"}
    return {METRICS[name]: value for name, value in scores.items() if name not in left_out}


def run_search(request: Request, store: Store, candidates: int, mode: str) -> Search:
    """Read the data and train ``candidates`` models.

    Raises
    ------
    UnusableDataError
        For data that the service would give up on; the message becomes the failure reason.
    """
    channels = request.channels
    fraction = float(request.body.get("DataSplitConfig", {}).get("ValidationFraction", 0.2))
    if request.kind == "image":
        images = {name: read_images(store, channel) for name, channel in channels.items()}
        found = train_images(images["training"], images.get("validation"), validation_fraction=fraction)
        return Search("", "Accuracy", list(found))
    tables = {name: read_table(store, channel) for name, channel in channels.items()}
    if "validation" in tables and set(tables["validation"]) != set(tables["training"]):
        raise UnusableDataError("the training and validation channels have different columns")
    if request.kind == "text":
        pairs = {name: _pairs(table, request.config) for name, table in tables.items()}
        found = train_texts(pairs["training"], pairs.get("validation"), validation_fraction=fraction)
        return Search("", "Accuracy", list(found))
    if request.kind == "series":
        return _series(request, tables["training"])
    return _table(request, store, tables, candidates, mode, fraction)


def _table(
    request: Request, store: Store, tables: dict[str, dict[str, list[str]]], candidates: int, mode: str, fraction: float
) -> Search:
    config, train = request.config, tables["training"]
    target = config["TargetAttributeName"]
    rows = len(next(iter(train.values()), []))
    if target in train and rows < MIN_ROWS:
        raise UnusableDataError(f"the training dataset has {rows} rows; at least {MIN_ROWS} are required")
    problem = request.problem or _guess_problem(train.get(target, []))
    names = {"BinaryClassification": "binary", "MulticlassClassification": "multiclass", "Regression": "regression"}
    algorithms = request.algorithms or (
        ("xgboost", "linear-learner", "mlp") if mode == "HYPERPARAMETER_TUNING" else tuple(FAMILIES)
    )
    features, kinds = _specification(request, store, train)
    found = train_table(
        train,
        tables.get("validation"),
        target=target,
        problem=names[problem],
        candidates=candidates,
        families=[FAMILIES[name] for name in algorithms],
        weight=config.get("SampleWeightAttributeName"),
        features=features,
        kinds=kinds,
        validation_fraction=fraction,
    )
    return Search(problem, request.objective or OBJECTIVES[problem][0], list(found))


def _guess_problem(values: list[str]) -> str:
    present = {value for value in values if value}
    if len(present) == 2:
        return "BinaryClassification"
    try:
        numbers = [float(value) for value in present]
    except ValueError:
        return "MulticlassClassification"
    whole = all(number.is_integer() for number in numbers)
    return "MulticlassClassification" if whole and len(present) <= 20 else "Regression"


def _specification(
    request: Request, store: Store, table: dict[str, list[str]]
) -> tuple[list[str] | None, dict[str, str]]:
    uri = request.config.get("FeatureSpecificationS3Uri")
    if uri is None:
        return None, {}
    specification = json.loads(store.read(uri))
    names = specification.get("FeatureAttributeNames")
    types = specification.get("FeatureDataTypes", {})
    unknown = [name for name in [*(names or []), *types] if name not in table]
    if unknown:
        raise UnusableDataError(f"the feature specification names {unknown}, which the data has not")
    kinds = {"numeric": "numeric", "categorical": "category", "text": "text", "datetime": "datetime"}
    ordered = None if names is None else [name for name in table if name in names]
    return ordered, {name: kinds[kind] for name, kind in types.items() if kind in kinds}


def _pairs(table: dict[str, list[str]], config: dict[str, Any]) -> list[tuple[str, str]]:
    for column in (config["ContentColumn"], config["TargetLabelColumn"]):
        if column not in table:
            raise UnusableDataError(f'the column "{column}" is not in the data; columns: {", ".join(table)}')
    pairs = zip(table[config["ContentColumn"]], table[config["TargetLabelColumn"]], strict=True)
    return [(text, label) for text, label in pairs if label.strip()]


def quantile(name: str) -> float:
    """Return the share that a quantile's name says: 0.1 for ``p10``."""
    return int(name.removeprefix("p")) / 100.0


def group_rows(table: dict[str, list[str]], keys: list[str], stamp: str) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    """Yield each series' key and its rows in order of time."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(table[stamp])):
        groups.setdefault(tuple(table[key][row] for key in keys), []).append(row)
    for key, rows in groups.items():
        yield key, sorted(rows, key=lambda row: _moment(table[stamp][row]))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UnusableDataError(f'"{text}" is not a timestamp') from None


def _series(request: Request, table: dict[str, list[str]]) -> Search:
    config = request.config
    columns = config["TimeSeriesConfig"]
    stamp, target = columns["TimestampAttributeName"], columns["TargetAttributeName"]
    keys = [columns["ItemIdentifierAttributeName"], *columns.get("GroupingAttributeNames", [])]
    missing = [name for name in (stamp, target, *keys) if name not in table]
    if missing:
        raise UnusableDataError(f"the columns {missing} are not in the data; columns: {', '.join(table)}")
    how = config.get("Transformations", {}).get("Aggregation", {}).get(target, "sum")
    series = {}
    for key, rows in group_rows(table, keys, stamp):
        series[key] = aggregate([table[stamp][row] for row in rows], [table[target][row] for row in rows], how)
    horizon = int(config["ForecastHorizon"])
    longest = max((len(values) for values in series.values()), default=0)
    if horizon > min(500, longest // 4):
        raise UnusableDataError(
            f"the forecast horizon {horizon} exceeds the lesser of 500 and a quarter of {longest} steps"
        )
    names = config.get("ForecastQuantiles", ["p10", "p50", "p90"])
    unit = config["ForecastFrequency"].lstrip("0123456789")
    found = train_series(
        series,
        horizon=horizon,
        season=SEASONS[unit],
        levels=[quantile(name) for name in names],
        columns={
            "keys": keys,
            "stamp": stamp,
            "target": target,
            "quantiles": names,
            "how": how,
            "frequency": config["ForecastFrequency"],
        },
    )
    return Search("", request.objective or OBJECTIVES["series"][0], list(found))


def aggregate(stamps: list[str], values: list[str], how: str) -> Any:
    """Return one value a timestamp; several are summed unless the request says otherwise, a missing one counts 0."""
    by: dict[str, list[float]] = {}
    for stamp, value in zip(stamps, values, strict=True):
        try:
            by.setdefault(stamp, []).append(float(value) if value.strip() else 0.0)
        except ValueError:
            raise UnusableDataError(f'the target "{value}" is not a number') from None
    reduce: dict[str, Callable[[list[float]], float]] = {
        "sum": sum,
        "avg": lambda group: sum(group) / len(group),
        "first": lambda group: group[0],
        "min": min,
        "max": max,
    }
    return np.array([reduce[how](group) for group in by.values()], dtype=np.float64)
