"""Runs and comparisons are mirrored to a tracking server: MLflow's own, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from report_kit import USUAL, comparison_of, loans

from automl_bridge import Estimator, Session, load_config
from automl_bridge.cli.entry import invoke
from automl_bridge.errors import MissingExtraError, StorageError
from automl_bridge.reports.mlflow_mirror import mirror, mirror_run

DEADLINE = 180


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    words = [f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"), str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mlflow_server.py")), *words],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the client's own
def test_runs_scores_costs_and_the_report_are_on_the_server(server, tmp_path, monkeypatch):
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    made = comparison_of(tmp_path / "made", loans(), "status", USUAL)
    assert mirror(made, server) == f"automl-bridge/credit.csv at {server}"
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("automl-bridge/credit.csv").experiment_id
    runs = {run.data.tags["automl_bridge.id"]: run for run in client.search_runs([experiment])}
    assert set(runs) == {made.id, *(row.run for row in made.rows)}
    parent = runs[made.id]
    assert parent.data.metrics["best_score"] == pytest.approx(made.best.score)
    assert parent.data.tags["mlflow.note.content"] == str(made.verdict)
    assert {one.path for one in client.list_artifacts(parent.info.run_id)} == {"report.html", "result.csv"}
    local = client.download_artifacts(parent.info.run_id, "report.html", str(tmp_path))
    assert Path(local).read_text().startswith("<!DOCTYPE html>")
    for row in made.rows:
        child = runs[row.run]
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.tags["automl_bridge.sandbox"] == str(row.sandbox).lower()
        assert child.info.status == ("FINISHED" if row.state == "succeeded" else "FAILED")
        if row.score is not None:
            assert child.data.metrics["score"] == pytest.approx(row.score)
            assert child.data.metrics["billed_usd"] == pytest.approx(row.billed_usd)
    mirror(made, server)
    assert len(client.search_runs([experiment])) == len(runs)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_server_that_cannot_be_reached_is_named_and_nothing_is_lost(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    made = comparison_of(tmp_path / "made", loans(), "status", dict(list(USUAL.items())[:2]))
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StorageError, match=address) as caught:
        mirror(made, address)
    assert f"compare --resume {made.id[:8]}" in caught.value.hint


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_fit_and_its_baseline_are_on_the_server_once(server, tmp_path, monkeypatch, capsys):
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("AUTOML_BRIDGE_MLFLOW_TRACKING_URI", server)
    loans(200).to_csv(tmp_path / "fits.csv", index=False)
    fitted = Estimator(backend="baseline", random_state=3).fit(tmp_path / "fits.csv", target="status")
    client, own = MlflowClient(server), fitted.run_
    experiment = client.get_experiment_by_name("automl-bridge/fits.csv").experiment_id
    (run,) = client.search_runs([experiment])
    assert (run.data.tags["automl_bridge.id"], run.info.status) == (own.id, "FINISHED")
    assert run.data.metrics["score"] == pytest.approx(own.score)
    assert run.data.metrics[f"holdout.{own.spec.metric}"] == pytest.approx(own.score)
    assert run.data.metrics["billed_usd"] == pytest.approx(fitted.cost_.usd)
    assert (run.data.params["seed"], run.data.params["backend"]) == ("3", "baseline")
    assert invoke(["runs", "wait", own.id]) == 0
    assert f"automl-bridge/fits.csv at {server}" in capsys.readouterr().out
    assert len(client.search_runs([experiment])) == 1
    monkeypatch.delenv("AUTOML_BRIDGE_MLFLOW_TRACKING_URI")
    beside = Estimator(backend="baseline", random_state=4).fit(tmp_path / "fits.csv", target="status").run_
    with Session(load_config()) as session:
        mirror_run(session, own.model_copy(update={"baseline_run": beside.id}), server)
    found = {run.data.tags["automl_bridge.id"] for run in client.search_runs([experiment])}
    assert found == {own.id, beside.id}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_fit_that_cannot_be_mirrored_is_kept_and_named(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("AUTOML_BRIDGE_MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageError, match="the run could not be mirrored") as caught:
        Estimator(backend="baseline").fit(loans(200), target="status")
    with Session(load_config()) as session:
        (run,) = session.list()
    assert run.score is not None
    assert f"runs wait {run.id[:8]}" in caught.value.hint


def test_a_fit_that_could_not_be_mirrored_is_not_begun(monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="MLflow is not installed"):
        Estimator(backend="baseline").fit(loans(60), target="status")
    with Session(load_config()) as session:
        assert session.list() == []


def test_without_mlflow_the_pip_line_is_named(monkeypatch, tmp_path):
    made = comparison_of(tmp_path / "made", loans(60), "status", dict(list(USUAL.items())[:2]))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="MLflow is not installed") as caught:
        mirror(made, "http://127.0.0.1:1")
    assert "automl-bridge[mlflow]" in caught.value.hint
    assert "AUTOML_BRIDGE_MLFLOW_TRACKING_URI" not in os.environ
