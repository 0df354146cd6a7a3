"""Ridge regression of all steps to come on the window, the calendar and what is known in advance: milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl_bridge.data.series_windows import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.data.series_arrays import SeriesArrays
    from automl_bridge.data.series_windows import Shape

__all__ = ["WindowRidge"]

_MAX_ORIGINS = 20_000
_PENALTIES = (0.1, 3.0, 100.0, 3000.0)
_CLIP = 20.0  # spreads of the window


@dataclass(frozen=True)
class WindowRidge:
    """A fitted model.

    Parameters
    ----------
    shape
        What is forecast from what.
    weights
        Shape (numbers, horizon); the last row is the constant.
    """

    shape: Shape
    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, shape: Shape, arrays: SeriesArrays, origins: NDArray[np.int64], seed: int = 0) -> WindowRidge:
        """Learn; the penalty is that which does best on the later fifth of the origins."""
        import numpy as np

        if len(origins) > _MAX_ORIGINS:
            origins = np.sort(np.random.default_rng(seed).choice(origins, _MAX_ORIGINS, replace=False))
        matrix, level, spread = _matrix(shape, arrays, origins)
        goal = ((arrays.values[arrays.ahead(origins, shape.horizon)] - level) / spread).clip(-_CLIP, _CLIP)
        # Neighbours in time are alike: the later origins judge, not some drawn at random.
        left = arrays.starts[1:][arrays.codes[origins]] - origins
        judge = left <= np.quantile(left, 0.2)
        learn = ~judge if min(judge.sum(), (~judge).sum()) >= 3 else np.ones(len(origins), bool)
        errors = [
            np.abs(matrix[judge] @ _solve(matrix[learn], goal[learn], penalty) - goal[judge]).mean()
            for penalty in _PENALTIES
        ]
        return cls(shape, _solve(matrix, goal, _PENALTIES[int(np.argmin(errors))]))

    def predict(self, arrays: SeriesArrays, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast from these origins, shape (origins, horizon)."""
        import numpy as np

        matrix, level, spread = _matrix(self.shape, arrays, origins)
        return np.asarray(matrix @ self.weights * spread + level, np.float64)


def _matrix(
    shape: Shape, arrays: SeriesArrays, origins: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    window = arrays.window(origins, shape.length)
    level, spread = standing(window, shape.season)
    scaled = np.nan_to_num((window - level) / spread).clip(-_CLIP, _CLIP)
    angle = 2 * np.pi * arrays.phases[origins]
    known = arrays.known[arrays.ahead(origins, shape.horizon)]
    known = np.nan_to_num(known.reshape(len(origins), shape.horizon * known.shape[2]))
    parts = [scaled, np.sin(angle), np.cos(angle), known, np.ones((len(origins), 1))]
    return np.hstack(parts).astype(np.float64), level, spread


def _solve(matrix: NDArray[np.float64], goal: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    import numpy as np

    free = np.full(matrix.shape[1], penalty)
    free[-1] = 0.0  # the constant
    return np.asarray(np.linalg.solve(matrix.T @ matrix + np.diag(free + 1e-9), matrix.T @ goal), np.float64)
