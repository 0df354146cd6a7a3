"""Forecasts that need no AutoML: the last season again, and the exponential smoothing with the best AICc."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from quality_systems import Job


def by_series(job: Job, forecast: Callable[[np.ndarray, int, int, float], np.ndarray]) -> np.ndarray:
    """Forecast each series on its own; ``forecast`` takes values, horizon, season and when time is up."""
    series = job.forecast["series"]
    outputs = np.full((len(job.holdout), 1), np.nan)
    groups = job.train.groupby(series[0], sort=False) if series else [(None, job.train)]
    with job.fitting():
        end = time.monotonic() + job.seconds
        for number, (name, rows) in enumerate(groups):
            left = (end - time.monotonic()) / max(1, len(groups) - number)
            values = rows.sort_values("time")["value"].to_numpy(float)
            found = forecast(values, job.forecast["horizon"], job.forecast["season"], time.monotonic() + left)
            wanted = job.holdout[job.holdout[series[0]] == name] if series else job.holdout
            outputs[wanted.sort_values("time").index, 0] = found
    return outputs


def seasonal_naive(values: np.ndarray, horizon: int, season: int, _end: float) -> np.ndarray:
    lag = season if len(values) >= season else 1
    return np.resize(values[-lag:], horizon)


def auto_ets(values: np.ndarray, horizon: int, season: int, end: float) -> np.ndarray:
    """Try the forms that Hyndman's ``ets`` tries (additive errors with multiplicative seasons are unstable)."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    errors = ("add", "mul") if (values > 0).all() else ("add",)
    trends = ((None, False), ("add", False), ("add", True))
    seasons = (None, "add", "mul") if season > 1 and len(values) >= 2 * season else (None,)
    best, found = np.inf, seasonal_naive(values, horizon, season, end)
    for cycle, error, (trend, damped) in product(seasons[::-1], errors, trends):
        if cycle == "mul" and error == "add":
            continue
        if time.monotonic() > end:
            break
        model = ETSModel(
            values, error, trend, damped, cycle, season if cycle else None, initialization_method="heuristic"
        )
        result = model.fit(disp=False, maxiter=200)
        forecast = np.asarray(result.forecast(horizon))
        if result.aicc < best and np.isfinite(forecast).all():
            best, found = result.aicc, forecast
    return found
