"""Metrics to objectives: exact, nearest, or refused with what there is; and back to the metric of an evaluation."""

from __future__ import annotations

import pytest
from vx_world import dataset, pictures, series, train_spec

from automl_bridge.errors import UnsupportedError
from automl_bridge.metrics import metric_names
from automl_bridge.task import Task
from automl_bridge_vertex.limits import limit
from automl_bridge_vertex.objectives import IMAGE_OBJECTIVE, METRIC_OF, QUANTILE_LOSS, objective_for


@pytest.fixture(scope="module")
def specs():
    numbers = dataset(classes=(1.5, 2.25, 3.125), task=Task.TABULAR_REGRESSION)[1]
    points = series(quantiles=())
    return {
        "binary": train_spec(dataset()[1]),
        "multiclass": train_spec(dataset(classes=("a", "b", "c"))[1], metric="log_loss"),
        "regression": train_spec(numbers, task=Task.TABULAR_REGRESSION, metric="rmse"),
        "forecasting": train_spec(points, task=Task.FORECASTING, metric="mae"),
        "image": train_spec(pictures(), task=Task.IMAGE_CLASSIFICATION, metric="accuracy"),
    }


@pytest.mark.parametrize(
    ("kind", "metric", "name", "exact"),
    [
        ("binary", "roc_auc", "maximize-au-roc", True),
        ("binary", "log_loss", "minimize-log-loss", True),
        ("binary", "accuracy", "minimize-log-loss", False),
        ("binary", "f1", "maximize-au-prc", False),
        ("multiclass", "log_loss", "minimize-log-loss", True),
        ("multiclass", "roc_auc", "minimize-log-loss", False),
        ("regression", "rmse", "minimize-rmse", True),
        ("regression", "mae", "minimize-mae", True),
        ("regression", "r2", "minimize-rmse", False),
        ("forecasting", "mae", "minimize-mae", True),
        ("forecasting", "mase", "minimize-mae", False),
        ("forecasting", "wape", "minimize-wape-mae", False),
        ("image", "accuracy", IMAGE_OBJECTIVE, False),
    ],
)
def test_the_nearest_objective(specs, kind, metric, name, exact):
    found = objective_for(specs[kind].model_copy(update={"metric": metric}))
    assert (found.name, found.exact) == (name, exact)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "forecasting", "image"])
def test_every_metric_has_one_that_the_service_takes_or_is_refused_where_it_must_be_exact(specs, kind):
    spec = specs[kind]
    known = {choice.rstrip("*") for choice in limit(f"vertex.objective.{kind}").choices}
    for metric in metric_names(spec.task):
        asked = spec.model_copy(update={"metric": metric})
        found = objective_for(asked)
        assert found.name in known | {IMAGE_OBJECTIVE}
        assert found.name in METRIC_OF
        exact = asked.model_copy(update={"objective": "exact"})
        if found.exact:
            assert objective_for(exact) == found
            continue
        with pytest.raises(UnsupportedError, match="the nearest is") as caught:
            objective_for(exact)
        assert caught.value.limit == f"vertex.objective.{kind}"
        assert caught.value.source


def test_quantiles_have_an_objective_of_their_own(specs):
    quantiles = specs["forecasting"].forecast.model_copy(update={"quantiles": (0.1, 0.9)})
    spec = specs["forecasting"].model_copy(update={"forecast": quantiles, "metric": "rmse"})
    assert objective_for(spec).name == QUANTILE_LOSS
    with pytest.raises(UnsupportedError) as caught:
        objective_for(spec.model_copy(update={"objective": "exact"}))
    assert "without quantiles" in caught.value.hint
