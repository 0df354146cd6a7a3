"""Numbers for a neural net: scaled, bounded and without gaps. NumPy only, JSON in and out, no pickle.

A column becomes two: its *rank* on a normal scale (quantile transform), which bins and periodic embeddings read,
and its *robust* value (median and interquartile range, smoothly bounded), which keeps distances. Columns that
missed values in training get an indicator. Quantiles as in scikit-learn's ``QuantileTransformer``; the smooth bound
x / sqrt(1 + (x / 3)²) as in RealMLP (Holzmüller et al., NeurIPS 2024, arXiv:2407.04491, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["NumberScaler"]

_QUANTILES = 256  # reference points a column: finer than any bin that reads them
_FIT_ROWS = 100_000  # rows that quantiles are taken from; their error is then about 0.1 % of a rank
_BOUND = 3.0  # both scales stay within about ± 3


@dataclass(frozen=True)
class NumberScaler:
    """The fitted scales of all numeric columns.

    Parameters
    ----------
    references
        Quantiles of each column, ascending, as ``float64``; one point for a constant or empty column.
    centers, widths
        Median, and width of the robust scale (never 0), per column.
    indicators
        Indices of the columns that missed values in training.
    """

    references: tuple[NDArray[np.float64], ...]
    centers: NDArray[np.float64]
    widths: NDArray[np.float64]
    indicators: tuple[int, ...]

    @classmethod
    def fit(cls, numeric: NDArray[np.float32], seed: int = 0) -> NumberScaler:
        """Fit the scales to ``numeric``, shape (rows, columns), NaN where a value is missing."""
        missing = np.isnan(numeric).any(axis=0)
        if len(numeric) > _FIT_ROWS:
            rows = np.random.default_rng(seed).choice(len(numeric), _FIT_ROWS, replace=False)
            numeric = numeric[np.sort(rows)]
        references, centers, widths = [], [], []
        for column in numeric.T.astype(np.float64):
            present = column[np.isfinite(column)]
            references.append(_references(present))
            center, width = _robust(present)
            centers.append(center)
            widths.append(width)
        return cls(
            tuple(references), np.array(centers), np.array(widths), tuple(int(i) for i in np.flatnonzero(missing))
        )

    def transform(self, numeric: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scale ``numeric``, shape (rows, columns).

        Returns
        -------
        ranks, flat
            Ranks, shape (rows, columns), and robust values followed by the missing-value indicators. Both are finite
            whatever came in: a missing value is 0, an infinite one stands at the end of the scale.
        """
        values = numeric.astype(np.float64)
        gaps = np.isnan(values)
        ranks = np.empty(values.shape, dtype=np.float32)
        for index, references in enumerate(self.references):
            ranks[:, index] = _rank(values[:, index], references)
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.centers) / self.widths, -1e6, 1e6)
        robust = scaled / np.sqrt(1 + (scaled / _BOUND) ** 2)
        ranks[gaps] = 0.0
        robust[gaps] = 0.0
        flat = np.concatenate([robust, gaps[:, list(self.indicators)]], axis=1)
        return ranks, flat.astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "references": [column.tolist() for column in self.references],
            "centers": self.centers.tolist(),
            "widths": self.widths.tolist(),
            "indicators": list(self.indicators),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> NumberScaler:
        """Rebuild the scales from `to_json`."""
        return cls(
            tuple(np.array(column, dtype=np.float64) for column in document["references"]),
            np.array(document["centers"], dtype=np.float64),
            np.array(document["widths"], dtype=np.float64),
            tuple(document["indicators"]),
        )


def _references(present: NDArray[np.float64]) -> NDArray[np.float64]:
    if not present.size:
        return np.zeros(1)
    if present.min() == present.max():
        return present[:1].copy()
    points = np.linspace(0, 1, min(_QUANTILES, present.size))
    # Rounding in the interpolation may step back by one unit in the last place.
    return np.maximum.accumulate(np.quantile(present, points))


def _rank(values: NDArray[np.float64], references: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri

    if references.size == 1:
        return np.zeros(len(values))
    points = np.linspace(0, 1, references.size)
    # From both sides: a value that many rows share gets the middle of its ranks.
    rising = np.interp(values, references, points)
    falling = np.interp(-values, -references[::-1], -points[::-1])
    share = np.clip((rising - falling) / 2, 0.00135, 0.99865)  # the normal distribution's ± 3
    return np.asarray(ndtri(share))


def _robust(present: NDArray[np.float64]) -> tuple[float, float]:
    if not present.size:
        return 0.0, 1.0
    low, center, high = np.quantile(present, (0.25, 0.5, 0.75))
    # The interquartile range of a normal distribution is 1.349 standard deviations.
    for width in ((high - low) / 1.349, present.std(), 0.0):
        if np.isfinite(width) and width > 0:
            return float(center), float(width)
    return float(center), 1.0
