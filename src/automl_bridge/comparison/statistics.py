"""How sure a comparison is: paired bootstrap over the rows and the seeds, and Holm's correction over the pairs.

All models are scored on the same draws of the rows, so that rows which are hard for everybody do not blur the
differences. With several seeds a backend's score is the mean over its runs, and what the seeds add to its spread is
drawn too, from the scores themselves; their spread is widened by the square root of n / (n - 1), as n seeds spread
less than the whole of them (Davison & Hinkley, 1997, "Bootstrap Methods and their Application", section 2.3). One
seed says nothing of that, and the verdict says so.

The p-value of a difference is twice the smaller share of draws on either side of 0. Of all pairs together, Holm's
procedure keeps the chance of a single false "beyond noise" below 5 % (Holm, 1979, "A simple sequentially rejective
multiple test procedure").
"""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from automl_bridge.scoring_intervals import PERCENTILE_ROWS
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge.metrics import Metric

__all__ = ["ALPHA", "DRAWS", "POWER", "Draws", "Pair", "compare_pairs", "draws_of", "holm", "spread"]

ALPHA = 0.05
"""Chance that a difference is called beyond noise although there is none, over all pairs."""
POWER = 0.8
"""Chance that the rows which are said to be needed show the difference, if it is real."""
DRAWS = 2000
_LEVEL = 0.95


class Pair(Frozen):
    """Two backends on the same rows.

    Parameters
    ----------
    a, b
        Their names.
    difference, low, high
        Score of ``a`` minus score of ``b`` in the metric's natural sign, and its 95 % interval, not corrected.
    p, p_corrected
        Chance of so large a difference where there is none; and corrected for the number of pairs.
    better
        Name of the better one if the difference is beyond noise; None within.
    rows_needed
        About how many holdout rows would show a difference of this size, in four of five tries; None if there is no
        difference, or nothing is known.
    """

    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    better: str | None = None
    rows_needed: int | None = None


class Draws(NamedTuple):
    """Scores of one backend: the point, its draws over rows and seeds, and those over rows alone."""

    point: float
    both: NDArray[np.float64]
    rows: NDArray[np.float64]


def draws_of(scores: Sequence[float], drawn: NDArray[np.float64], shrink: float, rng: np.random.Generator) -> Draws:
    """Put the runs of one backend together.

    Parameters
    ----------
    scores
        Of its runs, one for each seed.
    drawn, shrink
        Their scores on the draws, shape (seeds, draws), and what spreads are multiplied by.
    rng
        For the draws of the seeds; another one for each backend, as their seeds have nothing to do with each other.
    """
    values = np.asarray(scores, np.float64)
    point = float(values.mean())
    rows = point + (drawn.mean(axis=0) - point) * shrink
    number = len(values)
    if number < 2:
        return Draws(point, rows, rows)
    chosen = rng.integers(0, number, size=(drawn.shape[1], number))
    seeds = (values[chosen].mean(axis=1) - point) * math.sqrt(number / (number - 1))
    return Draws(point, rows + seeds, rows)


def spread(point: float, drawn: NDArray[np.float64], rows: int) -> tuple[float, float]:
    """Return the 95 % interval of ``point``; NaN where too few draws define it."""
    known = drawn[np.isfinite(drawn)]
    if not math.isfinite(point) or len(known) < max(2, len(drawn) / 2):
        return float("nan"), float("nan")
    if rows <= PERCENTILE_ROWS:
        low, high = (float(bound) for bound in np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]))
    else:
        half = NormalDist().inv_cdf((1 + _LEVEL) / 2) * float(known.std(ddof=1))
        low, high = point - half, point + half
    return min(low, point), max(high, point)


def compare_pairs(metric: Metric, draws: Mapping[str, Draws], rows: int) -> tuple[Pair, ...]:
    """Compare every backend with every other.

    Parameters
    ----------
    metric
        What they are scored by.
    draws
        By backend.
    rows
        Rows of the holdout.
    """
    names = list(combinations(draws, 2))
    raw = [_pair(a, b, draws[a], draws[b], rows, len(names)) for a, b in names]
    corrected = holm([pair.p for pair in raw])
    return tuple(
        pair.model_copy(
            update={"p_corrected": p, "better": _better(metric, pair) if p < ALPHA and pair.difference else None}
        )
        for pair, p in zip(raw, corrected, strict=True)
    )


def _better(metric: Metric, pair: Pair) -> str:
    return pair.a if metric.better(pair.difference, 0.0) else pair.b


def _pair(a: str, b: str, left: Draws, right: Draws, rows: int, pairs: int) -> Pair:
    difference = left.point - right.point
    drawn = left.both - right.both
    low, high = spread(difference, drawn, rows)
    p = _p_value(difference, drawn, rows) if math.isfinite(low) else 1.0
    needed = _rows_needed(difference, left.rows - right.rows, rows, pairs)
    return Pair(a=a, b=b, difference=difference, low=low, high=high, p=p, p_corrected=p, rows_needed=needed)


def _p_value(difference: float, drawn: NDArray[np.float64], rows: int) -> float:
    known = drawn[np.isfinite(drawn)]
    if rows > PERCENTILE_ROWS:
        error = float(known.std(ddof=1))
        return 1.0 if not error else 2 * (1 - NormalDist().cdf(abs(difference) / error))
    # One is added to both: p is never 0 of a finite number of draws (Davison & Hinkley, section 4.2).
    sides = (1 + int((known <= 0).sum())) / (1 + len(known)), (1 + int((known >= 0).sum())) / (1 + len(known))
    return min(1.0, 2 * min(sides))


def _rows_needed(difference: float, drawn: NDArray[np.float64], rows: int, pairs: int) -> int | None:
    """Return rows for which a difference would be ``z(alpha) + z(power)`` of its standard errors."""
    known = drawn[np.isfinite(drawn)]
    if not difference or not math.isfinite(difference) or len(known) < 2:
        return None
    normal = NormalDist()
    wanted = normal.inv_cdf(1 - ALPHA / (2 * max(1, pairs))) + normal.inv_cdf(POWER)
    return math.ceil(rows * (wanted * float(known.std(ddof=1)) / difference) ** 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, by Holm's step-down procedure."""
    corrected, running = [0.0] * len(p_values), 0.0
    for place, one in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[one]))
        corrected[one] = running
    return corrected
