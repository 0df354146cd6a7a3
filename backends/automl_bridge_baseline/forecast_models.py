"""Forecasters: seasonal naive, drift, seasonal mean, a linear model of windows, gradient boosting on lags.

All see a window of the last values of a series, moved and scaled by what is in it, so that one model serves series of
any size, and series that it has never seen. ``predict`` returns point forecasts, shape (origins, horizon).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from automl_bridge.data.series_linear import WindowRidge
from automl_bridge.data.series_windows import LAGS, Shape, row_means, seasonal, simple_forecast, standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from automl_bridge.data.series_arrays import SeriesArrays

__all__ = ["Blend", "Boosting", "Forecaster", "Linear", "Simple", "models_of", "rebuilt"]

_MAX_ROWS = 60_000
"""Rows (origin and step) that boosting learns from: some 2 s on 2 cores."""


class Forecaster(Protocol):
    """What the search fits and the bundle keeps."""

    def fit(self, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int) -> None:
        """Learn to forecast from these origins."""
        ...

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins."""
        ...


@dataclass
class Simple:
    """What needs no learning: ``naive``, ``drift`` or ``mean``."""

    shape: Shape
    kind: Literal["naive", "mean", "drift"]

    def fit(self, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int) -> None:
        """Do nothing."""

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins."""
        return simple_forecast(arrays.window(origins, self.shape.reach), self.shape, self.kind)

    def document(self) -> dict[str, Any]:
        """Return what it is rebuilt from."""
        return {"kind": self.kind}


@dataclass
class Linear:
    """Ridge regression of all steps on the window, the calendar and what is known in advance."""

    shape: Shape
    ridge: WindowRidge | None = None

    def fit(self, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int) -> None:
        """Learn."""
        self.ridge = WindowRidge.fit(self.shape, arrays, origins, seed)

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins."""
        assert self.ridge is not None
        return self.ridge.predict(arrays, origins)

    def document(self) -> dict[str, Any]:
        """Return what it is rebuilt from."""
        assert self.ridge is not None
        return {"kind": "linear", "weights": self.ridge.weights.tolist()}


@dataclass
class Boosting:
    """Gradient boosting of each step on lags, seasons, calendar and covariates."""

    shape: Shape
    absolute: bool
    model: Any = None

    def _matrix(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
        count, horizon = len(origins), self.shape.horizon
        window = arrays.window(origins, self.shape.reach)
        level, spread = standing(window[:, -self.shape.length :], self.shape.season)
        scaled = (window - level) / spread
        ahead = arrays.ahead(origins, horizon)
        lags = scaled[:, -LAGS:]
        size = self.shape.season
        means = np.hstack([row_means(scaled[:, -size:]), row_means(scaled[:, -2 * size :]), row_means(scaled)])
        own = np.hstack(
            [lags, means, arrays.past[origins - 1], np.log1p(np.abs(level)), spread / (np.abs(level) + spread)]
        )
        steps = np.broadcast_to(np.arange(horizon)[None, :, None], (count, horizon, 1))
        parts = [
            np.broadcast_to(own[:, None, :], (count, horizon, own.shape[1])),
            seasonal(scaled, self.shape),
            steps,
            arrays.phases[ahead],
            arrays.known[ahead],
        ]
        matrix = np.concatenate(parts, axis=2).reshape(count * horizon, -1)
        return matrix.astype(np.float64), level, spread

    def fit(self, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int) -> None:
        """Learn."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        origins = _some(origins, max(1, _MAX_ROWS // self.shape.horizon), seed)
        matrix, level, spread = self._matrix(arrays, origins)
        # Of short series no window is whole, and so no mean over it; the trees' bins need a value in each column.
        matrix[:, np.isnan(matrix).all(axis=0)] = 0.0
        goal = (arrays.values[arrays.ahead(origins, self.shape.horizon)] - level) / spread
        self.model = HistGradientBoostingRegressor(
            loss="absolute_error" if self.absolute else "squared_error",
            max_iter=150,
            learning_rate=0.06,
            max_leaf_nodes=15,
            min_samples_leaf=min(20, max(2, len(matrix) // 20)),
            early_stopping=False,
            random_state=seed % 2**32,
        )
        self.model.fit(matrix, goal.reshape(-1).clip(-20, 20))

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins."""
        matrix, level, spread = self._matrix(arrays, origins)
        found = self.model.predict(matrix).reshape(len(origins), self.shape.horizon)
        return np.asarray(found * spread + level, np.float64)

    def document(self) -> dict[str, Any]:
        """Return what it is rebuilt from, beside its model."""
        return {"kind": "boosting", "absolute": self.absolute}


@dataclass
class Blend:
    """The mean of several."""

    members: list[Any]

    def fit(self, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int) -> None:
        """Let each learn."""
        for member in self.members:
            member.fit(arrays, origins, seed)

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins."""
        return np.asarray(np.mean([member.predict(arrays, origins) for member in self.members], axis=0), np.float64)

    def document(self) -> dict[str, Any]:
        """Return what it is rebuilt from, beside its models."""
        return {"kind": "blend", "members": [member.document() for member in self.members]}


def rebuilt(document: Mapping[str, Any], shape: Shape, models: list[Any]) -> Forecaster:
    """Rebuild a forecaster from its document; ``models`` are taken from the front, in order."""
    kind = document["kind"]
    if kind == "blend":
        return Blend([rebuilt(each, shape, models) for each in document["members"]])
    if kind == "linear":
        return Linear(shape, WindowRidge(shape, np.asarray(document["weights"], np.float64)))
    if kind == "boosting":
        return Boosting(shape, bool(document["absolute"]), models.pop(0))
    return Simple(shape, kind)


def models_of(forecaster: Any) -> list[Any]:
    """Return the models inside a forecaster that JSON cannot hold, in order."""
    if isinstance(forecaster, Blend):
        return [model for member in forecaster.members for model in models_of(member)]
    return [forecaster.model] if isinstance(forecaster, Boosting) else []


def _some(origins: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    if len(origins) <= most:
        return origins
    return np.sort(np.random.default_rng(seed).choice(origins, most, replace=False))
