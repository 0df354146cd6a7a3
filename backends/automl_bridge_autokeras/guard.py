"""A linear model that is there before TensorFlow is: what remains if time ends before the first network.

Ridge regression in closed form on the encoded rows: milliseconds, NumPy only, JSON in and out. Probabilities are
regressions on the classes' indicators, cut to [0.01, 0.99] and normalised: rough, but in the right order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["GUARD_ROWS", "LinearGuard", "in_parts"]

GUARD_ROWS = 5000
"""Rows it learns from."""

_PART = 8192  # rows that it is asked at once: what it reads of a text is a thousand numbers
_FEATURES = 300  # features it keeps: the ones that go with the target most
_PENALTY = 1.0  # a row's worth of squared weights a feature
_PRIOR_ROWS = 10.0  # rows by which a category's mean is drawn to the mean of all


@dataclass(frozen=True)
class LinearGuard:
    """The fitted weights.

    Parameters
    ----------
    classes
        Whether outputs are probabilities.
    means
        Mean target of each category code, shape (codes, outputs), by which codes become numbers.
    kept
        Indices of the features in use.
    weights
        Shape (kept + 1, outputs); the last row is the intercept.
    """

    classes: bool
    means: NDArray[np.float64]
    kept: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        arrays: Sequence[NDArray[Any]],
        target: NDArray[Any],
        *,
        classes: int = 0,
        levels: int = 0,
        weights: NDArray[np.float64] | None = None,
    ) -> LinearGuard:
        """Fit to the model's arrays and its target: codes, shape (rows, 1), or standardised values."""
        step = max(1, len(target) // GUARD_ROWS)
        arrays = [array[::step] for array in arrays]
        wanted = np.eye(classes)[target[::step, 0]] if classes else target[::step].astype(np.float64)
        row_weights = np.ones(len(wanted)) if weights is None else weights[::step] / weights[::step].mean()
        means = _category_means(arrays, wanted, levels)
        features = _features(arrays, means)
        centered = wanted - wanted.mean(axis=0)
        strength = np.abs((features - features.mean(axis=0)).T @ centered).max(axis=1, initial=0.0)
        kept = np.sort(np.argsort(-strength, kind="stable")[:_FEATURES])
        design = np.column_stack([features[:, kept], np.ones(len(features))])
        penalty = np.diag([_PENALTY] * len(kept) + [1e-9])
        weighted = design * row_weights[:, None]
        solved = np.linalg.lstsq(weighted.T @ design + penalty, weighted.T @ wanted, rcond=None)[0]
        return cls(bool(classes), means, kept, solved)

    def predict(self, arrays: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
        """Predict the model's arrays; returns (rows, outputs)."""
        features = _features(arrays, self.means)[:, self.kept]
        outputs: NDArray[np.float64] = features @ self.weights[:-1] + self.weights[-1]
        if not self.classes:
            return outputs
        outputs = np.clip(outputs, 0.01, 0.99)
        shares: NDArray[np.float64] = outputs / outputs.sum(axis=1, keepdims=True)
        return shares

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "classes": self.classes,
            "means": self.means.tolist(),
            "kept": self.kept.tolist(),
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LinearGuard:
        """Rebuild it from `to_json`."""
        weights = np.array(document["weights"], dtype=np.float64)
        means = np.array(document["means"], dtype=np.float64).reshape(-1, weights.shape[1])
        return cls(document["classes"], means, np.array(document["kept"], dtype=np.int64), weights)


def in_parts(
    guard: LinearGuard, linear: Callable[[Sequence[NDArray[Any]]], Sequence[NDArray[Any]]], arrays: Sequence[Any]
) -> NDArray[np.float64]:
    """Predict a model's arrays, some rows at a time; ``linear`` makes of them what a linear model reads."""
    starts = range(0, max(1, len(arrays[0])), _PART)
    parts = [guard.predict(linear([array[start : start + _PART] for array in arrays])) for start in starts]
    return np.concatenate(parts)


def _category_means(arrays: Sequence[NDArray[Any]], wanted: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    totals = np.tile(wanted.mean(axis=0) * _PRIOR_ROWS, (levels, 1))
    counts = np.full(levels, _PRIOR_ROWS)
    for array in arrays:
        if array.dtype == np.int32:
            for column in array.T:
                np.add.at(totals, column, wanted)
                np.add.at(counts, column, 1)
    means: NDArray[np.float64] = totals / counts[:, None]
    return means


def _features(arrays: Sequence[NDArray[Any]], means: NDArray[np.float64]) -> NDArray[np.float64]:
    parts = [
        means[array].reshape(len(array), -1) if array.dtype == np.int32 else array.astype(np.float64)
        for array in arrays
    ]
    return np.concatenate(parts, axis=1)
