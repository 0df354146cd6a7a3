"""Whole runs against the sandbox, by Session and command line: every task, and ways to end badly."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from az_sandbox import QuickClock, begin, end, lead_to, settings_of
from az_world import dataset, images, series, texts

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.errors import CredentialsError
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge.task import Task
from automl_bridge_azure import AzureBackend

BUDGET = Budget(max_time=3600, max_trials=2)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    home = tmp_path_factory.mktemp("azure")
    yield begin(home)
    end(home)


@pytest.fixture
def session(sandbox, monkeypatch, tmp_path):
    """Return a function that opens a session on the sandbox, with changed settings."""
    lead_to(sandbox, monkeypatch)

    def opened(**changes):
        made = AzureBackend(settings_of(sandbox, **changes), tmp_path / "work")
        config = load_config(overrides={"home": tmp_path})
        return Session(config, backends=lambda _: made, clock=QuickClock())

    yield opened
    sandbox.control("faults", method="DELETE")


def run(session, built, task, **options):
    started = session.submit(built, task=task, backend="azure", **{"budget": BUDGET, **options})
    return session.wait(started.id)


@pytest.mark.slow
def test_twelve_labels_of_text_have_their_probabilities_in_our_order(session, tmp_path):
    """And new rows are predicted by a new process, and the model comes out whole."""
    task, built = dataset(900, tuple(str(n) for n in range(12)))
    first = session(compute=None, nodes=2)
    done = run(first, built, task, metric="log_loss")
    assert done.state is RunState.SUCCEEDED, done.failure
    # Columns in another order would show here, not in the accuracy.
    assert done.scores["log_loss"] < 1.2
    assert done.usage.known
    rows = built.parts["holdout"]
    labels = session().predict(done.id, rows).labels()
    assert (labels == np.array(rows["target"].to_pylist())).mean() > 0.5
    exported = first.export(done.id, tmp_path / "model")
    assert (exported / "mlflow-model" / "MLmodel").is_file()
    assert json.loads((exported / "model.json").read_text("utf-8"))["job"] == done.name


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_values(session, form):
    task, built = dataset(600, (1.5, 2.25, 30.0), task=Task.TABULAR_REGRESSION)
    done = run(session(data_format=form), built, task, metric="rmse")
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["r2"] > 0.7
    assert done.plan.objective.exact


@pytest.mark.slow
def test_texts(session):
    task, built = texts()
    done = run(session(compute=None), built, task, metric="accuracy", budget=Budget(max_time=3600))
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores.get("accuracy", 0) > 0.9, (done.notes, done.troubles if hasattr(done, "troubles") else "")


@pytest.mark.slow
def test_pictures(session):
    task, built = images()
    done = run(session(compute=None), built, task, metric="accuracy", budget=Budget(max_time=3600))
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores.get("accuracy", 0) > 0.9, (done.notes, done.troubles if hasattr(done, "troubles") else "")


@pytest.mark.slow
def test_forecasts(session):
    task, built = series()
    done = run(session(), built, task, metric="mae")
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores.get("mae", 99) < 30, done


@pytest.mark.slow
def test_credentials_that_expire_while_waiting_do_not_fail_the_run(session, sandbox):
    task, built = dataset(300)
    opened = session()
    started = opened.submit(built, task=task, backend="azure", budget=BUDGET)
    sandbox.control("faults", {"kind": "expired", "operations": ["*"], "rate": 1.0})
    with pytest.raises(CredentialsError) as caught:
        opened.wait(started.id)
    assert "log in again" in caught.value.hint
    assert opened.get(started.id).state is RunState.RUNNING
    sandbox.control("faults", method="DELETE")
    done = opened.wait(started.id)
    assert done.state is RunState.SUCCEEDED
    assert done.usage.known
    assert done.usage.items


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

    fit = ("fit", str(credit_csv), "--target", "status", "--backend", "azure", "--max-cost", "5")
    found = command(*fit, "--max-trials", "2")
    assert found["state"] == "succeeded"
    assert found["score"] > 0.7
    command("predict", found["run_id"], str(credit_csv), "-o", "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert len(lines) == 4454 + 1
    assert lines[0].replace('"', "") == "prediction,probability_bad,probability_good"
