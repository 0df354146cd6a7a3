"""Where models err: confusion, calibration and residuals on the holdout, as plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["BINS", "Calibration", "Confusion", "calibration", "confusion", "sample"]

BINS = 10
_CLASSES = 10
_OTHERS = "others"


class Confusion(NamedTuple):
    """Counts of holdout rows by true (down) and predicted (across) class; the rarest classes are put together."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shares of each true class, shape as `counts`; 0 for a class without rows."""
        rows = self.counts.sum(axis=1, keepdims=True)
        shares: NDArray[np.float64] = np.divide(self.counts, rows, out=np.zeros(self.counts.shape), where=rows > 0)
        return shares


class Calibration(NamedTuple):
    """What was promised and what came true.

    Parameters
    ----------
    promised, true, rows
        Mean probability, share that came true and number of rows of each bin; bins hold as many rows each.
    error
        Mean distance of both, weighted by rows: the expected calibration error (Naeini et al., 2015).
    """

    promised: NDArray[np.float64]
    true: NDArray[np.float64]
    rows: NDArray[np.int64]
    error: float


def confusion(outputs: NDArray[np.float64], codes: NDArray[np.int64], labels: Sequence[str]) -> Confusion:
    """Count right and wrong predictions by class.

    Parameters
    ----------
    outputs
        Probabilities, shape (rows, classes).
    codes
        True classes.
    labels
        Names of the classes.
    """
    classes = len(labels)
    guessed = outputs.argmax(axis=1)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (codes, guessed), 1)
    if classes <= _CLASSES:
        return Confusion(tuple(labels), counts)
    frequent = np.argsort(-np.bincount(codes, minlength=classes), kind="stable")[: _CLASSES - 1]
    place = np.full(classes, _CLASSES - 1)
    place[frequent] = np.arange(_CLASSES - 1)
    small = np.zeros((_CLASSES, _CLASSES), np.int64)
    np.add.at(small, (place[codes], place[guessed]), 1)
    return Confusion((*(labels[code] for code in frequent), _OTHERS), small)


def calibration(outputs: NDArray[np.float64], codes: NDArray[np.int64]) -> Calibration:
    """Compare promised probabilities with what came true: of the second of two classes, else of the likeliest."""
    if outputs.shape[1] == 2:
        promised, hit = outputs[:, 1], codes == 1
    else:
        promised, hit = outputs.max(axis=1), outputs.argmax(axis=1) == codes
    order = np.argsort(promised, kind="stable")
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    means = np.array([promised[part].mean() for part in bins])
    shares = np.array([hit[part].mean() for part in bins])
    rows = np.array([len(part) for part in bins])
    error = float((np.abs(means - shares) * rows).sum() / rows.sum())
    return Calibration(means, shares, rows, error)


def sample(rows: int, most: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the places of at most ``most`` rows, drawn at random, ascending: so many points can be seen."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
