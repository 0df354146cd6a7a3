"""What was left, how it goes, what it is on this machine; and the role that all of it takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from az_runs import finished_job
from az_service import WORKSPACE_ID
from az_world import dataset, model_ref, predict_spec, train_spec

import automl_bridge_azure
from automl_bridge.backend import Resource, Staged
from automl_bridge.costs.cost import cost_of
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import BundleError, ConfigError, StorageError, UnsupportedError
from automl_bridge_azure.artefacts import below
from automl_bridge_azure.layout import artifacts_of, place_of
from automl_bridge_azure.rates import prices

FOLDER = Path(automl_bridge_azure.__file__).parent
NOTHING = Staged(uris={})


def test_everything_that_was_made_is_listed_and_goes(service, backend):
    task, built = dataset()
    plan = backend.plan(train_spec(built, task=task))
    ref = backend.submit(plan, backend.stage(plan, built))
    new = build_predict_dataset(built.parts["holdout"], built.profile)
    asked = backend.plan(predict_spec(built))
    backend.submit(asked, backend.stage(asked, new))
    found = {(one.kind, one.name): one for one in backend.resources()}
    assert {kind for kind, _ in found} == {"AutoML job", "command job", "staged data", "job files"}
    planned = {(one.kind, one.name) for one in (*plan.resources, *asked.resources)}
    assert set(found) == planned
    job = found["AutoML job", ref.name]
    assert job.usage_per_day.items[0].quantity == 24
    assert job.run == ref.name
    for one in found.values():
        backend.delete(one)
        backend.delete(one)
    assert list(backend.resources()) == []
    assert not service.blobs
    assert all(one["properties"]["status"] == "Canceled" for one in service.jobs.values())


def test_what_is_not_ours_is_left_alone(service, backend, binary):
    ref = backend.submit(backend.plan(train_spec(binary)), NOTHING)
    held = service.jobs.pop(ref.name)
    held["properties"]["tags"] = {"team": "x"}
    service.jobs["theirs"] = {**held, "name": "theirs"}
    service.blobs["automl-bridge/notes.txt"] = b"theirs"
    service.blobs["other/data/x/part"] = b"theirs"
    service.computes["cpu"] = {
        "name": "cpu", "location": "eastus", "id": f"{WORKSPACE_ID}/computes/cpu", "tags": {},
        "properties": {"computeType": "AmlCompute", "provisioningState": "Succeeded", "properties": {
            "vmSize": "Standard_DS3_v2", "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 2}}},
    }  # fmt: skip
    assert list(backend.resources()) == []
    service.computes["cpu"]["tags"] = {"automl-bridge-run": "ab-old"}
    (compute,) = backend.resources()
    assert (compute.kind, compute.run, compute.usage_per_day.items[0].quantity) == ("compute", "ab-old", 24)


def test_an_endpoint_left_up_is_listed_with_what_it_costs_and_goes_by_one_call(service, backend):
    """This adapter makes none; one that carries its tag bills all the same."""
    base = f"{WORKSPACE_ID}/onlineEndpoints/ab-old"
    service.endpoints = {
        name: {"id": f"{WORKSPACE_ID}/onlineEndpoints/{name}", "name": name, "location": "eastus", "tags": tags,
               "properties": {"authMode": "Key", "provisioningState": "Succeeded"}}
        for name, tags in (("ab-old", {"automl-bridge-run": "ab-old"}), ("theirs", {}))
    }  # fmt: skip
    service.deployments = [
        {"id": f"{base}/deployments/blue", "name": "blue", "location": "eastus", "tags": {},
         "sku": {"name": "Default", "capacity": 2},
         "properties": {"endpointComputeType": "Managed", "instanceType": "Standard_DS3_v2",
                        "provisioningState": "Succeeded"}}
    ]  # fmt: skip
    (endpoint,) = backend.resources()
    assert (endpoint.kind, endpoint.name, endpoint.run) == ("endpoint", "ab-old", "ab-old")
    (item,) = endpoint.usage_per_day.items
    assert (item.sku, item.quantity) == ("Standard_DS3_v2", 48)
    assert cost_of(endpoint.usage_per_day, prices()).usd == pytest.approx(48 * 0.293)
    backend.delete(endpoint)
    assert list(service.endpoints) == ["theirs"]
    assert list(backend.resources()) == []


def test_only_folders_of_jobs_and_data_can_be_deleted(service, backend):
    service.blobs["automl-bridge/data/x/part"] = b""
    for uri in ("azureml://datastores/workspaceblobstore/paths/", "azureml://datastores/workspaceblobstore/paths/a/"):
        with pytest.raises(ConfigError, match="no folder of one job"):
            backend.delete(Resource(backend="azure", kind="staged data", name=uri))
    with pytest.raises(UnsupportedError):
        backend.delete(Resource(backend="azure", kind="moon", name="x"))
    with pytest.raises(ConfigError, match="no address in a datastore"):
        place_of("s3://bucket/key")
    assert service.blobs


def test_a_model_is_downloaded_whole(service, backend, binary, tmp_path):
    ref = backend.submit(backend.plan(train_spec(binary)), NOTHING)
    finished_job(service, ref.name)
    folder = artifacts_of(f"{ref.name}_2").key + "outputs/mlflow-model/"
    service.blobs |= {
        f"{folder}MLmodel": b"flavors: {}", f"{folder}data/x/model.pkl": b"x" * 100, f"{folder}conda.yaml": b"a: b",
        artifacts_of(f"{ref.name}_2").key + "outputs/other.txt": b"",
    }  # fmt: skip
    model = backend.collect(ref).model
    out = backend.export(model, tmp_path / "out")
    assert {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()} == {
        "model.json", "mlflow-model/MLmodel", "mlflow-model/conda.yaml", "mlflow-model/data/x/model.pkl",
    }  # fmt: skip
    assert json.loads((out / "model.json").read_text("utf-8"))["run"] == f"{ref.name}_2"
    with pytest.raises(StorageError, match="there already"):
        backend.export(model, out)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "C:/x", "a\\..\\..\\x", "x/", "", "a\x00b"])
def test_no_name_leads_out_of_the_folder(service, backend, tmp_path, name):
    with pytest.raises(BundleError, match="outside the folder"):
        below(tmp_path, name)
    if "\x00" in name or not name:
        return
    service.blobs[artifacts_of("ab-0123456789ab_2").key + "outputs/mlflow-model/" + name] = b"x"
    with pytest.raises(BundleError):
        backend.export(model_ref(), tmp_path / "out")
    assert not list(tmp_path.rglob("*"))


def test_a_model_that_is_gone_is_told(service, backend, tmp_path):
    with pytest.raises(BundleError, match="no model in"):
        backend.export(model_ref(), tmp_path / "out")
    assert not service.blobs


# What each call of the SDK asks for: the operations of Microsoft.MachineLearningServices (resource provider's list).
ML = "Microsoft.MachineLearningServices/workspaces"
CALLS = {
    "workspaces.get": {f"{ML}/read"},
    "datastores.get": {f"{ML}/datastores/read"},
    "jobs.create_or_update": {f"{ML}/jobs/write", f"{ML}/experiments/runs/submit/action"},
    "jobs.begin_cancel": {f"{ML}/jobs/cancel/action"},
    "compute.get": {f"{ML}/computes/read"},
    "compute.list": {f"{ML}/computes/read"},
    # Only for what somebody else made under our tag: not granted.
    "compute.begin_delete": set(),
    "online_endpoints.begin_delete": set(),
}


def test_the_role_grants_every_call_and_no_wildcard():
    role = json.loads((FOLDER / "role.json").read_text("utf-8"))
    source = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("*.py") if path.name != "live.py")
    called = set(re.findall(r"\bml\.([a-z]\w+\.[a-z]\w+)\(", source.replace("begin_delete", "begin_delete(")))
    assert called == set(CALLS)
    assert set().union(*CALLS.values()) <= set(role["Actions"])
    assert not any("*" in action for action in (*role["Actions"], *role["DataActions"]))
    assert not any("listSecrets" in action for action in role["Actions"])
    blobs = {action.rpartition("blobs/")[2] for action in role["DataActions"]}
    assert blobs == {"read", "write", "add/action", "delete"}


def test_without_the_right_to_see_secrets_blobs_are_the_callers_own(service, backend):
    service.fail = lambda _, path: (403, {"error": {"code": "x"}}) if path.endswith("/listSecrets") else None
    task, built = dataset()
    plan = backend.plan(train_spec(built, task=task))
    backend.stage(plan, built)
    assert service.blobs
