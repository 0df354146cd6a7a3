"""Metrics: one name each, its direction, and the tasks that have it. `scoring` computes them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from automl_bridge.errors import UnknownNameError, UsageError
from automl_bridge.task import Task

__all__ = ["METRICS", "Metric", "default_metric", "metric_for", "metric_names"]

Needs = Literal["labels", "probabilities", "values"]


class Metric(NamedTuple):
    """A metric: its name, its direction and what it is computed from.

    ``greater_is_better`` is the natural sign: an rmse is reported positive and smaller is better.
    """

    name: str
    greater_is_better: bool
    needs: Needs
    title: str
    binary_only: bool = False

    def better(self, left: float, right: float) -> bool:
        """Whether ``left`` is the better score; a NaN is never better."""
        if left != left:  # noqa: PLR0124 - NaN is the one value that differs from itself
            return False
        if right != right:  # noqa: PLR0124
            return True
        return left > right if self.greater_is_better else left < right

    @property
    def worst(self) -> float:
        """The value that loses against every finite score."""
        return float("-inf") if self.greater_is_better else float("inf")

    def sort_key(self, score: float | None) -> tuple[bool, float]:
        """Key that sorts best first and puts NaN and None last."""
        if score is None or score != score:  # noqa: PLR0124
            return (True, 0.0)
        return (False, -score if self.greater_is_better else score)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", True, "probabilities", "area under the ROC curve (multiclass: one-vs-rest, macro mean)"),
        Metric("log_loss", False, "probabilities", "cross-entropy"),
        Metric("accuracy", True, "labels", "share of right labels"),
        Metric("balanced_accuracy", True, "labels", "mean recall over the classes"),
        Metric("f1", True, "labels", "F1 of the second class", binary_only=True),
        Metric("f1_macro", True, "labels", "F1, mean over the classes"),
        Metric("precision", True, "labels", "precision of the second class", binary_only=True),
        Metric("recall", True, "labels", "recall of the second class", binary_only=True),
        Metric("rmse", False, "values", "root of the mean squared error"),
        Metric("mae", False, "values", "mean absolute error"),
        Metric("r2", True, "values", "coefficient of determination"),
        Metric("mape", False, "values", "mean absolute percentage error"),
        Metric("mase", False, "values", "mean absolute error over that of a seasonal naive forecast"),
        Metric("wape", False, "values", "sum of absolute errors over sum of absolute values"),
        Metric("wql", False, "values", "weighted quantile loss: over the quantiles, over sum of absolute values"),
    )
}

_FORECAST = ("mase", "wape", "wql", "rmse", "mae", "mape")


def metric_names(task: Task) -> list[str]:
    """Return the names of the metrics that ``task`` can be scored by."""
    if task is Task.FORECASTING:
        return list(_FORECAST)
    wanted = {"labels", "probabilities"} if task.is_classification else {"values"}
    return [m.name for m in METRICS.values() if m.needs in wanted and m.name not in {"mase", "wape", "wql"}]


def default_metric(task: Task, classes: int) -> str:
    """Return the metric used when none is named: roc_auc for two classes, log_loss for more, rmse, mase."""
    if task.is_classification:
        return "roc_auc" if classes == 2 else "log_loss"
    return "mase" if task is Task.FORECASTING else "rmse"


def metric_for(name: str, task: Task, classes: int = 0) -> Metric:
    """Return the metric ``name`` for ``task``.

    Raises
    ------
    UnknownNameError
        If no metric has that name.
    UsageError
        If the task, or the number of classes, does not have it.
    """
    if name not in METRICS:
        raise UnknownNameError.of("metric", name, metric_names(task))
    metric = METRICS[name]
    if name not in metric_names(task):
        raise UsageError(f"{task} has no metric {name}", hint=f"use one of {', '.join(metric_names(task))}")
    if metric.binary_only and classes > 2:
        raise UsageError(f"{name} needs two classes, the target has {classes}", hint=f"use {name}_macro or accuracy")
    return metric
