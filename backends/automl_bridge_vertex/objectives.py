"""Our metrics as Vertex AI's objectives: the same thing, or the nearest that the service has.

Source of the lists: the typed inputs of the training tasks (limits ``vertex.objective.*``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Objective
from automl_bridge.errors import UnsupportedError
from automl_bridge.task import Task
from automl_bridge_vertex.limits import limit

if TYPE_CHECKING:
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
    name, exact = table.get(spec.metric, (next(iter(table.values()))[0], False))
    if spec.forecast is not None and spec.forecast.quantiles:
        # Quantiles come with this objective only; the one of 0.5 is what a least absolute error is about.
        name, exact = QUANTILE_LOSS, False
    if spec.objective == "exact" and not exact:
        _refuse(spec, name, known, [metric for metric, (_, same) in table.items() if same])
    return Objective(name=name, exact=exact)


def _refuse(spec: JobSpec, name: str, known: str, ours: list[str]) -> None:
    have = ", ".join(choice.rstrip("*") for choice in limit(known).choices)
    hint = "use objective nearest"
    if ours:
        hint += f", or one of its exact metrics: {', '.join(ours)}"
    if name == QUANTILE_LOSS:
        hint += "; a forecast without quantiles has them"
    error = UnsupportedError(
        f"vertex cannot optimise {spec.metric} for {spec.task}; the nearest is {name}. It has {have}", hint=hint
    )
    error.limit, error.source = known, limit(known).source
    raise error


def _table(spec: JobSpec) -> tuple[dict[str, tuple[str, bool]], str]:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return {"log_loss": (IMAGE_OBJECTIVE, False)}, "vertex.objective.image"
    if spec.task is Task.FORECASTING:
        return _FORECAST, "vertex.objective.forecasting"
    if not spec.task.is_classification:
        return _REGRESSION, "vertex.objective.regression"
    if len(spec.profile.classes) == 2:
        return _BINARY, "vertex.objective.binary"
    return _MULTICLASS, "vertex.objective.multiclass"
