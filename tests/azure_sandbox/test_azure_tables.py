"""Tabular jobs from submission to a model that predicts, through the unmodified MLClient."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from azure_sandbox_kit import delimited, limits, to_csv, wait_for


def test_a_job_is_accepted_runs_and_names_its_best_trial(azure, trained):
    assert trained.status == "Completed"
    children = azure.children("trained")
    best = trained.tags["automl_best_child_run_id"]
    trials = {name: child for name, child in children.items() if "score" in child.properties}
    assert list(children) == ["trained_setup", "trained_featurize", "trained_0", "trained_1", "trained_2",
                              "trained_3", "trained_4", "trained_ModelExplain"]  # fmt: skip
    assert {child.status for child in children.values()} == {"Completed"}
    assert [trials[f"trained_{n}"].properties["run_algorithm"] for n in (3, 4)] == ["VotingEnsemble", "StackEnsemble"]
    assert float(trials[best].properties["score"]) == max(float(t.properties["score"]) for t in trials.values()) > 0.8


def test_metrics_come_by_mlflow_and_durations_by_run_history(azure, trained):
    place = f"/mlflow/v2.0{azure.ml.workspaces.get().id}/api/2.0/mlflow"
    _status, _headers, answer = azure.request("GET", f"{place}/runs/get?run_id=trained_0")
    metrics = {one["key"]: one["value"] for one in answer["run"]["data"]["metrics"]}
    assert {"AUC_weighted", "accuracy", "log_loss", "norm_macro_recall", "f1_score_macro"} <= set(metrics)
    run = azure.ml.jobs._runs_operations.get_run("trained_0")
    assert metrics["AUC_weighted"] == pytest.approx(float(run.properties["score"]))
    assert run.compute_duration == "00:02:00.0000000"
    assert (run.compute.vm_size, run.compute.target, run.compute.priority) == (
        "STANDARD_DS3_V2",
        "cpu-cluster",
        "Dedicated",
    )
    _status, _headers, found = azure.request(
        "POST", f"{place}/runs/search", {"filter": "tags.mlflow.parentRunId = 'trained'"}
    )
    assert len(found["runs"]) == 8
    _status, _headers, found = azure.request("GET", f"{place}/artifacts/list?run_id=trained_0&path=outputs")
    assert {"path": "outputs/mlflow-model", "is_dir": True} in found["files"]


def test_two_trials_at_a_time_overlap(azure, trained):
    runs = [azure.ml.jobs._runs_operations.get_run(f"trained_{number}") for number in range(3)]
    assert runs[0].start_time_utc == runs[1].start_time_utc
    assert runs[2].start_time_utc == runs[0].end_time_utc


def test_the_model_of_the_best_run_is_downloaded_and_predicts(azure, trained, tmp_path, rows, monkeypatch):
    best = trained.tags["automl_best_child_run_id"]
    azure.ml.jobs.download(best, download_path=tmp_path)
    folder = tmp_path / "artifacts" / "outputs" / "mlflow-model"
    about = json.loads((folder / "MLmodel").read_text())
    assert about["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert [column["name"] for column in json.loads(about["signature"]["inputs"])] == ["size", "colour", "note"]
    model = pickle.loads((folder / "model.pkl").read_bytes())
    frame = pd.DataFrame([row[:3] for row in rows], columns=["size", "colour", "note"])
    chances = model.predict_proba(frame)
    assert list(model.classes_) == list(chances.columns) == ["no", "yes"]
    assert chances.shape == (300, 2)
    assert chances.sum(axis=1).to_numpy() == pytest.approx(1.0)
    said = [row[3] for row in rows]
    assert sum(a == b for a, b in zip(model.predict(frame), said, strict=True)) > 240


def test_the_sdk_uploads_a_local_folder_once(azure, classification, tmp_path, rows):
    (tmp_path / "data.csv").write_bytes(to_csv(rows, ["size", "colour", "note", "bought"]))
    (tmp_path / "MLTable").write_text(delimited("data.csv"))
    before = azure.server.calls.to_json().get("blob.PutBlob", 0)
    azure.submit(classification("local-1", uri=str(tmp_path)))
    between = azure.server.calls.to_json()["blob.PutBlob"]
    azure.submit(classification("local-2", uri=str(tmp_path)))
    assert between - before == 2
    assert azure.server.calls.to_json()["blob.PutBlob"] == between
    assert azure.wait("local-2").status == "Completed"


def test_a_regression_is_scored_by_normalised_errors(azure, rows):
    from azure.ai.ml import automl

    uri = azure.put_rows("data/numbers", [[a, b, c, float(a) * 2 + 1] for a, b, c, _y in rows])
    job = automl.regression(training_data=azure.input(uri), target_column_name="bought", compute="cpu-cluster",
                            primary_metric="normalized_root_mean_squared_error")  # fmt: skip
    job.name = "regression"
    job.set_training(enable_vote_ensemble=False, enable_stack_ensemble=False, enable_model_explainability=False)
    azure.submit(limits(job))
    done = azure.wait("regression")
    scores = {
        n: float(c.properties["score"]) for n, c in azure.children("regression").items() if "score" in c.properties
    }
    assert len(scores) == 3
    assert scores[done.tags["automl_best_child_run_id"]] == min(scores.values()) < 0.2


def test_parquet_keeps_types_and_numbers_are_classes(azure, rows, classification):
    import io

    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"size": [float(row[0]) for row in rows], "bought": [int(row[3] == "yes") for row in rows]})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    mltable = json.dumps({"paths": [{"pattern": "./*.parquet"}], "transformations": ["read_parquet"]})
    uri = azure.put("data/parquet", {"part.parquet": buffer.getvalue()}, mltable)
    azure.submit(classification("parquet", uri=uri))
    best = azure.wait("parquet").tags["automl_best_child_run_id"]
    blob = azure.storage.get_blob_client("azureml", f"ExperimentRun/dcid.{best}/outputs/model.pkl")
    model = pickle.loads(blob.download_blob().readall())
    assert list(model.classes_) == [0, 1]
    frame = pd.DataFrame({"size": [9.9, 0.1]})
    assert model.predict(frame).tolist() == [1, 0]
    assert isinstance(model.predict_proba(frame), np.ndarray)  # such labels need no encoding


def test_states_go_by_in_order(azure, classification):
    azure.server.clock.factor = 1e-6
    azure.server.context.settings["pace"] = {"finalize": 90}
    path = f"{azure.ml.workspaces.get().id}/jobs/states?api-version=2024-01-01-preview"
    try:
        azure.submit(classification("states", max_trials=1, job={"compute": None}))
        seen = []

        def look():
            seen.append(azure.request("GET", path)[2]["properties"]["status"])
            azure.server.clock.advance(40)
            return seen[-1]

        wait_for(look, lambda status: status == "Completed")
    finally:
        azure.server.clock.factor = 1_000_000
        azure.server.context.settings.clear()
    order = ["NotStarted", "Queued", "Preparing", "Running", "Finalizing", "Completed"]
    assert list(dict.fromkeys(seen)) == order
