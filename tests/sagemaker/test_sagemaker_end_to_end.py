"""Whole runs against the sandbox, by Session and command line: every mode, every way to end, the policy at work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sm_sandbox import QuickClock, begin, end, settings_of
from sm_world import dataset, make_backend, train_spec

import automl_bridge_sagemaker
from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.costs.prices import PriceBook
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import CredentialsError
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge.task import Task
from automl_bridge_sagemaker import SageMakerBackend
from automl_bridge_sagemaker.rates import prices

pytest.importorskip("moto")

BUDGET = Budget(max_time=3600, max_trials=2)
POLICY = Path(automl_bridge_sagemaker.__file__).with_name("iam-policy.json")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    home = tmp_path_factory.mktemp("aws")
    yield begin(home)
    end(home)


@pytest.fixture
def session(sandbox, monkeypatch, tmp_path):
    """Return a function that opens a session on the sandbox, with changed settings."""
    for name, value in sandbox.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def opened(**changes):
        made = SageMakerBackend(settings_of(sandbox).model_copy(update=changes), tmp_path / "work")
        config = load_config(overrides={"home": tmp_path})
        return Session(config, backends=lambda _: made, clock=QuickClock())

    yield opened
    sandbox.control("faults", method="DELETE")
    sandbox.control("policy", method="DELETE")


def run(session, built, task, **options):
    started = session.submit(built, task=task, backend="sagemaker", **{"budget": BUDGET, **options})
    return session.wait(started.id)


@pytest.mark.parametrize("mode", ["ENSEMBLING", "HYPERPARAMETER_TUNING", "AUTO"])
@pytest.mark.parametrize("classes", [("no", "yes"), tuple(str(n) for n in range(12)), (True, False)])
def test_every_mode_has_its_probabilities_in_our_order(session, mode, classes):
    task, built = dataset(1500, classes)
    done = run(session(mode=mode), built, task, metric="log_loss")
    assert done.state is RunState.SUCCEEDED, done.failure
    # Columns in another order would show here, not in the accuracy.
    assert done.scores["log_loss"] < 0.7
    assert len(done.model.details["containers"]) == (3 if mode == "HYPERPARAMETER_TUNING" else 1)


@pytest.mark.parametrize("mode", ["ENSEMBLING", "HYPERPARAMETER_TUNING"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_values(session, mode, form):
    task, built = dataset(1500, (1.5, 2.25, 30.0), task=Task.TABULAR_REGRESSION)
    done = run(session(mode=mode, data_format=form), built, task, metric="rmse")
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["r2"] > 0.9
    assert done.plan.objective.exact


def test_a_predict_job_of_new_rows_in_a_new_process(session, tmp_path):
    task, built = dataset(1500)
    first = session()
    done = run(first, built, task)
    rows = built.parts["holdout"]
    labels = session().predict(done.id, rows).labels()
    assert (labels == np.array(rows["target"].to_pylist())).mean() > 0.9
    exported = first.export(done.id, tmp_path / "model")
    assert (exported / "model.json").is_file()


def test_texts(session):
    words = ["a bright and happy day", "a dark and gloomy night"]
    rows = pa.table({"said": [f"{words[i % 2]}\nnumber {i}" for i in range(900)], "target": ["+", "-"] * 450})
    task, built = build_dataset(rows, target="target", types={"said": "text"}, task="text-classification")
    done = run(session(), built, task, metric="accuracy", budget=Budget(max_time=3600))
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("fault", "state", "kind"),
    [
        ("job-fails", RunState.FAILED, None),
        ("job-capacity", RunState.FAILED, "quota"),
        ("job-no-candidate", RunState.FAILED, "time-limit"),
        ("job-no-best", RunState.SUCCEEDED, None),
    ],
)
def test_a_job_that_ends_badly_is_told_for_what_it_is(session, sandbox, fault, state, kind):
    sandbox.control("faults", {"kind": fault, "operations": ["sagemaker.CreateAutoMLJobV2"], "rate": 1.0, "count": 1})
    task, built = dataset(900)
    done = run(session(), built, task)
    assert done.state is state, done.failure
    assert kind is None or done.failure.kind == kind
    assert state is RunState.SUCCEEDED or done.failure.message


def test_credentials_that_expire_while_waiting_do_not_fail_the_run(session, sandbox):
    task, built = dataset(900)
    opened = session()
    started = opened.submit(built, task=task, backend="sagemaker", budget=BUDGET)
    sandbox.control("faults", {"kind": "expired", "operations": ["*"], "rate": 1.0})
    with pytest.raises(CredentialsError, match=r"creden|token|expired") as caught:
        opened.wait(started.id)
    assert "log in again" in caught.value.hint
    assert opened.get(started.id).state is RunState.RUNNING
    sandbox.control("faults", method="DELETE")
    done = opened.wait(started.id)
    assert done.state is RunState.SUCCEEDED
    assert done.usage.known
    assert done.usage.items


def test_the_policy_grants_all_that_a_whole_life_takes(session, sandbox):
    opened = session()
    settings = opened._engine.backend("sagemaker").settings
    text = POLICY.read_text("utf-8").replace("REGION", settings.region).replace("ACCOUNT", "123456789012")
    role = settings.role_arn.rpartition("/")[2]
    sandbox.control("policy", json.loads(text.replace("BUCKET", settings.bucket).replace("role/ROLE", f"role/{role}")))
    task, built = dataset(900)
    done = run(opened, built, task)
    assert done.state is RunState.SUCCEEDED, done.failure
    backend = opened._engine.backend("sagemaker")
    for check in backend.check():
        assert check.ok, check
    for resource in list(backend.resources()):
        backend.delete(resource)
    assert [one for one in backend.resources() if one.run and one.run.startswith(done.name)] == []


SCRIPT = """
import sys
from automl_bridge import Estimator
estimator = Estimator(task="tabular-classification", budget={"max_time": "30m", "max_trials": 2})
estimator.fit(sys.argv[1], target="target")
print(estimator.run_.backend, estimator.run_.state)
"""


def test_the_same_unchanged_script_by_a_variable(sandbox, tmp_path):
    import pyarrow.parquet as pq
    from sm_world import table

    data = tmp_path / "data.parquet"
    pq.write_table(table(900), data)
    variables = {**os.environ, **sandbox.env, "AUTOML_BRIDGE_HOME": str(tmp_path / "home")}
    for backend in ("baseline", "sagemaker"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(data)],
            check=False, capture_output=True, text=True, env={**variables, "AUTOML_BRIDGE_BACKEND": backend},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [backend, "succeeded"]


def test_the_command_line_from_fit_to_predict(sandbox, tmp_path, credit_csv):
    variables = {**os.environ, **sandbox.env, "AUTOML_BRIDGE_HOME": str(tmp_path / "home")}

    def command(*arguments: str) -> dict:
        done = subprocess.run(
            [sys.executable, "-m", "automl_bridge.cli", *arguments, "--json"],
            check=False, capture_output=True, text=True, env=variables, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    fit = ("fit", str(credit_csv), "--target", "status", "--backend", "sagemaker", "--max-cost", "5")
    found = command(*fit, "--max-trials", "2")
    assert found["state"] == "succeeded"
    assert found["score"] > 0.7
    command("predict", found["run_id"], str(credit_csv), "-o", "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert len(lines) == 4454 + 1
    assert lines[0].replace('"', "") == "prediction,probability_bad,probability_good"


def test_the_price_list_is_asked_for_what_the_table_names(sandbox, monkeypatch, tmp_path):
    for name, value in sandbox.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    found = list(SageMakerBackend(settings_of(sandbox), tmp_path).list_prices())
    known = {(row.sku, row.region) for row in prices()}
    assert found
    named = {(row.sku, row.region) for row in found}
    # Beside the table's rows, those of the instances that plans assume: no source gives this one.
    assert named - known == {("BatchTransform:ml.m5.xlarge", "us-east-1")}
    assert {row.service for row in found} <= {row.service for row in prices()}
    assert all(row.usd > 0 and row.unit == "instance-hour" for row in found)
    assert len(named) == len(found)


def test_a_price_of_ones_own_is_what_a_cap_is_planned_with(tmp_path, binary):
    dear = PriceBook([row.model_copy(update={"usd": 4 * row.usd}) for row in prices()])
    backend = make_backend(tmp_path)
    spec = train_spec(binary, budget=Budget(max_cost_usd=20))
    plain = backend.plan(spec).limits_sent["MaxAutoMLJobRuntimeInSeconds"]
    backend.prices = dear
    assert backend.plan(spec).limits_sent["MaxAutoMLJobRuntimeInSeconds"] < plain / 3


def test_series_are_forecast_and_scored_beside_the_seasonal_naive_one(session):
    rng = np.random.default_rng(0)
    days = np.arange("2024-01-01", "2024-05-20", dtype="M8[D]")
    week = np.tile([5.0, 1, 1, 2, 3, 8, 9], 20)
    rows = pa.table(
        {
            "shop": np.repeat(["01", "1", "NA"], len(days)),
            "day": np.tile(days, 3),
            "sold": np.concatenate([place * 10 + week + rng.normal(0, 0.1, len(days)) for place in range(3)]),
        }
    )
    task, built = build_dataset(
        rows, target="sold", task=Task.FORECASTING, time="day", forecast={"series": ["shop"], "horizon": 7}
    )
    ended = run(session(), built, task, budget=Budget(max_time=3600))
    assert ended.state is RunState.SUCCEEDED, ended.failure
    assert ended.predictions_path is not None, ended.notes
    assert np.load(ended.predictions_path).shape == (21, 4)
    assert ended.scores["mase"] > 0
    means = np.load(ended.predictions_path)[:, 0]
    assert np.corrcoef(means, built.parts["holdout"]["sold"].to_numpy())[0, 1] > 0.9
    assert ended.outcome.usage.items


def test_pictures_are_learned_and_each_finds_its_row(session):
    rng = np.random.default_rng(0)
    labels = np.array(["dark", "light", "left"])[np.arange(120) % 3]
    pictures = np.zeros((120, 12, 12), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[:] = rng.integers(0, 40, (12, 12))
        if label == "light":
            picture[:] += 180
        if label == "left":
            picture[:, :6] += 180
    task, built = build_dataset(pictures, y=labels)
    assert task is Task.IMAGE_CLASSIFICATION
    ended = run(session(), built, task, budget=Budget(max_time=3600), metric="accuracy")
    assert ended.state is RunState.SUCCEEDED, ended.failure
    assert "accuracy" in ended.scores, ended.notes
    assert ended.scores["accuracy"] > 0.9
