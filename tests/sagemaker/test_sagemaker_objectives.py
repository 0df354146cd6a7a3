"""Which objective a metric becomes, and what is refused."""

from __future__ import annotations

import pytest
from sm_world import dataset, train_spec

from automl_bridge.errors import UnsupportedError
from automl_bridge.metrics import metric_names
from automl_bridge.spec import ForecastSpec
from automl_bridge.task import Task
from automl_bridge_sagemaker.limits import limit
from automl_bridge_sagemaker.objectives import objective_for

EXACT = [
    (2, "roc_auc", "AUC"),
    (2, "accuracy", "Accuracy"),
    (2, "balanced_accuracy", "BalancedAccuracy"),
    (3, "accuracy", "Accuracy"),
    (3, "balanced_accuracy", "BalancedAccuracy"),
    (3, "f1_macro", "F1macro"),
]
NEAREST = [(2, "log_loss", "AUC"), (2, "f1", "F1"), (3, "log_loss", "Accuracy"), (3, "roc_auc", "BalancedAccuracy")]


@pytest.fixture(scope="module")
def by_classes():
    return {2: dataset()[1], 3: dataset(classes=("a", "b", "c"))[1]}


@pytest.mark.parametrize(("classes", "metric", "expected"), EXACT)
def test_exact(by_classes, classes, metric, expected):
    found = objective_for(train_spec(by_classes[classes], metric=metric, objective="exact"))
    assert (found.name, found.exact) == (expected, True)


@pytest.mark.parametrize(("classes", "metric", "expected"), NEAREST)
def test_nearest_is_named_and_refused_where_exact_is_asked_for(by_classes, classes, metric, expected):
    found = objective_for(train_spec(by_classes[classes], metric=metric))
    assert (found.name, found.exact) == (expected, False)
    with pytest.raises(UnsupportedError, match="It has Accuracy, ") as caught:
        objective_for(train_spec(by_classes[classes], metric=metric, objective="exact"))
    assert caught.value.limit.startswith("sagemaker.objective.")
    assert "Accuracy" in caught.value.message


@pytest.mark.parametrize("task", [Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING])
def test_every_metric_of_a_task_has_an_objective_that_the_service_lists(by_classes, task):
    kinds = {2: "binary", 3: "multiclass"} if task.is_classification else {2: "regression"}
    kinds = {2: "forecasting"} if task is Task.FORECASTING else kinds
    for classes, kind in kinds.items():
        listed = limit(f"sagemaker.objective.{kind}").value
        for metric in metric_names(task):
            spec = train_spec(by_classes[classes], task=task, metric=metric)
            spec = spec.model_copy(update={"forecast": ForecastSpec(time="when", horizon=2, freq="D")})
            assert objective_for(spec).name in listed
