"""What is sent: one golden file a task and step, held to what the unmodified SDK puts on the wire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from az_world import dataset, images, make_backend, model_ref, predict_spec, series, texts, train_spec

from automl_bridge.backend import Staged
from automl_bridge.budget import Budget
from automl_bridge.task import Task
from automl_bridge_azure.native import minutes_of
from automl_bridge_azure.requests import iso_minutes

GOLDEN = Path(__file__).parent / "golden"
CAPPED = Budget(max_time=7200, max_cost_usd=5, max_trials=4)


def _weighted():
    return dataset(600, weight="count")


def _plans(tmp_path):
    """Yield name and plan of every task and step."""
    serverless, cluster = make_backend(tmp_path, nodes=2), make_backend(tmp_path, compute="cpu", identity="user")
    _, binary = dataset()
    _, values = dataset(600, (1.5, 2.25, 30.0), task=Task.TABULAR_REGRESSION)
    cases = {
        "classification": (serverless, train_spec(binary, budget=CAPPED)),
        "classification-cluster": (cluster, train_spec(binary)),
        "regression": (serverless, train_spec(values, task=Task.TABULAR_REGRESSION, metric="rmse", budget=CAPPED)),
        "predict": (serverless, predict_spec(binary)),
        "predict-cluster": (cluster, predict_spec(binary)),
    }
    task, built = texts()
    cases["text"] = (serverless, train_spec(built, task=task, metric="accuracy"))
    task, built = images()
    cases["image"] = (serverless, train_spec(built, task=task, metric="accuracy"))
    task, built = series()
    spec = train_spec(built, task=task, metric="mase", forecast=built.forecast)
    cases["forecasting"] = (serverless, spec)
    return {name: (backend, backend.plan(spec)) for name, (backend, spec) in cases.items()}


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    return _plans(tmp_path_factory.mktemp("plans"))


NAMES = ("classification", "classification-cluster", "regression", "predict", "predict-cluster", "text", "image",
         "forecasting")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_request_is_the_golden_one(plans, name):
    _, plan = plans[name]
    text = json.dumps(plan.request, indent=1, sort_keys=True) + "\n"
    file = GOLDEN / f"{name}.json"
    assert text == file.read_text("utf-8"), "if the change is meant, write the file anew and look at the difference"


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_sends_the_request_of_the_plan(plans, name, service, monkeypatch, tmp_path):
    backend, plan = plans[name]
    # From a git repository the SDK would add its remote and commit; here it is in one.
    monkeypatch.chdir(Path(__file__).parent)
    backend = make_backend(tmp_path, **backend.settings.model_dump(exclude_unset=True))
    ref = backend.submit(plan, Staged(uris={}))
    assert ref.name == plan.spec.name
    (body,) = service.sent("PUT", f"/jobs/{plan.spec.name}")
    assert body == plan.request["body"]


def test_a_model_without_a_named_environment_brings_its_packages(tmp_path, binary):
    conda = {"channels": ["conda-forge"], "dependencies": ["python=3.9"]}
    backend = make_backend(tmp_path)
    plan = backend.plan(predict_spec(binary, model=model_ref(environment=None, conda=conda)))
    assert plan.request["environment"]["conda"] == conda
    assert plan.request["environment"]["image"].startswith("mcr.microsoft.com/")


@pytest.mark.parametrize(
    ("minutes", "written"),
    [(15, "PT15M"), (60, "PT1H"), (90, "PT1H30M"), (1440, "P1D"), (8640, "P6D"), (8665, "P6DT25M"), (0, "PT0M")],
)
def test_lengths_of_time_are_written_as_the_sdk_writes_them(minutes, written):
    from azure.ai.ml._utils.utils import to_iso_duration_format_mins

    if minutes:
        assert iso_minutes(minutes) == written == to_iso_duration_format_mins(minutes)
    assert minutes_of(written if minutes else "PT0S") == minutes
