"""Our metrics as Azure's primary metrics: the same thing, or the nearest that the service has.

Source of the lists: the enumerations of the REST API (limits ``azure.objective.*``) and "Evaluate automated machine
learning experiment results" (how-to-understand-automated-ml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.objectives import nearest, settle
from automl_bridge.task import Task
from automl_bridge_azure.limits import limit

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.cloud.objectives import ObjectiveTable
    from automl_bridge.spec import JobSpec

__all__ = ["MINIMISED", "name_of", "objective_for", "wire_name"]

# Metric -> (primary metric, exact?). For two balanced classes the weighted AUC is the plain one; the service weights
# one-against-rest areas by class size, so for two classes both areas are the same number: exact. For more classes ours
# is the unweighted mean. Precision is weighted over the classes there, that of the second class here.
_BINARY = {
    "roc_auc": ("AUC_weighted", True),
    "log_loss": ("AUC_weighted", False),
    "accuracy": ("accuracy", True),
    "balanced_accuracy": ("norm_macro_recall", True),
    "f1": ("average_precision_score_weighted", False),
    "f1_macro": ("norm_macro_recall", False),
    "precision": ("precision_score_weighted", False),
    "recall": ("norm_macro_recall", False),
}
_MULTICLASS = {
    "roc_auc": ("AUC_weighted", False),
    "log_loss": ("AUC_weighted", False),
    "accuracy": ("accuracy", True),
    "balanced_accuracy": ("norm_macro_recall", True),
    "f1_macro": ("norm_macro_recall", False),
}
# Normalised by the range of the target, which is the same number for every trial: the same order.
_REGRESSION = {
    "rmse": ("normalized_root_mean_squared_error", True),
    "mae": ("normalized_mean_absolute_error", True),
    "r2": ("r2_score", True),
    "mape": ("normalized_mean_absolute_error", False),
}
_FORECAST = {
    "rmse": ("normalized_root_mean_squared_error", False),
    "mae": ("normalized_mean_absolute_error", False),
    "mase": ("normalized_mean_absolute_error", False),
    "wape": ("normalized_mean_absolute_error", False),
    "mape": ("normalized_mean_absolute_error", False),
}
_SINGLE = {"accuracy": ("accuracy", True)}

MINIMISED = frozenset({
    "normalized_root_mean_squared_error", "normalized_mean_absolute_error", "root_mean_squared_error",
    "mean_absolute_error", "normalized_root_mean_squared_log_error", "log_loss",
})  # fmt: skip
"""Primary metrics of which less is better."""

_WIRE = {
    "accuracy": "Accuracy",
    "AUC_weighted": "AUCWeighted",
    "norm_macro_recall": "NormMacroRecall",
    "average_precision_score_weighted": "AveragePrecisionScoreWeighted",
    "precision_score_weighted": "PrecisionScoreWeighted",
    "normalized_root_mean_squared_error": "NormalizedRootMeanSquaredError",
    "normalized_mean_absolute_error": "NormalizedMeanAbsoluteError",
    "r2_score": "R2Score",
    "spearman_correlation": "SpearmanCorrelation",
}


def wire_name(objective: str) -> str:
    """Return how a primary metric is written in requests; children and metrics have the other name."""
    return _WIRE[objective]


def name_of(wire: str) -> str:
    """Return a primary metric as children and metrics have it."""
    return next((name for name, written in _WIRE.items() if written == wire), wire)


def objective_for(spec: JobSpec) -> Objective:
    """Return what the service optimises for ``spec.metric``.

    Raises
    ------
    UnsupportedError
        If the job asks for the exact metric and the service has only a nearest one; names those it has.
    """
    table, known = _table(spec)
    return settle(spec, "azure", table, nearest(spec, table), limit(known))


def _table(spec: JobSpec) -> tuple[ObjectiveTable, str]:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return _SINGLE, "azure.objective.image"
    if spec.task is Task.TEXT_CLASSIFICATION:
        return _SINGLE, "azure.objective.text"
    if spec.task is Task.FORECASTING:
        return _FORECAST, "azure.objective.forecasting"
    if not spec.task.is_classification:
        return _REGRESSION, "azure.objective.regression"
    return (_BINARY if len(spec.profile.classes) == 2 else _MULTICLASS), "azure.objective.classification"
