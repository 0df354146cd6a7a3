"""Metrics: one name each, a direction, and the tasks that have it."""

from __future__ import annotations

import math

import pytest

from automl_bridge.errors import UnknownNameError, UsageError
from automl_bridge.metrics import METRICS, default_metric, metric_for, metric_names
from automl_bridge.task import Task


@pytest.mark.parametrize("task", list(Task))
def test_every_task_has_a_default_among_its_metrics(task):
    for classes in (2, 3):
        assert default_metric(task, classes) in metric_names(task)
        assert metric_for(default_metric(task, classes), task, classes).name == default_metric(task, classes)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_nan_and_none_are_last_whatever_the_direction(metric):
    scores = [0.5, math.nan, 0.1, None, 0.9]
    ranked = sorted(scores, key=metric.sort_key)
    best = 0.9 if metric.greater_is_better else 0.1
    assert ranked[0] == best
    assert {str(score) for score in ranked[3:]} == {"nan", "None"}
    assert metric.better(best, math.nan)
    assert not metric.better(math.nan, metric.worst)


def test_what_a_task_does_not_have_is_named_with_what_it_has():
    with pytest.raises(UsageError, match="tabular-regression has no metric roc_auc") as caught:
        metric_for("roc_auc", Task.TABULAR_REGRESSION)
    assert "rmse" in (caught.value.hint or "")
    with pytest.raises(UnknownNameError, match='Did you mean "roc_auc"'):
        metric_for("rocauc", Task.TABULAR_CLASSIFICATION, 2)
    with pytest.raises(UsageError, match="f1 needs two classes, the target has 3"):
        metric_for("f1", Task.TABULAR_CLASSIFICATION, 3)


def test_task_names_as_people_type_them():
    assert Task.parse("Tabular_Classification") is Task.TABULAR_CLASSIFICATION
    with pytest.raises(UnknownNameError, match='Did you mean "forecasting"'):
        Task.parse("forcasting")
