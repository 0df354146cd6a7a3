"""Searches of time series."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_series
from automl_bridge_azure.sandbox import scores
from automl_bridge_azure.sandbox.fitted import FittedForecaster
from automl_bridge_azure.sandbox.training_tables import check_table
from automl_bridge_azure.sandbox.trials import Search, Trial

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.mltable import Rows
    from automl_bridge_azure.sandbox.request import Request
    from automl_bridge_azure.sandbox.world import World

__all__ = ["search_series"]

# AZ-TS-13 and AZ-TS-14 of the adapter's limits: azureml-automl-core's constants, Prophet's own names.
RESERVED = frozenset({
    "_automl_dummy_group_col", "_automl_original_order_col", "_automl_dummy_grain_col", "_automl_target_col",
    "_lower_quantile", "_lower_quantile_forecast_value", "_forecast_value", "_upper_quantile",
    "_upper_quantile_forecast_value",
})  # fmt: skip
PROPHET = frozenset({"ds", "y", "cap", "floor", "y_scaled", "cap_scaled"})
PROPHET_PARTS = frozenset({
    "trend", "additive_terms", "daily", "weekly", "yearly", "holidays", "zeros", "extra_regressors_additive", "yhat",
    "extra_regressors_multiplicative", "multiplicative_terms",
})  # fmt: skip
SEASONS = {"T": 60, "min": 60, "H": 24, "h": 24, "D": 7, "B": 5, "W": 52, "M": 12, "MS": 12, "ME": 12, "Q": 4, "QS": 4}


def search_series(
    _world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int
) -> Search:
    """Fit forecasts of every series, and rules of thumb to compare them with."""
    check_table(request, train, None, target)
    settings = request.details.get("forecastingSettings") or {}
    time, keys = str(settings["timeColumnName"]), list(settings.get("timeSeriesIdColumnNames") or [])
    absent = [name for name in (time, *keys) if name not in train.columns]
    if absent:
        raise UnusableDataError(f"The columns {absent} were not found in the training data.")
    _check_names(request, [name for name in train.columns if name not in {time, target, *keys}])
    horizon = int((settings.get("forecastHorizon") or {}).get("value") or 1)
    series = _values(train, time, keys, target)
    if validation is not None:
        later = _values(validation, time, keys, target)
        if set(later) != set(series):
            raise UnusableDataError("Training and validation data must have the same time series.")
        series = {key: np.concatenate([values, later[key]]) for key, values in series.items()}
    series = {key: _filled(values) for key, values in series.items() if np.isfinite(values).any()}
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


def _check_names(request: Request, features: list[str]) -> None:
    taken = [name for name in features if name in RESERVED]
    if "Prophet" not in (request.training.get("blockedTrainingAlgorithms") or []):
        stems = [name.removesuffix("_lower").removesuffix("_upper") for name in features]
        pairs = zip(features, stems, strict=True)
        taken += [name for name, stem in pairs if name in PROPHET or stem in PROPHET_PARTS or "_delim_" in name]
    if taken:
        raise UnusableDataError(f"The column names {sorted(set(taken))} are reserved; rename them.")


def _values(rows: Rows, time: str, keys: list[str], target: str) -> dict[tuple[str, ...], Any]:
    """Return the values of each series in order of time; NaN where one is missing."""
    try:
        values = [float(value) if value.strip() else math.nan for value in rows.columns[target]]
    except ValueError as error:
        raise UnusableDataError(f"The target column '{target}' is not numeric: {error}") from None
    return {key: np.array([values[place] for place in places]) for key, places in _groups(rows, time, keys).items()}


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
