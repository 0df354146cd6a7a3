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
from automl_bridge.data.series_linear import WindowRidge
from automl_bridge.data.series_windows import Shape, seasonal, simple_forecast, standing
from automl_bridge.spec import ForecastSpec, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.series_arrays import SeriesArrays

__all__ = ["ForecastInputs", "Origins"]

_PARTS = 5
_LEAST_ORIGINS = 20  # to fit a linear model to
_CLIP = 10.0  # scaled values beyond are outliers of windows that hardly change
Base = Literal["naive", "mean"]
_BASES: tuple[Base, ...] = ("naive", "mean")


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
    ridge
        A linear model whose forecasts a network may start from; None where there is too little to fit it to.
    still, ahead
        Mean and width of each number a series and a step have, shape (2, numbers).
    shifts
        What is added to each quantile, in spreads of the window, so that it covers what it should on rows that the
        network has not learned from; shape (quantiles,).
    """

    kind: ClassVar[str] = "forecast"
    reader: SeriesReader
    shape: Shape
    base: Base
    ridge: WindowRidge | None
    still: NDArray[np.float64]
    ahead: NDArray[np.float64]
    shifts: NDArray[np.float64]

    levels: ClassVar[int] = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays; without a calendar and known covariates nothing is known of the steps to come."""
        steps = ("ahead",) if self.ahead.shape[1] else ()
        return ("window", "seasons", *steps, "still", *(("linear",) if self.ridge else ()))

    @classmethod
    def fit(
        cls, reader: SeriesReader, shape: Shape, series: SeriesArrays, origins: NDArray[np.int64], seed: int
    ) -> ForecastInputs:
        """Fit to the origins that are learned from, in arrays that ``reader`` made."""
        blank = cls(reader, shape, "naive", None, np.zeros((2, 0)), np.zeros((2, 0)), np.zeros(len(_levels(reader))))
        some = origins[:: max(1, len(origins) // 5000)]
        still, ahead = blank._still(series, some), blank._ahead(series, some)
        ahead = ahead.reshape(len(some) * shape.horizon, ahead.shape[2])
        base = min(_BASES, key=lambda kind: _error(series, some, shape, kind))
        ridge = WindowRidge.fit(shape, series, origins, seed) if len(origins) >= _LEAST_ORIGINS else None
        return replace(blank, base=base, ridge=ridge, still=_scale(still), ahead=_scale(ahead))

    @property
    def quantiles(self) -> int:
        """Number of quantiles."""
        return len(_levels(self.reader))

    def training(self, series: SeriesArrays, origins: NDArray[np.int64], seed: int) -> Origins:
        """Return the rows to learn from: their linear forecasts have not seen the values that they are corrected to.

        The model is fitted five times, each time without the origins of a fifth of the time, and forecasts from those.
        """
        if self.ridge is None:
            return self.origins(series, origins)
        left = series.starts[1:][series.codes[origins]] - origins
        part = np.searchsorted(np.quantile(left, np.arange(1, _PARTS) / _PARTS), left)
        linear = np.empty((len(origins), self.shape.horizon))
        for number in np.unique(part):
            own = part == number
            ridge = WindowRidge.fit(self.shape, series, origins if own.all() else origins[~own], seed)
            linear[own] = ridge.predict(series, origins[own])
        return self.origins(series, origins, linear)

    def origins(
        self, series: SeriesArrays, origins: NDArray[np.int64], linear: NDArray[np.float64] | None = None
    ) -> Origins:
        """Return the model's rows for origins in arrays of series; ``linear`` is the ridge's forecast where None."""
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
        if self.ridge is not None:
            linear = self.ridge.predict(series, origins) if linear is None else linear
            arrays["linear"] = ((linear - base) / spread).clip(-_CLIP, _CLIP)
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
            "ridge": None if self.ridge is None else self.ridge.weights.tolist(),
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
        shape, weights = Shape(*document["shape"]), document["ridge"]
        ridge = None if weights is None else WindowRidge(shape, np.asarray(weights, np.float64))
        return cls(reader, shape, document["base"], ridge, still, ahead, shifts)


def _levels(reader: SeriesReader) -> tuple[float, ...]:
    return reader.forecast.quantiles


def _error(series: SeriesArrays, origins: NDArray[np.int64], shape: Shape, base: Base) -> float:
    window = series.window(origins, shape.reach)
    _, spread = standing(window[:, -shape.length :], shape.season)
    errors = series.values[series.ahead(origins, shape.horizon)] - simple_forecast(window, shape, base)
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
