"""Scores by the names that AutoML logs.

Source: "Evaluate automated machine learning experiment results" (learn, how-to-understand-automated-ml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MINIMISED", "WIRE", "of_classes", "of_values"]

MINIMISED = frozenset({"normalized_root_mean_squared_error", "normalized_mean_absolute_error", "log_loss"})
WIRE = {
    "Accuracy": "accuracy",
    "AUCWeighted": "AUC_weighted",
    "NormMacroRecall": "norm_macro_recall",
    "AveragePrecisionScoreWeighted": "average_precision_score_weighted",
    "PrecisionScoreWeighted": "precision_score_weighted",
    "NormalizedRootMeanSquaredError": "normalized_root_mean_squared_error",
    "NormalizedMeanAbsoluteError": "normalized_mean_absolute_error",
    "R2Score": "r2_score",
    "SpearmanCorrelation": "spearman_correlation",
}
"""The names of primary metrics on the wire, and in what a run logs."""


def of_classes(truth: Sequence[str], chances: NDArray[np.float64], labels: Sequence[str]) -> dict[str, float]:
    """Score probabilities of shape (rows, classes) against labels."""
    from sklearn import metrics

    codes = np.array([labels.index(label) for label in truth])
    said, every = chances.argmax(axis=1), np.arange(len(labels))
    hot = np.eye(len(labels))[codes]
    clipped = np.clip(chances, 1e-7, 1.0)
    found = {
        "accuracy": metrics.accuracy_score(codes, said),
        "log_loss": metrics.log_loss(codes, clipped / clipped.sum(axis=1, keepdims=True), labels=every),
    }
    for average in ("macro", "micro", "weighted"):
        options = {"labels": every, "average": average, "zero_division": 0.0}
        found[f"f1_score_{average}"] = metrics.f1_score(codes, said, **options)
        found[f"precision_score_{average}"] = metrics.precision_score(codes, said, **options)
        found[f"recall_score_{average}"] = metrics.recall_score(codes, said, **options)
    found["balanced_accuracy"] = found["recall_score_macro"]
    chance = 1.0 / len(labels)
    found["norm_macro_recall"] = max(0.0, (found["recall_score_macro"] - chance) / (1.0 - chance))
    there = [place for place in every if 0 < hot[:, place].sum() < len(codes)]
    for average in ("macro", "micro", "weighted"):
        if there:
            known, given = hot[:, there], chances[:, there]
            found[f"AUC_{average}"] = metrics.roc_auc_score(known, given, average=average)
            found[f"average_precision_score_{average}"] = metrics.average_precision_score(known, given, average=average)
    if len(np.unique(codes)) > 1:
        found["matthews_correlation"] = metrics.matthews_corrcoef(codes, said)
    return {name: float(value) for name, value in found.items()}


def of_values(truth: NDArray[np.float64], said: NDArray[np.float64]) -> dict[str, float]:
    """Score values against true ones; normalised by the range of the truth."""
    from scipy import stats

    error = said - truth
    rmse, mae = float(np.sqrt(np.mean(error**2))), float(np.mean(np.abs(error)))
    spread = float(np.mean((truth - truth.mean()) ** 2))
    reach = float(truth.max() - truth.min()) or 1.0
    found = {
        "root_mean_squared_error": rmse,
        "mean_absolute_error": mae,
        "median_absolute_error": float(np.median(np.abs(error))),
        "normalized_root_mean_squared_error": rmse / reach,
        "normalized_mean_absolute_error": mae / reach,
        "normalized_median_absolute_error": float(np.median(np.abs(error))) / reach,
        "r2_score": 1.0 - float(np.mean(error**2)) / spread if spread else 0.0,
        "explained_variance": 1.0 - float(np.var(error)) / spread if spread else 0.0,
    }
    if np.ptp(truth) and np.ptp(said):
        found["spearman_correlation"] = float(stats.spearmanr(truth, said).statistic)
    nonzero = np.abs(truth) > 1e-9
    if nonzero.any():
        found["mean_absolute_percentage_error"] = 100 * float(np.mean(np.abs(error[nonzero] / truth[nonzero])))
    if truth.min() > -1 and said.min() > -1:
        found["root_mean_squared_log_error"] = float(np.sqrt(np.mean((np.log1p(said) - np.log1p(truth)) ** 2)))
    return found
