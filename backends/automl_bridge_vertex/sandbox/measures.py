"""Evaluations by the names of the published metrics schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["of_classes", "of_forecast", "of_numbers"]

THRESHOLDS = [round(0.05 * step, 2) for step in range(21)]


def of_classes(truth: NDArray[np.int64], chances: NDArray[np.float64], labels: Sequence[str]) -> dict[str, Any]:
    """Score probabilities of shape (rows, classes): classification_metrics_1.0.0."""
    from sklearn import metrics

    rows = np.arange(len(truth))
    hot = np.zeros_like(chances)
    hot[rows, truth] = 1.0
    said = chances.argmax(axis=1)
    found: dict[str, Any] = {
        "auPrc": float(metrics.average_precision_score(hot.ravel(), chances.ravel())),
        "auRoc": float(metrics.roc_auc_score(hot.ravel(), chances.ravel())),  # micro-averaged
        "logLoss": float(-np.mean(np.log(np.clip(chances[rows, truth], 1e-7, 1.0)))),
        "confidenceMetrics": [_at(threshold, hot, chances, truth, said) for threshold in THRESHOLDS],
    }
    matrix = metrics.confusion_matrix(truth, said, labels=np.arange(len(labels)))
    found["confusionMatrix"] = {
        "annotationSpecs": [{"id": str(number), "displayName": label} for number, label in enumerate(labels)],
        "rows": [{"dataItemCounts": [int(count) for count in row]} for row in matrix],
    }
    return found


def _at(
    threshold: float,
    hot: NDArray[np.float64],
    chances: NDArray[np.float64],
    truth: NDArray[np.int64],
    said: NDArray[np.int64],
) -> dict[str, Any]:
    called = chances >= threshold
    hits = float((called & (hot == 1)).sum())
    false = float((called & (hot == 0)).sum())
    precision = hits / called.sum() if called.any() else 1.0
    recall = hits / hot.sum()
    both = precision + recall
    return {
        "confidenceThreshold": threshold,
        "precision": float(precision),
        "recall": float(recall),
        "f1Score": float(2 * precision * recall / both) if both else 0.0,
        "falsePositiveRate": false / max(float((hot == 0).sum()), 1.0),
        "recallAt1": float(np.mean(said == truth)),
        "precisionAt1": float(np.mean(said == truth)),
    }


def of_numbers(truth: NDArray[np.float64], said: NDArray[np.float64]) -> dict[str, float]:
    """Score values of shape (rows,): regression_metrics_1.0.0."""
    error = said - truth
    nonzero = np.abs(truth) > 1e-9
    spread = float(np.mean((truth - truth.mean()) ** 2))
    share = np.abs(error[nonzero] / truth[nonzero])
    found = {
        "rootMeanSquaredError": float(np.sqrt(np.mean(error**2))),
        "meanAbsoluteError": float(np.mean(np.abs(error))),
        "meanAbsolutePercentageError": float(100 * share.mean()) if nonzero.any() else 0.0,
        "rSquared": 1.0 - float(np.mean(error**2)) / spread if spread else 0.0,
    }
    if (truth >= 0).all():  # undefined for negative values, and left out then
        logs = np.log1p(np.clip(said, 0, None)) - np.log1p(truth)
        found["rootMeanSquaredLogError"] = float(np.sqrt(np.mean(logs**2)))
    return found


def of_forecast(
    truth: NDArray[np.float64], said: NDArray[np.float64], quantiles: Mapping[float, NDArray[np.float64]]
) -> dict[str, Any]:
    """Score forecasts of shape (points,): forecasting_metrics_1.0.0."""
    found: dict[str, Any] = dict(of_numbers(truth, said))
    size = max(float(np.abs(truth).sum()), 1e-9)
    nonzero = np.abs(truth) > 1e-9
    shares = (said[nonzero] - truth[nonzero]) / truth[nonzero]
    found["weightedAbsolutePercentageError"] = float(100 * np.abs(said - truth).sum() / size)
    found["rootMeanSquaredPercentageError"] = float(100 * np.sqrt(np.mean(shares**2))) if nonzero.any() else 0.0
    found["quantileMetrics"] = [
        {
            "quantile": level,
            "scaledPinballLoss": float(2 * np.maximum(level * (truth - q), (level - 1) * (truth - q)).sum() / size),
            "observedQuantile": float(np.mean(truth <= q)),
        }
        for level, q in quantiles.items()
    ]
    return found
