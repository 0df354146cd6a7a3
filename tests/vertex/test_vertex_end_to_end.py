"""Whole runs against the sandbox, by Session and command line: every task, every way to end, both transports."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from vx_sandbox import QuickClock, at, served, settings_of
from vx_world import dataset, pictures, series

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.errors import ConfigError, CredentialsError
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge.task import Task
from automl_bridge_vertex import VertexBackend

BUDGET = Budget(max_cost_usd=60)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    yield from served(tmp_path_factory)


@pytest.fixture
def session(sandbox, monkeypatch, tmp_path, _google_variables):
    """Return a function that opens a session on the sandbox, with changed settings."""
    at(sandbox, monkeypatch)

    def opened(**changes):
        made = VertexBackend(settings_of(sandbox, **changes), tmp_path / "work")
        config = load_config(overrides={"home": tmp_path})
        return Session(config, backends=lambda _: made, clock=QuickClock())

    yield opened
    sandbox.control("faults", method="DELETE")


def run(session, built, task, **options):
    started = session.submit(built, task=task, backend="vertex", **{"budget": BUDGET, **options})
    return session.wait(started.id)


def check_billed(done, sku):
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.usage.items[0].sku == sku
    # The cap was kept, by the service's own limit.
    assert done.plan.cap.kind == "guaranteed"
    assert done.usage.items[0].quantity <= next(iter(done.plan.limits_sent.values())) / 1000


@pytest.mark.parametrize(
    "classes",
    [
        tuple(str(n) for n in range(12)),
        pytest.param(("no", "yes"), marks=pytest.mark.slow),
        pytest.param((True, False), marks=pytest.mark.slow),
    ],
)
def test_probabilities_in_our_order(session, classes):
    task, built = dataset(2600, classes)
    done = run(session(), built, task, metric="log_loss")
    check_billed(done, "Training:tabular")
    # Columns in another order would show here, not in the accuracy.
    assert done.scores["log_loss"] < 0.7


@pytest.mark.slow
def test_values_over_the_other_transport(session):
    task, built = dataset(2000, (1.5, 2.25, 30.0), task=Task.TABULAR_REGRESSION)
    done = run(session(grpc=True), built, task, metric="rmse", cap="strict")
    check_billed(done, "Training:tabular")
    assert done.scores["r2"] > 0.9
    assert done.plan.objective.exact


def test_forecasts_of_the_holdout_with_their_quantiles(session):
    done = run(session(), series(), Task.FORECASTING)
    check_billed(done, "Training:forecasting")
    assert done.usage.known
    assert done.scores["wape"] < 0.1
    (points,) = [item for item in done.usage.items if item.part == "prediction"]
    assert points.quantity == pytest.approx(8 * 14 / 1000)


@pytest.mark.slow
def test_images(session):
    done = run(session(), pictures(40), Task.IMAGE_CLASSIFICATION, metric="accuracy")
    check_billed(done, "Training:image")
    assert done.scores["accuracy"] > 0.9


@pytest.mark.slow
def test_a_predict_job_of_new_rows_in_a_new_process_and_an_export(session, tmp_path):
    task, built = dataset(2000)
    first = session()
    done = run(first, built, task)
    rows = built.parts["holdout"]
    labels = session().predict(done.id, rows).labels()
    assert (labels == np.array(rows["target"].to_pylist())).mean() > 0.9
    exported = first.export(done.id, tmp_path / "model")
    assert (exported / "model.json").is_file()
    assert len(list(exported.rglob("*"))) > 2


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "kind"), [("job-fails", None), ("job-capacity", "quota")])
def test_a_job_that_ends_badly_is_told_for_what_it_is(session, sandbox, fault, kind):
    sandbox.control("faults", {"kind": fault, "operations": ["*TrainingPipeline"], "rate": 1.0, "count": 1})
    task, built = dataset(2000)
    done = run(session(), built, task)
    assert done.state is RunState.FAILED
    assert kind is None or done.failure.kind == kind
    assert done.failure.message
    # What failed is not billed.
    assert done.usage.known
    assert done.usage.items == ()


def test_credentials_that_expire_while_waiting_do_not_fail_the_run(session, sandbox):
    task, built = dataset(2000)
    opened = session()
    started = opened.submit(built, task=task, backend="vertex", budget=BUDGET)
    sandbox.control("faults", {"kind": "expired", "operations": ["*"], "rate": 1.0})
    with pytest.raises(CredentialsError, match=r"(?i)creden|token|expired|authen") as caught:
        opened.wait(started.id)
    assert "log in again" in caught.value.hint
    assert opened.get(started.id).state is RunState.RUNNING
    sandbox.control("faults", method="DELETE")
    done = opened.wait(started.id)
    assert done.state is RunState.SUCCEEDED
    assert done.usage.known
    assert done.usage.items


@pytest.mark.slow
def test_a_run_that_is_cancelled_is_billed_and_leaves_nothing_running(session, sandbox):
    task, built = dataset(2000)
    opened = session()
    started = opened.submit(built, task=task, backend="vertex", budget=BUDGET)
    opened.cancel(started.id)
    done = opened.wait(started.id)
    assert done.state in {RunState.CANCELLED, RunState.SUCCEEDED}
    backend = opened._engine.backend("vertex")
    left = [one.kind for one in backend.resources() if one.run == done.name]
    assert "training pipeline" not in left
    assert "dataset" not in left


def test_what_is_left_is_listed_and_removed(session):
    task, built = dataset(2000)
    opened = session()
    done = run(opened, built, task)
    backend = opened._engine.backend("vertex")
    kinds = sorted(one.kind for one in backend.resources() if one.run == done.name)
    # The model, to predict with later, and its plan; data set and jobs are gone.
    assert kinds == ["job files", "model"]
    for check in backend.check():
        assert check.ok is not False, check
    for resource in list(backend.resources()):
        backend.delete(resource)
    assert list(backend.resources()) == []


def test_a_bucket_that_is_not_there_is_told_before_anything_is_made(session):
    task, built = dataset(2000)
    opened = session(bucket="ab-nowhere")
    with pytest.raises(ConfigError, match="there is no bucket ab-nowhere"):
        opened.submit(built, task=task, backend="vertex", budget=BUDGET)


@pytest.mark.slow
def test_the_command_line_from_fit_to_predict(sandbox, tmp_path, credit_csv):
    variables = {**os.environ, **sandbox.env, "AUTOML_BRIDGE_HOME": str(tmp_path / "home")}

    def command(*arguments: str) -> dict:
        done = subprocess.run(
            [sys.executable, "-m", "automl_bridge.cli", *arguments, "--json"],
            check=False, capture_output=True, text=True, env=variables, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    fit = ("fit", str(credit_csv), "--target", "status", "--backend", "vertex", "--max-cost", "30")
    # One number from one table everywhere: the dry run, the estimate and the report of the run.
    planned = command(*fit, "--dry-run")
    found = command(*fit)
    assert found["state"] == "succeeded"
    assert found["score"] > 0.7
    estimated = command("estimate", str(credit_csv), "--target", "status", "--max-cost", "30", "--backends", "vertex")
    (row,) = estimated["estimates"]
    assert planned["estimate"] == row["estimate"]
    assert planned["estimate"]["worst_usd"] <= 30
    command("predict", found["run_id"], str(credit_csv), "-o", "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert len(lines) == 4454 + 1
    assert lines[0].replace('"', "") == "prediction,probability_bad,probability_good"
