"""Models of time series: a level that follows the past, a seasonal profile, and the spread of its errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import measures
from automl_bridge.sandbox.trainers.candidates import Candidate, UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["SeriesModel", "train_series"]


@dataclass
class SeriesModel:
    """Forecasts by a smoothed level times a seasonal profile that all series share.

    Parameters
    ----------
    alpha
        Weight of the newest value in the level, 0 to 1.
    profile
        Factor of each position in the season; a profile of one is no season.
    spread
        Standard deviation of the one-step error, as a share of the level.
    horizon
        Steps ahead.
    columns
        What the caller needs to read the input again: names of columns, quantiles, frequency.
    """

    alpha: float
    profile: list[float]
    spread: float
    horizon: int
    columns: dict[str, Any]

    def forecast(self, values: NDArray[np.float64], levels: Sequence[float]) -> NDArray[np.float64]:
        """Return forecasts of shape (horizon, 1 + levels): the mean, then each quantile, for one series."""
        season = len(self.profile)
        factors = np.array(self.profile)
        level, last = self._level(values), len(values)
        ahead = np.arange(self.horizon)
        mean = level * factors[(last + ahead) % season]
        width = self.spread * abs(level) * np.sqrt(ahead + 1.0)
        quantiles = [mean + width * NormalDist().inv_cdf(share) for share in levels]
        return np.column_stack([mean, *quantiles])

    def _level(self, values: NDArray[np.float64]) -> float:
        factors = np.array(self.profile)
        flat = values / factors[np.arange(len(values)) % len(factors)]
        level = float(flat[0])
        for value in flat[1:]:
            level += self.alpha * (float(value) - level)
        return level

    def files(self) -> dict[str, bytes]:
        """Return the model as files."""
        return {"model.json": json.dumps({"kind": "series", **self.__dict__}).encode()}

    @classmethod
    def from_json(cls, meta: Mapping[str, Any]) -> SeriesModel:
        """Read what `files` wrote."""
        return cls(**{name: value for name, value in meta.items() if name != "kind"})


def train_series(
    series: Mapping[Any, NDArray[np.float64]],
    *,
    horizon: int,
    season: int,
    levels: Sequence[float],
    columns: Mapping[str, Any],
) -> Iterator[Candidate]:
    """Fit on the series (values in order of time, by key), checked on the last ``horizon`` steps of each.

    Raises
    ------
    UnusableDataError
        If no series is long enough for the horizon.
    """
    usable = {key: values for key, values in series.items() if len(values) >= horizon + 4}
    if not usable:
        longest = max((len(values) for values in series.values()), default=0)
        raise UnusableDataError(f"no series is long enough for {horizon} steps ahead; the longest has {longest}")
    fit = {key: values[:-horizon] for key, values in usable.items()}
    profiles = [[1.0]]
    if season > 1 and min(map(len, fit.values())) >= 2 * season:
        profiles.append(_profile(fit, season))
    options = [(alpha, profile) for profile in profiles for alpha in (0.1, 0.3, 0.6, 0.9)]
    models = [SeriesModel(alpha, profile, 0.0, horizon, dict(columns)) for alpha, profile in options]
    best = min(models, key=lambda model: _error(model, fit))
    best.spread = _error(best, fit) ** 0.5
    truth = np.concatenate([values[-horizon:] for values in usable.values()])
    said = np.concatenate([best.forecast(values, levels) for values in fit.values()])
    step = float(np.mean(np.concatenate([np.abs(np.diff(values)) for values in fit.values()])))
    scores = measures.of_forecast(truth, {level: said[:, 1 + i] for i, level in enumerate(levels)}, step)
    yield Candidate("exponential-smoothing", best, {"alpha": best.alpha, "season": len(best.profile)}, {}, scores)


def _profile(series: Mapping[Any, NDArray[np.float64]], season: int) -> list[float]:
    ratios: list[list[float]] = [[] for _ in range(season)]
    for values in series.values():
        mean = float(values.mean())
        if abs(mean) > 1e-9:
            for position, value in enumerate(values):
                ratios[position % season].append(float(value) / mean)
    # A factor near zero would blow up the level of the next series.
    return [float(np.clip(np.mean(ratio), 0.2, 5.0)) if ratio else 1.0 for ratio in ratios]


def _error(model: SeriesModel, series: Mapping[Any, NDArray[np.float64]]) -> float:
    """Mean squared one-step error, as a share of the level."""
    errors = []
    factors = np.array(model.profile)
    for values in series.values():
        flat = values / factors[np.arange(len(values)) % len(factors)]
        scale = max(float(np.abs(flat).mean()), 1e-9)
        level = float(flat[0])
        for value in flat[1:]:
            errors.append(((float(value) - level) / scale) ** 2)
            level += model.alpha * (float(value) - level)
    return float(np.mean(errors))
