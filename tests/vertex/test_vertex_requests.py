"""The native requests, to the letter, and as Google's own typed messages take them.

``golden/*.json`` are compared as they stand; ``AUTOML_BRIDGE_REWRITE_GOLDEN=1`` writes them anew, to be read in a diff.
"""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from vx_world import dataset, pictures, predict_spec, series, settings, train_spec

from automl_bridge.budget import Budget
from automl_bridge.errors import LimitError, RejectedError
from automl_bridge.task import Task
from automl_bridge_vertex.planning import plan_predict, plan_train
from automl_bridge_vertex.task_inputs import granularity
from automl_bridge_vertex.typed import check_inputs, inputs_message, message

GOLDEN = Path(__file__).with_name("golden")
# Read here: every test starts without the variables of whoever runs it.
REWRITE = bool(os.environ.get("AUTOML_BRIDGE_REWRITE_GOLDEN"))
FULL = {
    "kms_key": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k",
    "labels": {"team": "risk"},
    "early_stopping": False,
    "service_account": "predictor@proj.iam.gserviceaccount.com",
}


def requests() -> dict[str, dict[str, object]]:
    binary, many = dataset()[1], dataset(classes=("a", "b", "c"), weight=np.ones(2000))[1]
    numbers = dataset(classes=(1.5, 2.25, 3.125), task=Task.TABULAR_REGRESSION)[1]
    timed = dataset(time="when")[1]
    images, shops = pictures(), series()
    single = series(quantiles=(), series=("shop",), shops=8)
    from automl_bridge.data.series_context import holdout_question

    asked = holdout_question(shops)
    regression, forecasting = Task.TABULAR_REGRESSION, Task.FORECASTING
    pictured = Task.IMAGE_CLASSIFICATION
    specs = {
        "tabular-binary": (train_spec(binary, budget=Budget(max_cost_usd=50)), {}),
        "tabular-multiclass-full": (train_spec(many, metric="log_loss"), FULL),
        "tabular-regression": (train_spec(numbers, task=regression, metric="mae", budget=Budget(max_time="3h")), {}),
        "tabular-by-time": (train_spec(timed), {}),
        "forecasting-quantiles": (train_spec(shops, task=forecasting, metric="mase"), {}),
        "forecasting-points": (train_spec(single, task=forecasting, metric="rmse"), {"context_window": 28}),
        "image-classification": (train_spec(images, task=pictured, metric="accuracy"), {}),
        "image-mobile": (
            train_spec(images, task=pictured, metric="log_loss"), {"model_type": "MOBILE_TF_VERSATILE_1"},
        ),
    }  # fmt: skip
    predicting = {
        "predict-table": (predict_spec(binary), {}),
        "predict-csv-full": (predict_spec(many, details={"output_formats": ["csv"]}), FULL),
        "predict-forecast": (predict_spec(shops, new=asked, task=forecasting, metric="mase"), {}),
        "predict-images": (
            predict_spec(images, task=pictured, metric="accuracy", details={"resource_types": ["AUTOMATIC_RESOURCES"]}),
            {},
        ),
    }
    return {
        **{name: plan_train(spec, settings(**more)).request for name, (spec, more) in specs.items()},
        **{name: plan_predict(spec, settings(**more)).request for name, (spec, more) in predicting.items()},
    }


NAMES = sorted(
    ["tabular-binary", "tabular-multiclass-full", "tabular-regression", "tabular-by-time", "forecasting-quantiles"]
    + ["forecasting-points", "image-classification", "image-mobile"]
    + ["predict-table", "predict-csv-full", "predict-forecast", "predict-images"]
)


@pytest.fixture(scope="module")
def built():
    return requests()


def stable(request):
    """Return a request with what depends on fingerprints and digests replaced: those have tests of their own."""
    text = json.dumps(request, indent=1, sort_keys=True, ensure_ascii=False)
    return re.sub(r"\b[0-9a-f]{40}\b", "<digest>", re.sub(r"/data/[0-9a-f]{32}/", "/data/<key>/", text)) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_golden(built, name):
    file = GOLDEN / f"{name}.json"
    found = stable(built[name])
    if REWRITE:
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_every_golden_file_is_tested():
    assert sorted(file.stem for file in GOLDEN.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_googles_own_messages_take_it(built, name):
    """Every field of every request, the free-form inputs of the task among them."""
    from google.cloud.aiplatform_v1 import types

    for call, request in built[name].items():
        document = json.loads(json.dumps(request))
        wanted = message(getattr(types, f"{call}Request"), document)
        assert type(wanted).pb(wanted).ByteSize() > 0
        if call == "CreateTrainingPipeline":
            check_inputs(document["trainingPipeline"])
            inputs = document["trainingPipeline"]["trainingTaskInputs"]
            kind = inputs_message(document["trainingPipeline"]["trainingTaskDefinition"])
            # Nothing is lost on the way through the typed message: what it keeps is what is sent.
            kept = type(kind()).to_dict(message(kind, inputs), use_integers_for_enums=False)
            budget = inputs.get("trainBudgetMilliNodeHours") or inputs["budgetMilliNodeHours"]
            assert float(kept.get("train_budget_milli_node_hours") or kept["budget_milli_node_hours"]) == budget


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("predict")])
@pytest.mark.parametrize("damage", ["targetColum", "trainBudgetMiliNodeHours", "nonsense"])
def test_a_misspelt_input_cannot_be_sent(built, name, damage):
    pipeline = copy.deepcopy(built[name]["CreateTrainingPipeline"]["trainingPipeline"])
    pipeline["trainingTaskInputs"][damage] = 1
    with pytest.raises(RejectedError, match=damage):
        check_inputs(pipeline)


def test_the_holdout_is_in_no_request(built):
    for name in NAMES:
        assert "holdout" not in json.dumps(built[name])


@pytest.mark.parametrize(
    ("freq", "unit", "quantity"),
    [
        ("D", "day", 1), ("h", "hour", 1), ("60min", "hour", 1), ("15min", "minute", 15), ("min", "minute", 1),
        ("MS", "month", 1), ("W-SUN", "week", 1), ("YE-DEC", "year", 1),
    ],
)  # fmt: skip
def test_steps_of_forecasts(freq, unit, quantity):
    assert granularity(freq) == {"unit": unit, "quantity": quantity}


@pytest.mark.parametrize("freq", ["QS", "B", "s", "7D", "2h", "20min", "1"])
def test_steps_that_the_service_has_not(freq):
    with pytest.raises(LimitError) as caught:
        granularity(freq)
    assert caught.value.limit == "vertex.forecasting.granularity"
    assert caught.value.source


def test_a_key_of_ours_never_meets_a_column_of_the_data():
    import pyarrow as pa
    from vx_world import table

    from automl_bridge.data.build import build_dataset
    from automl_bridge_vertex.columns import key_column

    rows = table().append_column("ab_row", pa.array(range(2000)))
    _, built = build_dataset(rows, target="target")
    assert key_column(built.profile) == "ab_row_"
