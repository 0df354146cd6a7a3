"""Data in the workspace's datastore: written once, as MLTable folders; never the holdout."""

from __future__ import annotations

import io
import json

import pyarrow.parquet as pq
import pytest
from az_service import WORKSPACE_ID
from az_world import dataset, images, make_backend, model_ref, predict_spec, series, texts, train_spec

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import ConfigError, RejectedError
from automl_bridge.runs.holdout import holdout_dataset


def stage(backend, built, task, **changes):
    plan = backend.plan(train_spec(built, task=task, **changes))
    return plan, backend.stage(plan, built)


def files(service, part: str) -> dict[str, bytes]:
    return {name.rpartition("/")[2]: body for name, body in service.blobs.items() if f"/{part}/" in name}


def test_a_table_is_a_folder_of_parquet_with_its_mltable(service, backend):
    task, built = dataset()
    plan, staged = stage(backend, built, task)
    assert staged.uris["train"] == plan.request["body"]["properties"]["taskDetails"]["trainingData"]["uri"]
    assert set(staged.uris) == {"train", "validation"}
    held = files(service, "train")
    assert set(held) == {"MLTable", "part-00000.parquet"}
    assert b"file: ./part-00000.parquet" in held["MLTable"]
    assert b"read_parquet" in held["MLTable"]
    rows = pq.read_table(io.BytesIO(held["part-00000.parquet"]))
    assert rows.num_rows == built.profile.rows["train"]
    assert set(rows["target"].to_pylist()) == {"c0", "c1"}
    sent = sum(pq.read_table(io.BytesIO(body)).num_rows for name, body in service.blobs.items() if "parquet" in name)
    assert sent == built.profile.rows["train"] + built.profile.rows["validation"]


def test_the_second_staging_sends_nothing(service, backend, tmp_path):
    task, built = dataset()
    stage(backend, built, task)
    held = dict(service.blobs)
    _, again = stage(make_backend(tmp_path), built, task, name="ab-another")
    assert again.bytes_sent == 0
    assert service.blobs == held


def test_a_break_sends_only_what_is_missing(service, backend):
    task, built = dataset()
    service.fail = lambda method, path: (
        (403, {"error": {}}) if method == "PUT" and path.endswith("validation/MLTable") else None
    )
    with pytest.raises(RejectedError):
        stage(backend, built, task)
    service.fail = lambda *_: None
    before = set(service.blobs)
    service.calls.clear()
    stage(backend, built, task)
    written = {path.removeprefix("/c/") for method, path, _ in service.calls if method == "PUT"}
    assert written == set(service.blobs) - before


def test_csv_where_it_is_asked_for(service, tmp_path):
    task, built = dataset()
    stage(make_backend(tmp_path, data_format="csv"), built, task)
    held = files(service, "train")
    assert b"read_delimited" in held["MLTable"]
    assert held["part-00000.csv"].count(b"\n") == built.profile.rows["train"] + 1


def test_texts_are_csv(service, backend):
    task, built = texts()
    stage(backend, built, task, metric="accuracy")
    held = files(service, "train")
    assert b"encoding: utf8" in held["MLTable"]
    assert held["part-00000.csv"].splitlines()[0].replace(b'"', b"") == b"said,target"


def test_pictures_are_files_that_annotations_name(service, backend):
    task, built = images()
    stage(backend, built, task, metric="accuracy")
    held = files(service, "train")
    lines = [json.loads(line) for line in held["annotations.jsonl"].splitlines()]
    assert len(lines) == built.profile.rows["train"]
    assert {line["label"] for line in lines} == {"c0", "c1"}
    short = WORKSPACE_ID.replace("resourceGroups", "resourcegroups").replace(
        "providers/Microsoft.MachineLearningServices/", ""
    )
    for line in lines:
        assert line["image_url"].startswith(f"azureml:/{short}/datastores/workspaceblobstore/paths/automl-bridge/")
        path = line["image_url"].partition("/paths/")[2]
        assert service.blobs[path].startswith(b"\x89PNG")
    assert b"convert_column_types" in held["MLTable"]
    assert b"stream_info" in held["MLTable"]


def test_series_keep_their_types_and_no_name_is_a_forecasters_own(service, backend):
    task, built = series()
    stage(backend, built, task, metric="mase", forecast=built.forecast)
    rows = pq.read_table(io.BytesIO(files(service, "train")["part-00000.parquet"]))
    assert set(rows.column_names) == {"day", "store", "c_trend", "price", "sales"}
    assert str(rows.schema.field("day").type).startswith("timestamp[us]")
    assert set(rows["store"].to_pylist()) == {"v:00", "v:01", "v:02"}


def test_a_forecast_is_asked_with_its_context_and_without_what_is_not_known(service, backend):
    task, built = series()
    spec = train_spec(built, task=task, metric="mase", forecast=built.forecast)
    new = holdout_dataset(built)
    changes = {"kind": "predict", "name": "ab-h", "profile": new.profile, "model": model_ref(), "budget": Budget()}
    asked = spec.model_copy(update=changes)
    plan = backend.plan(asked)
    staged = backend.stage(plan, new)
    assert set(staged.uris) == {"context", "predict", "code"}
    rows = pq.read_table(io.BytesIO(files(service, "predict")["part-00000.parquet"]))
    assert set(rows.column_names) == {"day", "store", "price"}
    context = pq.read_table(io.BytesIO(files(service, "context")["part-00000.parquet"]))
    assert "sales" in context.column_names
    job = json.loads(files(service, "code")["job.json"])
    assert job["columns"] == ["point", "q0.1", "q0.5", "q0.9"]
    assert (job["time"], job["series"], job["target"]) == ("day", ["store"], "sales")


def test_rows_to_predict_lie_in_the_jobs_own_folder(service, backend):
    _, built = dataset()
    new = build_predict_dataset(built.parts["holdout"], built.profile)
    plan = backend.plan(predict_spec(built))
    staged = backend.stage(plan, new)
    assert all("/jobs/ab-0123456789ab-h/" in uri for uri in staged.uris.values())
    rows = pq.read_table(io.BytesIO(files(service, "predict")["part-00000.parquet"]))
    assert "target" not in rows.column_names
    assert files(service, "code")["predict.py"].startswith(b'"""Predicts rows')


def test_a_workspace_elsewhere_than_planned_is_refused_before_anything_is_sent(service, backend, tmp_path):
    service.location = "westeurope"
    task, built = dataset()
    with pytest.raises(ConfigError, match=r"prices of eastus, and the workspace is in westeurope"):
        stage(backend, built, task, budget=Budget(max_cost_usd=5))
    with pytest.raises(ConfigError, match=r"is in westeurope, and the setting region says eastus"):
        stage(make_backend(tmp_path, region="eastus"), built, task)
    assert not service.blobs
    stage(make_backend(tmp_path, region="westeurope"), built, task, budget=Budget(max_cost_usd=5))
    assert service.blobs


def test_a_cluster_that_is_not_what_was_priced_is_refused(service, tmp_path):
    task, built = dataset()
    backend = make_backend(tmp_path, compute="cpu")
    with pytest.raises(ConfigError, match="no compute cpu"):
        stage(backend, built, task)
    service.computes["cpu"] = {
        "name": "cpu", "location": "eastus", "id": f"{WORKSPACE_ID}/computes/cpu",
        "properties": {"computeType": "AmlCompute", "provisioningState": "Succeeded", "properties": {
            "vmSize": "STANDARD_D4S_V3", "vmPriority": "Dedicated",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT120S"}}},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"planned for Standard_DS3_v2, and the compute cpu has"):
        stage(backend, built, task, budget=Budget(max_cost_usd=5))
    stage(make_backend(tmp_path, compute="cpu", instance_type="Standard_D4s_v3"), built, task,
          budget=Budget(max_cost_usd=5))  # fmt: skip


def test_missing_settings_and_another_split_are_told(service, tmp_path):
    from automl_bridge_azure import AzureBackend
    from automl_bridge_azure.settings import AzureSettings

    task, built = dataset()
    bare = AzureBackend(AzureSettings(), tmp_path)
    with pytest.raises(ConfigError, match="needs subscription_id and resource_group and workspace"):
        stage(bare, built, task)
    backend = make_backend(tmp_path)
    stage(backend, built, task)
    _, other = dataset(seed=1)
    other_spec = train_spec(built, task=task)
    with pytest.raises(RejectedError, match="another split"):
        backend.stage(backend.plan(other_spec), other)
