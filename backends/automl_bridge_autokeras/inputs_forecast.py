"""Series for a neural net: windows of the past, the calendar and the covariates of the steps to come.

A row is an origin: a series at a time. Its values are moved by a base forecast that needs no learning and divided by
the spread of its window, so that one network serves series of any size and any new one, and a network that has learned
nothing forecasts the base.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from automl_bridge.data.series_arrays import SeriesReader
from automl_bridge.data.series_windows import Shape, seasonal, simple_forecast, standing
from automl_bridge.spec import ForecastSpec, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.series_arrays import SeriesArrays

__all__ = ["ForecastInputs", "Origins"]

_CLIP = 10.0  # scaled values beyond are outliers of windows that hardly change
_BASES: tuple[Literal["naive", "mean"], ...] = ("naive", "mean")


@dataclass(frozen=True)
class Origins:
    """Rows of the model: its arrays, and what turns its outputs into values.

    Parameters
    ----------
    arrays
        As `ForecastInputs.names` says.
    base, spread
        Shapes (origins, horizon) and (origins, 1).
    shifts
        What is added to each quantile, in spreads.
    """

    arrays: tuple[NDArray[Any], ...]
    base: NDArray[np.float64]
    spread: NDArray[np.float64]
    shifts: NDArray[np.float64]

    def down(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what a network should answer for these values, shape (origins, horizon)."""
        return ((values - self.base) / self.spread).clip(-_CLIP, _CLIP).astype(np.float32)

    def up(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return forecasts (origins × horizon, 1 + quantiles) for outputs (origins, (1 + quantiles) × horizon).

        Quantiles that cross are put in order.
        """
        count, horizon = self.base.shape
        scaled = outputs.reshape(count, -1, horizon) + np.concatenate([[0.0], self.shifts])[:, None]
        values = (scaled * self.spread[:, :, None] + self.base[:, None, :]).transpose(0, 2, 1)
        values = values.reshape(count * horizon, -1)
        return np.concatenate([values[:, :1], np.sort(values[:, 1:], axis=1)], axis=1)


@dataclass(frozen=True)
class ForecastInputs:
    """Everything fitted between a table of series and the model's arrays; JSON in and out.

    Parameters
    ----------
    reader
        From tables to arrays of all rows.
    shape
        Horizon, season and window.
    base
        The forecast that values are moved by: the one that errs less on the training rows.
    still, ahead
        Mean and width of each number a series and a step have, shape (2, numbers).
    shifts
        What is added to each quantile, in spreads of the window, so that it covers what it should on rows that the
        network has not learned from; shape (quantiles,).
    """

    kind: ClassVar[str] = "forecast"
    reader: SeriesReader
    shape: Shape
    base: Literal["naive", "mean"]
    still: NDArray[np.float64]
    ahead: NDArray[np.float64]
    shifts: NDArray[np.float64]

    levels: ClassVar[int] = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays; without a calendar and known covariates nothing is known of the steps to come."""
        return ("window", "seasons", *(("ahead",) if self.ahead.shape[1] else ()), "still")

    @classmethod
    def fit(cls, table: pa.Table, profile: Profile, forecast: ForecastSpec) -> tuple[ForecastInputs, SeriesArrays]:
        """Fit to the training rows; returns their arrays, too."""
        reader = SeriesReader.fit(table, profile, forecast)
        series = reader.read(table)
        shape = Shape.of(forecast.horizon, forecast.season, np.diff(series.starts))
        some = series.origins(shape.horizon, 1)[:: max(1, len(series.values) // 5000)]
        base = min(_BASES, key=lambda kind: _error(series, some, shape, kind))
        blank = cls(reader, shape, base, np.zeros((2, 0)), np.zeros((2, 0)), np.zeros(len(forecast.quantiles)))
        still, ahead = blank._still(series, some), blank._ahead(series, some)
        return replace(
            blank, still=_scale(still), ahead=_scale(ahead.reshape(len(some) * shape.horizon, ahead.shape[2]))
        ), series

    @property
    def quantiles(self) -> int:
        """Number of quantiles."""
        return len(self.reader.forecast.quantiles)

    def origins(self, series: SeriesArrays, origins: NDArray[np.int64]) -> Origins:
        """Return the model's rows for origins in arrays of series."""
        shape = self.shape
        window = series.window(origins, shape.reach)
        recent = window[:, -shape.length :]
        level, spread = standing(recent, shape.season)
        scaled = np.nan_to_num((recent - level) / spread).clip(-_CLIP, _CLIP)
        base = simple_forecast(window, shape, self.base)
        earlier = np.nan_to_num((seasonal(window, shape) - base[:, :, None]) / spread[:, :, None]).clip(-_CLIP, _CLIP)
        arrays = {
            "window": scaled,
            "seasons": earlier,
            "ahead": _scaled(self._ahead(series, origins), self.ahead),
            "still": _scaled(self._still(series, origins), self.still),
        }
        return Origins(tuple(arrays[name].astype(np.float32) for name in self.names), base, spread, self.shifts)

    def _ahead(self, series: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is known of each step to come, shape (origins, horizon, numbers)."""
        rows = series.ahead(origins, self.shape.horizon)
        angle = 2 * np.pi * series.phases[rows]
        return np.concatenate([np.sin(angle), np.cos(angle), series.known[rows]], axis=2).astype(np.float64)

    def _still(self, series: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is known of each origin beside its window, shape (origins, numbers)."""
        level, spread = standing(series.window(origins, self.shape.length), self.shape.season)
        size = np.log1p(np.abs(level))
        return np.hstack([size, spread / (np.abs(level) + spread), series.past[origins - 1]]).astype(np.float64)

    def predict(
        self, table: pa.Table, forward: Callable[[Sequence[NDArray[Any]]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Forecast the rows without a target of a sorted table (`series.question`); as in `Outcome`."""
        series = self.reader.read(table)
        rows = self.origins(series, series.asked(self.shape.horizon))
        return rows.up(forward(rows.arrays))

    def transform(self, table: pa.Table) -> tuple[NDArray[Any], ...]:
        """Turn the origins of a question into the model's arrays."""
        series = self.reader.read(table)
        return self.origins(series, series.asked(self.shape.horizon)).arrays

    def linear(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return what a linear model reads: all of it, flat."""
        return tuple(array.reshape(len(array), -1) for array in arrays)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "profile": self.reader.profile.model_dump(mode="json"),
            "forecast": self.reader.forecast.model_dump(mode="json"),
            "reader": self.reader.to_json(),
            "shape": [self.shape.horizon, self.shape.season, self.shape.length],
            "base": self.base,
            "still": self.still.tolist(),
            "ahead": self.ahead.tolist(),
            "shifts": self.shifts.tolist(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ForecastInputs:
        """Rebuild it from `to_json`."""
        profile = Profile.model_validate(document["profile"])
        forecast = ForecastSpec.model_validate(document["forecast"])
        reader = SeriesReader.from_json(document["reader"], profile, forecast)
        still, ahead = (np.asarray(document[name], np.float64).reshape(2, -1) for name in ("still", "ahead"))
        shifts = np.asarray(document["shifts"], np.float64)
        return cls(reader, Shape(*document["shape"]), document["base"], still, ahead, shifts)


def _error(series: SeriesArrays, origins: NDArray[np.int64], shape: Shape, kind: Literal["naive", "mean"]) -> float:
    if not len(origins):
        return 0.0
    window = series.window(origins, shape.reach)
    _, spread = standing(window[:, -shape.length :], shape.season)
    errors = series.values[series.ahead(origins, shape.horizon)] - simple_forecast(window, shape, kind)
    return float(np.abs(errors / spread).clip(0, _CLIP).mean())


def _scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean and width of each column, missing values left out; a column that says nothing has the width 1."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / count
    width = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count)
    return np.stack([mean, np.where(width > 1e-12, width, 1.0)])


def _scaled(values: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.nan_to_num((values - scale[0]) / scale[1]).clip(-_CLIP, _CLIP), np.float64)
