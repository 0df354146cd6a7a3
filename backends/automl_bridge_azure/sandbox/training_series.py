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
