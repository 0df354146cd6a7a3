"""The native requests, to the letter, and as AWS's own service model takes them.

``golden/*.json`` are compared as they stand; ``AUTOML_BRIDGE_REWRITE_GOLDEN=1`` writes them anew, to be read in a diff.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pytest
from sm_world import dataset, model_ref, predict_spec, settings, train_spec

from automl_bridge.budget import Budget
from automl_bridge.errors import LimitError
from automl_bridge.spec import ColumnProfile, ForecastSpec, Kind, Profile, Role
from automl_bridge.task import Task
from automl_bridge_sagemaker.native_limits import limits_for
from automl_bridge_sagemaker.objectives import objective_for
from automl_bridge_sagemaker.planning import plan_predict, plan_train
from automl_bridge_sagemaker.requests import train_request

GOLDEN = Path(__file__).with_name("golden")
# Read here: every test starts without the variables of whoever runs it.
REWRITE = bool(os.environ.get("AUTOML_BRIDGE_REWRITE_GOLDEN"))
FULL = {
    "kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "subnets": ("subnet-1",),
    "security_group_ids": ("sg-1",),
    "tags": {"team": "risk"},
    "mode": "ENSEMBLING",
    "algorithms": ("xgboost", "catboost"),
}


def text_dataset():
    words = ["good and bright day", "bad and dark night"] * 400
    rows = pa.table({"what they said": [f"{w} number {i}" for i, w in enumerate(words)], "target": ["+", "-"] * 400})
    return dataset_of(rows, types={"what they said": "text"}, task=Task.TEXT_CLASSIFICATION)


def dataset_of(rows, **options):
    from automl_bridge.data.build import build_dataset

    return build_dataset(rows, target="target", **options)[1]


def series_profile() -> Profile:
    def column(name, kind, role):
        arrow_type = "date32[day]" if role is Role.TIME else "string"
        return ColumnProfile(name=name, safe_name=name.replace(" ", "_"), kind=kind, role=role, arrow_type=arrow_type)

    columns = (
        column("the day", Kind.DATETIME, Role.TIME),
        column("shop", Kind.CATEGORICAL, Role.SERIES),
        column("city", Kind.CATEGORICAL, Role.SERIES),
        column("target", Kind.NUMERIC, Role.TARGET),
    )
    return Profile(rows={"train": 900}, bytes=9000, columns=columns, fingerprint="f" * 64)


def forecasting_spec(**changes):
    forecast = ForecastSpec(time="the day", series=("shop", "city"), horizon=14, freq="D", **changes)
    base = train_spec(dataset()[1], task=Task.FORECASTING, metric="mase")
    return base.model_copy(update={"profile": series_profile(), "forecast": forecast})


def requests() -> dict[str, tuple[str, dict[str, object]]]:
    """Return all golden requests: name -> (operation, arguments)."""
    binary, many = dataset()[1], dataset(classes=("a", "b", "c"))[1]
    numbers = dataset(classes=(1.5, 2.25, 3.125), task=Task.TABULAR_REGRESSION)[1]
    train = "CreateAutoMLJobV2"
    text = train_spec(text_dataset(), task=Task.TEXT_CLASSIFICATION, metric="accuracy")
    image = train_spec(many, task=Task.IMAGE_CLASSIFICATION, metric="accuracy")
    image_limits = limits_for(image, settings(), 0.0)
    forecast = forecasting_spec()
    forecast_limits = limits_for(forecast, settings(), 0.0)
    capped = train_spec(binary, budget=Budget(max_cost_usd=5, max_trials=4))
    transforms = {
        f"predict-{kind}": plan_predict(predict_spec(built, containers=count, task=task), settings(**extra)).request
        for kind, built, count, task, extra in (
            ("ensembling", binary, 1, Task.TABULAR_CLASSIFICATION, {}),
            ("hpo", many, 3, Task.TABULAR_CLASSIFICATION, FULL),
            ("regression", numbers, 2, Task.TABULAR_REGRESSION, {}),
            ("images", binary, 1, Task.IMAGE_CLASSIFICATION, {}),
        )
    }
    asked = forecasting_spec().model_copy(update={"kind": "predict", "model": model_ref(1), "budget": Budget()})
    transforms["predict-forecasting"] = plan_predict(asked, settings()).request
    return {
        "tabular-binary": (train, plan_train(capped, settings()).request),
        "tabular-multiclass-full": (train, plan_train(train_spec(many, metric="f1_macro"), settings(**FULL)).request),
        "tabular-regression-csv": (
            train,
            plan_train(
                train_spec(numbers, task=Task.TABULAR_REGRESSION, metric="rmse"),
                settings(data_format="csv", mode="HYPERPARAMETER_TUNING"),
            ).request,
        ),
        "text-classification": (
            train,
            plan_train(text, settings()).request,
        ),
        "image-classification": (train, train_request(image, settings(), image_limits, objective_for(image))),
        "forecasting": (train, train_request(forecast, settings(), forecast_limits, objective_for(forecast))),
        **{
            f"{name}-{part}": (part, request[part])
            for name, request in transforms.items()
            for part in ("CreateModel", "CreateTransformJob")
        },
    }


@pytest.fixture(scope="module")
def built():
    return requests()


NAMES = sorted(
    ["tabular-binary", "tabular-multiclass-full", "tabular-regression-csv", "text-classification"]
    + ["image-classification", "forecasting"]
    + [
        f"predict-{k}-{p}"
        for k in ("ensembling", "hpo", "regression", "images", "forecasting")
        for p in ("CreateModel", "CreateTransformJob")
    ]
)


def stable(request):
    """Return a request with what depends on fingerprints and digests replaced: those have tests of their own."""
    text = json.dumps(request, indent=1, sort_keys=True, ensure_ascii=False)
    return re.sub(r"\b[0-9a-f]{64}\b", "<digest>", re.sub(r"/data/[0-9a-f]{32}/", "/data/<key>/", text)) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_golden(built, name):
    file = GOLDEN / f"{name}.json"
    found = stable(built[name][1])
    if REWRITE:
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_aws_own_service_model_takes_it(built, name):
    import botocore.session
    from botocore.validate import ParamValidator

    operation, request = built[name]
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


def test_every_golden_file_is_tested():
    assert sorted(file.stem for file in GOLDEN.glob("*.json")) == NAMES


@pytest.mark.parametrize(
    ("freq", "native"),
    [
        ("D", "D"),
        ("2D", "2D"),
        ("h", "H"),
        ("60min", "H"),
        ("15min", "15min"),
        ("MS", "M"),
        ("W-SUN", "W"),
        ("YE", "Y"),
    ],
)
def test_steps_of_forecasts(freq, native):
    from automl_bridge_sagemaker.forecast_request import forecast_config

    spec = forecasting_spec()
    spec = spec.model_copy(update={"forecast": spec.forecast.model_copy(update={"freq": freq})})
    assert forecast_config(spec)["ForecastFrequency"] == native


@pytest.mark.parametrize("freq", ["QS", "B", "s", "7D", "90min"])
def test_steps_that_the_service_has_not(freq):
    from automl_bridge_sagemaker.forecast_request import forecast_config

    spec = forecasting_spec()
    with pytest.raises(LimitError) as caught:
        forecast_config(spec.model_copy(update={"forecast": spec.forecast.model_copy(update={"freq": freq})}))
    assert caught.value.limit == "sagemaker.forecasting.frequency"
