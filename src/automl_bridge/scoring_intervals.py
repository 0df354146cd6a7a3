"""How sure a score is: bootstrap intervals over the rows.

Up to `PERCENTILE_ROWS` rows, the rows are drawn again with replacement ``resamples`` times and the interval runs from
one percentile of the resampled scores to the other (Efron & Tibshirani, 1993, "An Introduction to the Bootstrap",
chapter 13). For more rows the score is as good as normal, and what is needed is its standard error, for which 200
resamples are enough (the same, section 6.4); it is taken from at most `SUBSET_ROWS` rows drawn at random and scaled
by the square root of their share (Bickel, Götze & van Zwet, 1997, "Resampling fewer than n observations").
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.metrics import Metric
    from automl_bridge.scoring_statistics import Statistic

    Build = Callable[[slice | NDArray[np.int64]], Statistic]

__all__ = ["PERCENTILE_ROWS", "SUBSET_ROWS", "Difference", "Interval", "difference", "interval", "resampled"]

PERCENTILE_ROWS = 20_000
SUBSET_ROWS = 50_000
_RESAMPLES_FOR_ERROR = 200
_CELLS_AT_ONCE = 1_000_000  # of a block of resampled weights: 4 MB, which stays in the cache


class Interval(Frozen):
    """A score and its confidence interval; NaN bounds where nothing can be said."""

    metric: str
    value: float
    low: float
    high: float
    level: float = 0.95
    method: Literal["percentile bootstrap", "bootstrap standard error", "none"] = "none"


class Difference(Frozen):
    """Score of one model minus that of another on the same rows, in the metric's natural sign.

    Parameters
    ----------
    value, low, high, level
        The difference and its interval.
    within_noise
        Whether the interval holds 0 (or nothing is known): the rows cannot tell the two apart.
    better
        ``a`` or ``b`` if it is beyond noise, None within.
    rows_needed
        About how many rows would tell this difference apart: the interval's width goes with one over the square root
        of the rows. None if the difference is 0 or unknown.
    """

    metric: str
    value: float
    low: float
    high: float
    level: float = 0.95
    within_noise: bool
    better: Literal["a", "b"] | None = None
    rows_needed: int | None = None


def interval(
    metric: str,
    value: float,
    build: Build,
    weights: NDArray[np.float64],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return the interval of the statistic that ``build`` makes for a choice of rows."""
    low, high = _bounds(value, (build,), weights, level=level, resamples=resamples, seed=seed)
    if math.isnan(low):
        return Interval(metric=metric, value=value, low=low, high=high, level=level)
    percentile = len(weights) <= PERCENTILE_ROWS
    method: Literal["percentile bootstrap", "bootstrap standard error"] = (
        "percentile bootstrap" if percentile else "bootstrap standard error"
    )
    return Interval(metric=metric, value=value, low=low, high=high, level=level, method=method)


def difference(
    metric: Metric,
    value: float,
    builds: tuple[Build, Build],
    weights: NDArray[np.float64],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> Difference:
    """Return the difference of two statistics over the same resamples."""
    if not math.isfinite(value):
        nan = float("nan")
        return Difference(metric=metric.name, value=value, low=nan, high=nan, level=level, within_noise=True)
    low, high = _bounds(value, builds, weights, level=level, resamples=resamples, seed=seed)
    beyond = low > 0 or high < 0
    a_wins = (value > 0) == metric.greater_is_better
    needed = None
    if value and math.isfinite(high - low):
        needed = math.ceil(len(weights) * ((high - low) / 2 / value) ** 2)
    return Difference(
        metric=metric.name,
        value=value,
        low=low,
        high=high,
        level=level,
        within_noise=not beyond,
        better=("a" if a_wins else "b") if beyond else None,
        rows_needed=needed,
    )


def resampled(
    builds: Sequence[Build],
    weights: NDArray[np.float64],
    *,
    resamples: int,
    seed: int,
    clusters: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Return the statistics of several models over the same draws of the rows.

    Parameters
    ----------
    builds
        One for each model.
    weights
        Of the rows.
    resamples, seed
        How many draws (at most 200 above `PERCENTILE_ROWS` rows), and their seed.
    clusters
        Which rows belong together, as integers from 0: whole clusters are drawn, since their rows are alike.

    Returns
    -------
    tuple of array and float
        Shape (models, draws), NaN where a draw does not define the statistic; and by what spreads must be multiplied,
        as they come from a part of the rows only.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    rows = len(weights)
    chosen: slice | NDArray[np.int64] = slice(None)
    if rows > SUBSET_ROWS and clusters is None:
        chosen = np.sort(rng.choice(rows, SUBSET_ROWS, replace=False))
    count = resamples if rows <= PERCENTILE_ROWS else min(resamples, _RESAMPLES_FOR_ERROR)
    statistics = [build(chosen) for build in builds]
    draws = _draws(weights[chosen], count, rng) if clusters is None else _cluster_draws(weights, clusters, count, rng)
    parts = [np.stack([statistic(block) for statistic in statistics]) for block in draws]
    used = min(rows, SUBSET_ROWS) if clusters is None else rows
    return np.concatenate(parts, axis=1).astype(np.float64), math.sqrt(used / rows)


def _bounds(
    value: float,
    builds: tuple[Build, ...],
    weights: NDArray[np.float64],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    import numpy as np

    rng = np.random.default_rng(seed)
    rows = len(weights)
    percentile = rows <= PERCENTILE_ROWS
    chosen: slice | NDArray[np.int64] = slice(None)
    if rows > SUBSET_ROWS:
        chosen = np.sort(rng.choice(rows, SUBSET_ROWS, replace=False))
    count = resamples if percentile else min(resamples, _RESAMPLES_FOR_ERROR)
    statistics = [build(chosen) for build in builds]
    values = _resampled(statistics, weights[chosen], count, rng)
    known = values[np.isfinite(values)]
    if len(known) < max(2, len(values) / 2):
        return float("nan"), float("nan")
    if percentile:
        low, high = (float(bound) for bound in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
    else:
        used = min(rows, SUBSET_ROWS)
        half = NormalDist().inv_cdf((1 + level) / 2) * float(known.std(ddof=1)) * math.sqrt(used / rows)
        low, high = value - half, value + half
    # Few rows can shift all resamples to one side of the score; the interval is that of the score.
    return min(low, value), max(high, value)


def _resampled(
    statistics: list[Statistic], weights: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Return the statistic (or the difference of two) for ``count`` draws of the rows."""
    import numpy as np

    parts = []
    for block in _draws(weights, count, rng):
        first, *second = (statistic(block) for statistic in statistics)
        parts.append(first - second[0] if second else first)
    return np.concatenate(parts)


def _cluster_draws(
    weights: NDArray[np.float64], clusters: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of weights like `_draws`, whole clusters drawn at once (Davison & Hinkley, 1997, section 3.8)."""
    import numpy as np

    number = int(clusters.max()) + 1
    at_once = max(1, _CELLS_AT_ONCE // len(weights))
    for start in range(0, count, at_once):
        times = rng.multinomial(number, np.full(number, 1 / number), size=min(at_once, count - start))
        block = (times[:, clusters] * weights).astype(np.float32)
        yield block[block.any(axis=1)]


def _draws(weights: NDArray[np.float64], count: int, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of resampled weights: each row's weight times how often it was drawn."""
    import numpy as np

    rows = len(weights)
    narrow = weights.astype(np.float32)
    at_once = max(1, _CELLS_AT_ONCE // rows)
    for start in range(0, count, at_once):
        height = min(at_once, count - start)
        drawn = rng.integers(0, rows, size=(height, rows), dtype=np.int64)
        drawn += np.arange(height)[:, None] * rows
        times = np.bincount(drawn.reshape(-1), minlength=height * rows).reshape(height, rows)
        block = times.astype(np.float32) * narrow
        yield block[block.any(axis=1)]  # a draw of rows without weight says nothing
