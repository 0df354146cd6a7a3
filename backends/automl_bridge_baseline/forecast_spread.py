"""Quantiles around a point forecast, from the errors that it made where they are known.

Errors are divided by the spread of the window that they were forecast from, and by their usual size at each step; what
is left is pooled over all series and steps, and its quantiles are taken. So they widen with the step, and never cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.data.series_windows import standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from automl_bridge.data.series_arrays import SeriesArrays
    from automl_bridge.data.series_windows import Shape
    from automl_bridge_baseline.forecast_models import Forecaster

__all__ = ["Spread"]


@dataclass(frozen=True)
class Spread:
    """How far truth lies from a forecast.

    Parameters
    ----------
    shape
        The forecaster's.
    size
        Mean error at each step, in spreads of the window, shape (horizon,).
    levels
        Quantiles of the errors over their mean size, shape (quantiles,).
    """

    shape: Shape
    size: NDArray[np.float64]
    levels: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        shape: Shape,
        quantiles: tuple[float, ...],
        forecaster: Forecaster,
        arrays: SeriesArrays,
        origins: NDArray[np.int64],
    ) -> Spread:
        """Measure the errors of a forecaster from origins whose future is known."""
        _, spread = standing(arrays.window(origins, shape.length), shape.season)
        errors = (arrays.values[arrays.ahead(origins, shape.horizon)] - forecaster.predict(arrays, origins)) / spread
        size = np.abs(errors).mean(axis=0) if len(errors) else np.ones(shape.horizon)
        # Smooth over steps: the mean with its neighbours, as few origins make it jump.
        padded = np.pad(size, 1, mode="edge")
        size = np.maximum((padded[:-2] + padded[1:-1] + padded[2:]) / 3, 1e-9)
        pooled = (errors / size).reshape(-1) if len(errors) else np.zeros(1)
        return cls(shape, size, np.quantile(pooled, quantiles) if quantiles else np.zeros(0))

    def around(
        self, point: NDArray[np.float64], arrays: SeriesArrays, origins: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return point forecasts and quantiles, shape (origins × horizon, 1 + quantiles)."""
        _, spread = standing(arrays.window(origins, self.shape.length), self.shape.season)
        wide = (spread * self.size)[:, :, None] * self.levels
        whole = np.concatenate([point[:, :, None], point[:, :, None] + wide], axis=2)
        return np.asarray(whole.reshape(-1, whole.shape[2]), np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"size": self.size.tolist(), "levels": self.levels.tolist()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], shape: Shape) -> Spread:
        """Rebuild it."""
        return cls(shape, np.asarray(document["size"], np.float64), np.asarray(document["levels"], np.float64))
