"""Windows of series, moved and scaled by what is in them, and the forecasts that need no learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LAGS", "SEASONS", "Shape", "row_means", "seasonal", "simple_forecast", "standing"]

LAGS = 8
"""Last values that any forecaster looks at."""
SEASONS = 3
"""Earlier seasons that any forecaster looks at."""
_LONGEST = 400


@dataclass(frozen=True)
class Shape:
    """What is forecast from what: steps ahead, steps of a season, steps of the window."""

    horizon: int
    season: int
    length: int

    @classmethod
    def of(cls, horizon: int, season: int, lengths: NDArray[np.int64]) -> Shape:
        """Choose the window: some seasons and horizons, but no more than a usual series has before a horizon."""
        import numpy as np

        usual = int(np.median(lengths)) if len(lengths) else 1
        length = max(SEASONS * season, 2 * horizon, 16)
        return cls(horizon, season, max(season, 2, min(length, max(usual - horizon, 2), _LONGEST)))

    @property
    def reach(self) -> int:
        """Steps back from the origin that any forecaster looks at."""
        seasons = -(-self.horizon // self.season) + SEASONS - 1
        return max(self.length, self.season * seasons, LAGS)


def standing(window: NDArray[np.float64], season: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return level and spread of windows, shape (windows, 1) each: mean of the last season, mean distance from it.

    A window that does not change has a hundredth of its level as its spread.
    """
    import numpy as np

    recent = window[:, -max(1, season) :]
    known = ~np.isnan(recent)
    level = np.nansum(recent, axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    count = np.maximum((~np.isnan(window)).sum(axis=1, keepdims=True), 1)
    spread = np.nansum(np.abs(window - level), axis=1, keepdims=True) / count
    flat = ~(spread > 1e-9 * np.maximum(np.abs(level), 1e-9))
    return level, np.where(flat, np.maximum(np.abs(level) * 0.01, 1e-6), spread)


def seasonal(window: NDArray[np.float64], shape: Shape) -> NDArray[np.float64]:
    """Return earlier values at the time of each step, NaN where there are none: (windows, horizon, `SEASONS`)."""
    import numpy as np

    step = np.arange(shape.horizon)[:, None]
    back = shape.season * (step // shape.season + 1 + np.arange(SEASONS)) - step
    width = window.shape[1]
    return np.where(back <= width, window[:, np.maximum(width - back, 0)], np.nan)


def row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row where all of it is known, NaN elsewhere, shape (rows, 1)."""
    import numpy as np

    if not values.shape[1]:
        return np.full((len(values), 1), np.nan)
    return np.asarray(values.mean(axis=1, keepdims=True), np.float64)


def simple_forecast(
    window: NDArray[np.float64], shape: Shape, kind: Literal["naive", "mean", "drift"]
) -> NDArray[np.float64]:
    """Forecast from windows of ``shape.reach`` values without learning, shape (windows, horizon).

    Parameters
    ----------
    window
        The values before each origin, NaN before the series' beginning; the last is known.
    kind
        ``naive``: the last season again; ``mean``: the mean of the last seasons, each moved to the level of the
        last; ``drift``: the last value and the window's slope.
    """
    import numpy as np

    last = window[:, -1:]
    if kind == "drift":
        known = np.maximum((~np.isnan(window)).sum(axis=1, keepdims=True), 1)
        first = np.take_along_axis(window, window.shape[1] - known, axis=1)
        slope = (last - first) / np.maximum(known - 1, 1)
        return np.asarray(last + slope * np.arange(1, shape.horizon + 1), np.float64)
    earlier = seasonal(window, shape)
    latest = np.where(np.isnan(earlier[:, :, 0]), last, earlier[:, :, 0])
    if kind == "naive":
        return np.asarray(latest, np.float64)
    # Of a step beyond the first season to come the earlier values lie further back, but the seasons are the same.
    size, width = shape.season, window.shape[1]
    levels = [row_means(window[:, max(0, width - size * (each + 1)) : width - size * each]) for each in range(SEASONS)]
    moved = np.stack([earlier[:, :, each] - levels[each] + levels[0] for each in range(SEASONS)], axis=2)
    known = ~np.isnan(moved)
    mean = np.nansum(moved, axis=2) / np.maximum(known.sum(axis=2), 1)
    return np.where(known.any(axis=2), mean, latest)
