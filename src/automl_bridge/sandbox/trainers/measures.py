"""Scores by plain names, for whichever vendor to rename."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["of_classes", "of_forecast", "of_values"]


def of_classes(truth: NDArray[np.int64], chances: NDArray[np.float64], positive: int = 1) -> dict[str, float]:
    """Score class probabilities of shape (rows, classes) against class numbers; `positive` counts if there are two."""
    from sklearn import metrics

    classes = np.arange(chances.shape[1])
    said = chances.argmax(axis=1)
    scores = {
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": _recall(truth, said),
        "log_loss": -np.mean(np.log(np.clip(chances[np.arange(len(truth)), truth], 1e-7, 1.0))),
    }
    macro = {"labels": classes, "average": "macro", "zero_division": 0.0}
    scores["f1_macro"] = metrics.f1_score(truth, said, **macro)
    scores["precision_macro"] = metrics.precision_score(truth, said, **macro)
    scores["recall_macro"] = metrics.recall_score(truth, said, **macro)
    if len(classes) == 2:
        two = {"pos_label": positive, "zero_division": 0.0}
        scores["f1"] = metrics.f1_score(truth, said, **two)
        scores["precision"] = metrics.precision_score(truth, said, **two)
        scores["recall"] = metrics.recall_score(truth, said, **two)
        if len(np.unique(truth)) == 2:
            scores["auc"] = metrics.roc_auc_score(truth == positive, chances[:, positive])
    return {name: float(value) for name, value in scores.items()}


def _recall(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    return float(np.mean([np.mean(said[truth == one] == one) for one in np.unique(truth)]))


def of_values(truth: NDArray[np.float64], said: NDArray[np.float64]) -> dict[str, float]:
    """Score predicted values against true ones, both of shape (rows,)."""
    error = said - truth
    mse = float(np.mean(error**2))
    spread = float(np.mean((truth - truth.mean()) ** 2))
    return {
        "mse": mse,
        "rmse": mse**0.5,
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - mse / spread if spread else 0.0,
    }


def of_forecast(
    truth: NDArray[np.float64], quantiles: Mapping[float, NDArray[np.float64]], step: float
) -> dict[str, float]:
    """Score quantile forecasts of shape (points,); ``step`` is the naive forecast's mean absolute error (MASE)."""
    size = max(float(np.abs(truth).sum()), 1e-9)
    losses = []
    for level, said in quantiles.items():
        error = truth - said
        losses.append(2.0 * float(np.maximum(level * error, (level - 1) * error).sum()) / size)
    middle = min(quantiles, key=lambda level: abs(level - 0.5))
    error = np.abs(truth - quantiles[middle])
    nonzero = np.abs(truth) > 1e-9
    return {
        "weighted_quantile_loss": float(np.mean(losses)),
        "wape": float(error.sum()) / size,
        "mape": float(np.mean(error[nonzero] / np.abs(truth[nonzero]))) if nonzero.any() else 0.0,
        "mase": float(error.mean()) / max(step, 1e-9),
        "rmse": float(np.mean((truth - quantiles[middle]) ** 2)) ** 0.5,
    }
