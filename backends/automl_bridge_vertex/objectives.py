"""Our metrics as Vertex AI's objectives: the same thing, or the nearest that the service has.

Source of the lists: the typed inputs of the training tasks (limits ``vertex.objective.*``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Objective
from automl_bridge.cloud.objectives import nearest, settle
from automl_bridge.task import Task
from automl_bridge_vertex.limits import limit

if TYPE_CHECKING:
    from automl_bridge.cloud.objectives import ObjectiveTable
    from automl_bridge.spec import JobSpec

__all__ = ["IMAGE_OBJECTIVE", "METRIC_OF", "QUANTILE_LOSS", "objective_for"]

QUANTILE_LOSS = "minimize-quantile-loss"
IMAGE_OBJECTIVE = "the service's own (none can be chosen)"

# Metric -> (objective, exact?).
_BINARY = {
    "roc_auc": ("maximize-au-roc", True),
    "log_loss": ("minimize-log-loss", True),
    "accuracy": ("minimize-log-loss", False),
    "balanced_accuracy": ("maximize-au-roc", False),
    "f1": ("maximize-au-prc", False),
    "f1_macro": ("maximize-au-prc", False),
    "precision": ("maximize-au-prc", False),
    "recall": ("maximize-au-prc", False),
}
_MULTICLASS = {"log_loss": ("minimize-log-loss", True)}
_REGRESSION = {
    "rmse": ("minimize-rmse", True),
    "r2": ("minimize-rmse", False),  # the same order of models, but not the same number
    "mae": ("minimize-mae", True),
    "mape": ("minimize-mae", False),
}
_FORECAST = {
    "mase": ("minimize-mae", False),
    "wape": ("minimize-wape-mae", False),
    "mae": ("minimize-mae", True),
    "rmse": ("minimize-rmse", True),
    "mape": ("minimize-rmspe", False),
}

METRIC_OF = {
    "maximize-au-roc": "auRoc",
    "maximize-au-prc": "auPrc",
    "minimize-log-loss": "logLoss",
    "minimize-rmse": "rootMeanSquaredError",
    "minimize-mae": "meanAbsoluteError",
    "minimize-rmsle": "rootMeanSquaredLogError",
    "minimize-rmspe": "rootMeanSquaredPercentageError",
    "minimize-wape-mae": "weightedAbsolutePercentageError",
    IMAGE_OBJECTIVE: "auPrc",
}
"""The metric of a model's evaluation that an objective is about; the quantile loss is told for each quantile only."""


def objective_for(spec: JobSpec) -> Objective:
    """Return what Vertex AI optimises for ``spec.metric``.

    Raises
    ------
    UnsupportedError
        If the job asks for the exact metric and the service has only a nearest one; names those it has.
    """
    table, known = _table(spec)
    objective, hint = nearest(spec, table), ""
    if spec.forecast is not None and spec.forecast.quantiles:
        # Quantiles come with this objective only; the one of 0.5 is what a least absolute error is about.
        objective, hint = Objective(name=QUANTILE_LOSS, exact=False), "; a forecast without quantiles has them"
    choices = [choice.rstrip("*") for choice in limit(known).choices]
    return settle(spec, "vertex", table, objective, limit(known), choices=choices, hint=hint)


def _table(spec: JobSpec) -> tuple[ObjectiveTable, str]:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return {"log_loss": (IMAGE_OBJECTIVE, False)}, "vertex.objective.image"
    if spec.task is Task.FORECASTING:
        return _FORECAST, "vertex.objective.forecasting"
    if not spec.task.is_classification:
        return _REGRESSION, "vertex.objective.regression"
    if len(spec.profile.classes) == 2:
        return _BINARY, "vertex.objective.binary"
    return _MULTICLASS, "vertex.objective.multiclass"
