"""The metrics' formulas, each written once as a function of the rows' weights.

A *statistic* takes row weights of shape (m, n) and returns m scores. One row of weights gives the score itself;
many rows of resampled weights give its bootstrap distribution in one go, with the very same formula.

Definitions follow scikit-learn's ``sklearn.metrics`` where it has them; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPSILON", "STATISTICS", "Statistic"]

Array = NDArray[Any]
Statistic = Callable[[Array], Array]

EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are clipped to [EPSILON, 1] in log_loss, and divisors of mape to at least EPSILON, as scikit-learn
does: a class that was ruled out and came true costs 36.04 and not infinity."""


def _scaled(errors: Array) -> tuple[Array, float]:
    """Divide by the largest absolute value, so that squares neither overflow nor vanish."""
    scale = float(np.abs(errors).max(initial=0.0)) or 1.0
    return errors / scale, scale


def _mean(values: Array) -> Statistic:
    """Return the weighted mean of ``values`` (n,)."""
    shares, scale = _scaled(values)

    def statistic(weights: Array) -> Array:
        result: Array = (weights @ shares.astype(weights.dtype)) / weights.sum(axis=1) * scale
        return result

    return statistic


def _log_loss(outputs: Array, codes: Array) -> Statistic:
    shares = outputs[np.arange(len(codes)), codes] / outputs.sum(axis=1)
    return _mean(-np.log(np.clip(shares, EPSILON, 1.0)))


def _accuracy(outputs: Array, codes: Array) -> Statistic:
    return _mean((outputs.argmax(axis=1) == codes).astype(np.float64))


def _counts(outputs: Array, codes: Array) -> Callable[[Array], tuple[Array, Array, Array]]:
    """Return a function of the weights giving hits, true and predicted weight per class, each (m, k)."""
    k = outputs.shape[1]
    pairs, inverse = np.unique(codes * k + outputs.argmax(axis=1), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(pairs)))
    truth, guess = np.eye(k)[pairs // k], np.eye(k)[pairs % k]

    def counts(weights: Array) -> tuple[Array, Array, Array]:
        cells = np.add.reduceat(weights[:, order], starts, axis=1)
        return cells @ (truth * guess), cells @ truth, cells @ guess

    return counts


def _ratio(above: Array, below: Array) -> Array:
    """Divide; NaN where there is nothing to divide by."""
    result = np.full(above.shape, np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result


def _mean_known(values: Array) -> Array:
    """Mean over the last axis of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _balanced_accuracy(outputs: Array, codes: Array) -> Statistic:
    counts = _counts(outputs, codes)

    def statistic(weights: Array) -> Array:
        hits, true, _ = counts(weights)
        return _mean_known(_ratio(hits, true))

    return statistic


def _f1_macro(outputs: Array, codes: Array) -> Statistic:
    counts = _counts(outputs, codes)

    def statistic(weights: Array) -> Array:
        hits, true, guessed = counts(weights)
        return _mean_known(_ratio(2 * hits, true + guessed))

    return statistic


def _f1(outputs: Array, codes: Array) -> Statistic:
    counts = _counts(outputs, codes)

    def statistic(weights: Array) -> Array:
        hits, true, guessed = counts(weights)
        return _ratio(2 * hits[:, 1], true[:, 1] + guessed[:, 1])

    return statistic


def _recall(outputs: Array, codes: Array) -> Statistic:
    counts = _counts(outputs, codes)

    def statistic(weights: Array) -> Array:
        hits, true, _ = counts(weights)
        return _ratio(hits[:, 1], true[:, 1])

    return statistic


def _precision(outputs: Array, codes: Array) -> Statistic:
    counts = _counts(outputs, codes)

    def statistic(weights: Array) -> Array:
        hits, _, guessed = counts(weights)
        return np.nan_to_num(_ratio(hits[:, 1], guessed[:, 1]))  # nothing was called positive: 0 by convention

    return statistic


def _auc_of(scores: Array, positive: Array) -> Statistic:
    """Area under the ROC curve: the chance that a positive row scores above a negative one; ties count half."""
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    down = down[np.argsort(scores[down], kind="stable")]
    left = np.searchsorted(scores[down], scores[up], side="left")
    right = np.searchsorted(scores[down], scores[up], side="right")

    def statistic(weights: Array) -> Array:
        below = np.zeros((len(weights), len(down) + 1), dtype=weights.dtype)
        np.cumsum(weights[:, down], axis=1, out=below[:, 1:])
        chosen = weights[:, up]
        won = np.einsum("ij,ij->i", chosen, below[:, left] + below[:, right]) / 2
        return _ratio(won.astype(np.float64), chosen.sum(axis=1, dtype=np.float64) * below[:, -1])

    return statistic


def _roc_auc(outputs: Array, codes: Array) -> Statistic:
    if outputs.shape[1] == 2:
        return _auc_of(outputs[:, 1], codes == 1)
    present = np.unique(codes)
    each = [_auc_of(outputs[:, code], codes == code) for code in present]

    def statistic(weights: Array) -> Array:
        return _mean_known(np.stack([one(weights) for one in each], axis=-1))

    return statistic


def _rmse(outputs: Array, values: Array) -> Statistic:
    errors, scale = _scaled(outputs - values)
    squares = errors**2

    def statistic(weights: Array) -> Array:
        means = (weights @ squares) / weights.sum(axis=1, keepdims=True)
        result: Array = np.sqrt(means).mean(axis=1) * scale
        return result

    return statistic


def _mae(outputs: Array, values: Array) -> Statistic:
    return _mean(np.abs(outputs - values).mean(axis=1))


def _mape(outputs: Array, values: Array) -> Statistic:
    return _mean((np.abs(outputs - values) / np.maximum(np.abs(values), EPSILON)).mean(axis=1))


def _wape(outputs: Array, values: Array) -> Statistic:
    errors, sizes = np.abs(outputs - values).sum(axis=1), np.abs(values).sum(axis=1)

    def statistic(weights: Array) -> Array:
        return _ratio(weights @ errors, weights @ sizes)

    return statistic


def _r2(outputs: Array, values: Array) -> Statistic:
    errors, error_scale = _scaled(outputs - values)
    centred, spread_scale = _scaled(values - values.mean(axis=0))
    constant = np.abs(values - values.mean(axis=0)).max(axis=0) <= 8 * EPSILON * np.abs(values).max(axis=0)

    def statistic(weights: Array) -> Array:
        if len(values) < 2:
            return np.full(len(weights), np.nan)
        squares = weights @ centred**2
        spread = squares - (weights @ centred) ** 2 / weights.sum(axis=1, keepdims=True)
        residual = weights @ errors**2
        flat = constant | (spread <= 8 * EPSILON * squares)
        # A constant target: 1 if it was hit exactly, else 0, as scikit-learn has it.
        ratio = np.where(residual == 0, 0.0, 1.0)
        with np.errstate(over="ignore"):
            np.divide(residual, spread, out=ratio, where=~flat)
            ratio *= np.where(flat, 1.0, np.square(error_scale / spread_scale))
        result: Array = (1.0 - ratio).mean(axis=1)
        return result

    return statistic


STATISTICS: dict[str, Callable[[Array, Array], Statistic]] = {
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "f1_macro": _f1_macro,
    "precision": _precision,
    "recall": _recall,
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "mape": _mape,
    "wape": _wape,
    "mase": _mae,  # over the scale that the caller gives
}
"""By metric: a function of outputs (n, k) and targets (codes (n,), or values (n, k)) that returns a statistic."""
