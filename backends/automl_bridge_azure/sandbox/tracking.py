"""MLflow's REST calls, as far as metrics, tags and artifacts of runs are read by them.

Source: MLflow's REST reference, version 2.0 of the API, under ``/mlflow/v1.0`` or ``/mlflow/v2.0`` and the
workspace's path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.account import ARTIFACTS
from automl_bridge_azure.sandbox.addresses import artifact_prefix
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import AzureError, ok

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer
    from automl_bridge_azure.sandbox.runs import Run

__all__ = ["ROUTES"]

STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED", "NotStarted": "SCHEDULED",
            "Queued": "SCHEDULED"}  # fmt: skip
ABSENT = "RESOURCE_DOES_NOT_EXIST"


def _find(call: Call, run_id: str | None) -> Run:
    if run_id not in call.world.runs:
        raise AzureError(ABSENT, f"Run with id={run_id} not found", 404)
    return call.world.runs[str(run_id)]


def _shown(run: Run) -> dict[str, Any]:
    def millis(moment: float | None) -> int | None:
        return None if moment is None else int(moment * 1000)

    stamp = millis(run.ended) or millis(run.started) or 0
    tags = {**run.tags, "mlflow.runName": run.display_name, "mlflow.rootRunId": run.root, "mlflow.user": "sandbox"}
    if run.parent:
        tags["mlflow.parentRunId"] = run.parent
    info = {
        "run_id": run.run_id,
        "run_uuid": run.run_id,
        "run_name": run.display_name,
        "experiment_id": run.experiment,
        "user_id": "sandbox",
        "status": STATUSES.get(run.status, "RUNNING"),
        "start_time": millis(run.started),
        "end_time": millis(run.ended),
        "artifact_uri": f"azureml://artifacts/ExperimentRun/dcid.{run.run_id}",
        "lifecycle_stage": "active",
    }
    metrics = [{"key": key, "value": value, "timestamp": stamp, "step": 0} for key, value in run.metrics.items()]
    params = [{"key": key, "value": str(value)} for key, value in run.parameters.items()]
    return {"info": info, "data": {"metrics": metrics, "params": params,
                                   "tags": [{"key": key, "value": value} for key, value in tags.items()]}}  # fmt: skip


def _get(call: Call) -> Answer:
    return ok({"run": _shown(_find(call, call.query.get("run_id") or call.query.get("run_uuid")))})


def _search(call: Call) -> Answer:
    runs, wanted = list(call.world.runs.values()), str(call.body.get("filter") or "")
    for part in filter(None, wanted.split(" and ")):
        key, _, value = part.partition("=")
        if key.strip().strip("`") not in {
            "tags.mlflow.parentRunId",
            'tags."mlflow.parentRunId"',
            "tags.`mlflow.parentRunId`",
        }:
            raise AzureError("INVALID_PARAMETER_VALUE", f"The sandbox does not search by {part}.", 400)
        runs = [run for run in runs if run.parent == value.strip().strip("'\"")]
    start, most = int(call.body.get("page_token") or 0), int(call.body.get("max_results") or 1000)
    answer: dict[str, Any] = {"runs": [_shown(run) for run in runs[start : start + most]]}
    if start + most < len(runs):
        answer["next_page_token"] = str(start + most)
    return ok(answer)


def _metric(call: Call) -> Answer:
    run, key = _find(call, call.query.get("run_id")), call.query.get("metric_key", "")
    found = [one for one in _shown(run)["data"]["metrics"] if one["key"] == key]
    return ok({"metrics": found})


def _artifacts(call: Call) -> Answer:
    run = _find(call, call.query.get("run_id"))
    base, under = f"{artifact_prefix(run.run_id)}/", call.query.get("path", "").strip("/")
    prefix = f"{base}{under}/" if under else base
    found: dict[str, dict[str, Any]] = {}
    for name, size, _tag in call.world.blobs.names(ARTIFACTS, prefix):
        first, slash, _rest = name.removeprefix(prefix).partition("/")
        path = f"{under}/{first}" if under else first
        found[path] = {"path": path, "is_dir": True} if slash else {"path": path, "is_dir": False, "file_size": size}
    return ok({"root_uri": f"azureml://artifacts/ExperimentRun/dcid.{run.run_id}", "files": list(found.values())})


def _experiment(call: Call) -> Answer:
    name = call.query.get("experiment_name") or call.query.get("experiment_id") or ""
    if all(run.experiment != name for run in call.world.runs.values()):
        raise AzureError(ABSENT, f"Experiment {name} not found", 404)
    return ok({"experiment": {"experiment_id": name, "name": name, "lifecycle_stage": "active"}})


BASE = r"/mlflow/v[12]\.0ws:/api/2\.0/(?:preview/)?mlflow"
ROUTES = [
    route("mlflow.GetRun", "GET", f"{BASE}/runs/get", _get),
    route("mlflow.SearchRuns", "POST", f"{BASE}/runs/search", _search),
    route("mlflow.GetMetricHistory", "GET", f"{BASE}/metrics/get-history", _metric),
    route("mlflow.ListArtifacts", "GET", f"{BASE}/artifacts/list", _artifacts),
    route("mlflow.GetExperiment", "GET", f"{BASE}/experiments/get(?:-by-name)?", _experiment),
]
