"""The search itself: reads what is in the storage, trains, and scores as AutoML logs it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_images, train_series, train_table, train_texts
from automl_bridge_azure.sandbox import scores
from automl_bridge_azure.sandbox.addresses import locate
from automl_bridge_azure.sandbox.errors import AzureError
from automl_bridge_azure.sandbox.fitted import FittedForecaster, FittedImages, FittedTable, FittedTexts
from automl_bridge_azure.sandbox.mltable import Rows, read_mltable
from automl_bridge_azure.sandbox.request import MAX_CELLS, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_azure.sandbox.world import World

__all__ = ["Search", "Trial", "run_search"]

MIN_ROWS, MIN_VALIDATION, MIN_IMAGES = 50, 5, 10
MAX_CHECKED = 2000
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
SEASONS = {"T": 60, "min": 60, "H": 24, "h": 24, "D": 7, "B": 5, "W": 52, "M": 12, "MS": 12, "ME": 12, "Q": 4, "QS": 4}


@dataclass
class Trial:
    """A trained candidate: what it is, how it scores, the model as a job's script gets it."""

    algorithm: str
    preprocessor: str
    metrics: dict[str, float]
    model: Any
    weight: float = 1.0


@dataclass
class Search:
    """Trials in the order they were trained, and the ensembles of them by role."""

    trials: list[Trial] = field(default_factory=list)
    ensembles: dict[str, Trial] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)


def run_search(world: World, request: Request, count: int) -> Search:
    """Read the data and train ``count`` models, and ensembles of them where they are wanted.

    Raises
    ------
    UnusableDataError
        For data that the service would give up on.
    """
    train = read_mltable(world, request.uri("trainingData") or "")
    uri = request.uri("validationData")
    validation = None if uri is None else read_mltable(world, uri)
    target = str(request.details["targetColumnName"])
    if target not in train.columns:
        raise UnusableDataError(f"The specified target column '{target}' was not found in the training data.")
    if validation is not None and not set(train.columns) <= set(validation.columns):
        raise UnusableDataError("The training columns must all be in the validation data.")
    search = {"image": _images, "text": _texts, "forecasting": _series}.get(request.task, _tables)
    found = search(world, request, train, validation, target, count)
    found.columns = [name for name in train.columns if name != target]
    found.types = train.types
    return found


def _labelled(rows: Rows, target: str) -> list[int]:
    return [place for place, value in enumerate(rows.columns[target]) if value.strip()]


def _take(rows: Rows, places: Sequence[int]) -> dict[str, list[str]]:
    return {name: [values[place] for place in places] for name, values in rows.columns.items()}


def _split(
    request: Request, train: Rows, validation: Rows | None, target: str
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return rows to fit and rows to check; one split stands for folds."""
    usable = _labelled(train, target)
    if validation is not None:
        checked = _labelled(validation, target)
        return _take(train, usable), _take(validation, checked[:MAX_CHECKED])
    share = float(request.details.get("validationDataSize") or 0.2)
    order = np.random.default_rng(0).permutation(usable).tolist()
    held = max(1, round(len(order) * share))
    return _take(train, sorted(order[held:])), _take(train, sorted(order[:held])[:MAX_CHECKED])


def _check_table(request: Request, train: Rows, validation: Rows | None, target: str) -> None:
    rows = len(_labelled(train, target))
    if rows < MIN_ROWS:
        raise UnusableDataError(f"The input dataset has {rows} usable data points. Minimum: {MIN_ROWS}.")
    if validation is not None and len(_labelled(validation, target)) < MIN_VALIDATION:
        raise UnusableDataError(f"The validation data has fewer than {MIN_VALIDATION} usable rows.")
    cells = rows * len(train.columns)
    if cells > MAX_CELLS and request.timeout <= 3600:
        raise UnusableDataError(f"The data has {cells} cells; a timeout of more than 60 minutes is needed.")
    values = {train.columns[target][place] for place in _labelled(train, target)}
    if len(values) < 2:
        raise UnusableDataError(
            f"At least two distinct values are required in the target column, it has {len(values)}."
        )
    if request.task == "classification" and len(values) == rows:
        raise UnusableDataError("The target column has a different value in each row; this is no classification.")
    positive = request.details.get("positiveLabel")
    if positive is not None and str(positive) not in values:
        raise UnusableDataError(f"The positive label '{positive}' is not in the target column.")
    for name, column in train.columns.items():
        if train.types.get(name) == "float" and any(
            value.strip().lower().lstrip("+-") in {"inf", "infinity"} for value in column
        ):
            raise UnusableDataError(f"The column '{name}' has infinite values.")


def _tables(_world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int) -> Search:
    _check_table(request, train, validation, target)
    classes = request.task == "classification"
    fit, check = _split(request, train, validation, target)
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
        found.trials.append(Trial(algorithms[number % len(algorithms)], "StandardScalerWrapper", metrics, model))
        found.trials[-1].weight = metrics.get(request.metric, 0.0)
        found.trials[-1].__dict__["said"] = said
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
    best = sorted(found.trials, key=lambda trial: trial.weight, reverse=request.metric not in scores.MINIMISED)[:3]
    for role in set(request.after) & {"vote", "stack"}:
        weights = [1.0 if role == "vote" else 1.0 / (1 + place) for place in range(len(best))]
        said = sum(weight * trial.__dict__["said"] for weight, trial in zip(weights, best, strict=True)) / sum(weights)
        files = [trial.model.members[0] for trial in best]
        name = "VotingEnsemble" if role == "vote" else "StackEnsemble"
        found.ensembles[role] = Trial(name, "", _score(truth, said, labels), FittedTable(files, weights, labels, kind))


def _series(_world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int) -> Search:
    _check_table(request, train, None, target)
    settings = request.details.get("forecastingSettings") or {}
    time, keys = str(settings["timeColumnName"]), list(settings.get("timeSeriesIdColumnNames") or [])
    absent = [name for name in (time, *keys) if name not in train.columns]
    if absent:
        raise UnusableDataError(f"The columns {absent} were not found in the training data.")
    horizon = int((settings.get("forecastHorizon") or {}).get("value") or 1)
    series = {}
    for key, places in _groups(train, time, keys).items():
        later = [] if validation is None else _groups(validation, time, keys).get(key, [])
        values = [train.columns[target][place] for place in places]
        values += [validation.columns[target][place] for place in later] if validation is not None else []
        series[key] = np.array([float(v) if v.strip() else math.nan for v in values], dtype=np.float64)
        known = series[key][np.isfinite(series[key])]
        series[key] = _filled(series[key]) if len(known) else known
    season = SEASONS.get(str(settings.get("frequency") or "D").lstrip("0123456789").partition("-")[0], 1)
    columns = {"time": time, "keys": keys, "target": target}
    found = Search()
    for candidate in train_series(series, horizon=horizon, season=season, levels=[0.5], columns=columns):
        fitted: Any = candidate.model
        usable = [values for values in series.values() if len(values) >= horizon + 4]
        truth = np.concatenate([values[-horizon:] for values in usable])
        fitted.horizon = horizon
        said = np.concatenate([fitted.forecast(values[:-horizon], [])[:, 0] for values in usable])
        history = {key: values.tolist() for key, values in series.items()}
        model = FittedForecaster(fitted.files(), columns, history)
        for name in ("ExponentialSmoothing", "Naive", "SeasonalNaive", "Average")[:count]:
            metrics = scores.of_values(truth, said if not found.trials else _simple(usable, horizon, name, season))
            found.trials.append(Trial(name, "", metrics, model))
    return found


def _simple(series: list[Any], horizon: int, name: str, season: int) -> Any:
    """Forecast by rule of thumb, for trials to compare."""
    step = {"Naive": 1, "SeasonalNaive": season}.get(name, 0)
    parts = []
    for values in series:
        past = values[:-horizon]
        if not step or len(past) < step:
            parts.append(np.full(horizon, past.mean()))
        else:
            parts.append(np.resize(past[-step:], horizon))
    return np.concatenate(parts)


def _filled(values: Any) -> Any:
    """Carry the last known value forward, and the first back."""
    known = np.where(np.isfinite(values), np.arange(len(values)), -1)
    last = np.maximum.accumulate(known)
    return values[np.where(last < 0, np.argmax(np.isfinite(values)), last)]


def _groups(rows: Rows, time: str, keys: list[str]) -> dict[tuple[str, ...], list[int]]:
    stamps = []
    for text in rows.columns[time]:
        try:
            stamps.append(datetime.fromisoformat(text.strip()).replace(tzinfo=None))
        except ValueError:
            raise UnusableDataError(f"The time column '{time}' has '{text}', which is not a time.") from None
    groups: dict[tuple[str, ...], list[int]] = {}
    for place in sorted(range(len(stamps)), key=lambda row: stamps[row]):
        groups.setdefault(tuple(rows.columns[key][place] for key in keys), []).append(place)
    for key, places in groups.items():
        if len({stamps[place] for place in places}) != len(places):
            raise UnusableDataError(f"The series {key} has two rows with the same time.")
    return groups


def _texts(_world: World, _request: Request, train: Rows, validation: Rows | None, target: str, count: int) -> Search:
    places = _labelled(train, target)
    if len(places) < MIN_ROWS:
        raise UnusableDataError(f"The training data has {len(places)} samples with a label. Minimum: {MIN_ROWS}.")
    if train.types.get(target) == "float":
        raise UnusableDataError("The labels are decimal numbers; text classification takes int, bool or str.")
    if validation is None or list(validation.columns) != list(train.columns):
        raise UnusableDataError("Training and validation data must have the same columns in the same order.")
    pairs = [_pairs(rows, target) for rows in (train, validation)]
    labels = sorted({label for _text, label in pairs[0]}, reverse=True)
    if len(labels) < 2:
        raise UnusableDataError("At least two distinct labels are required.")
    checked = [(text, label) for text, label in pairs[1] if label in labels]
    found = Search()
    for candidate in train_texts(pairs[0], checked, candidates=count):
        fitted: Any = candidate.model
        said = fitted.predict([text for text, _label in checked])
        metrics = scores.of_classes([label for _text, label in checked], said, labels)
        model = FittedTexts([candidate.files], [1.0], labels, train.types.get(target, "string"))
        found.trials.append(Trial("bert-base-uncased", "", metrics, model))
    return found


def _pairs(rows: Rows, target: str) -> list[tuple[str, str]]:
    names = [name for name in rows.columns if name != target]
    return [
        (" ".join(rows.columns[name][place] for name in names), rows.columns[target][place])
        for place in _labelled(rows, target)
    ]


def _images(world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int) -> Search:
    pairs = _image_pairs(world, train, target)
    if len(pairs) < MIN_IMAGES:
        raise UnusableDataError(f"The training data has {len(pairs)} images. Minimum: {MIN_IMAGES}.")
    if validation is not None:
        checked = _image_pairs(world, validation, target)
    else:
        order = np.random.default_rng(0).permutation(len(pairs)).tolist()
        held = max(1, round(len(order) * float(request.details.get("validationDataSize") or 0.2)))
        checked, pairs = [pairs[place] for place in order[:held]], [pairs[place] for place in sorted(order[held:])]
    labels = sorted({label for _image, label in pairs}, reverse=True)
    if len(labels) < 2:
        raise UnusableDataError("At least two distinct labels are required.")
    checked = [(image, label) for image, label in checked if label in labels] or pairs[:1]
    found = Search()
    for candidate in train_images(pairs, checked, candidates=count):
        fitted: Any = candidate.model
        said = fitted.predict([image for image, _label in checked])
        metrics = scores.of_classes([label for _image, label in checked], said, labels)
        model = FittedImages([candidate.files], [1.0], labels, "string")
        found.trials.append(Trial("seresnext", "", metrics, model))
    return found


def _image_pairs(world: World, rows: Rows, target: str) -> list[tuple[bytes, str]]:
    if "image_url" not in rows.columns:
        raise UnusableDataError("the data has no column image_url")
    if rows.types.get("image_url") != "stream_info":
        raise UnusableDataError("the column image_url is to be converted to stream_info in the MLTable file")
    pairs = []
    for place in _labelled(rows, target):
        uri = rows.columns["image_url"][place]
        try:
            pairs.append((world.blobs.read(*locate(world, uri)), rows.columns[target][place]))
        except (AzureError, FileNotFoundError):
            raise UnusableDataError(f"The image {uri} could not be read.") from None
    return pairs
