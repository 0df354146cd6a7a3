"""Our metrics as Autopilot's objectives: the same thing, or the nearest that the service has.

Source of the lists: API_AutoMLJobObjective (limits ``sagemaker.objective.*``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.objectives import nearest, settle
from automl_bridge.task import Task
from automl_bridge_sagemaker.limits import limit

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.cloud.objectives import ObjectiveTable
    from automl_bridge.spec import JobSpec

__all__ = ["objective_for", "problem_type"]

# Metric -> (objective, exact?). Binary F1, precision and recall are not exact: the service does not document which
# of the two classes it takes as the positive one.
_BINARY = {
    "roc_auc": ("AUC", True),
    "log_loss": ("AUC", False),
    "accuracy": ("Accuracy", True),
    "balanced_accuracy": ("BalancedAccuracy", True),
    "f1": ("F1", False),
    "f1_macro": ("BalancedAccuracy", False),
    "precision": ("Precision", False),
    "recall": ("Recall", False),
}
_MULTICLASS = {
    "roc_auc": ("BalancedAccuracy", False),
    "log_loss": ("Accuracy", False),
    "accuracy": ("Accuracy", True),
    "balanced_accuracy": ("BalancedAccuracy", True),
    "f1_macro": ("F1macro", True),
}
_REGRESSION = {"rmse": ("RMSE", True), "mae": ("MAE", True), "r2": ("R2", True), "mape": ("MAE", False)}
_FORECAST = {
    "mase": ("MASE", True),
    "wape": ("WAPE", True),
    "rmse": ("RMSE", True),
    "mape": ("MAPE", True),
    "mae": ("WAPE", False),
}


def problem_type(spec: JobSpec) -> str:
    """Return Autopilot's problem type of a table: binary, multiclass or regression."""
    if not spec.task.is_classification:
        return "Regression"
    return "BinaryClassification" if len(spec.profile.classes) == 2 else "MulticlassClassification"


def objective_for(spec: JobSpec) -> Objective:
    """Return what Autopilot optimises for ``spec.metric``.

    Raises
    ------
    UnsupportedError
        If the job asks for the exact metric and the service has only a nearest one; names those it has.
    """
    table, known = _table(spec)
    return settle(spec, "sagemaker", table, nearest(spec, table), limit(known), choices=_choices(known))


def _choices(name: str) -> list[str]:
    plain = limit(name).value.replace("(minimise),", "|").replace("(maximise)", "")
    return [choice.split()[0].rstrip("*") for choice in plain.split("|") if choice.strip()]


def _table(spec: JobSpec) -> tuple[ObjectiveTable, str]:
    if spec.task in {Task.IMAGE_CLASSIFICATION, Task.TEXT_CLASSIFICATION}:
        return {"accuracy": ("Accuracy", True)}, "sagemaker.objective.image_text"
    if spec.task is Task.FORECASTING:
        return _FORECAST, "sagemaker.objective.forecasting"
    if problem_type(spec) == "Regression":
        return _REGRESSION, "sagemaker.objective.regression"
    if problem_type(spec) == "BinaryClassification":
        return _BINARY, "sagemaker.objective.binary"
    return _MULTICLASS, "sagemaker.objective.multiclass"
