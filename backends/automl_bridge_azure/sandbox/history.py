"""Run history, artifacts, and the addresses of outputs: the data plane."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from automl_bridge_azure.sandbox import account
from automl_bridge_azure.sandbox.addresses import artifact_prefix
from automl_bridge_azure.sandbox.blobs.auth import container_sas
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import AzureError, ok

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer
    from automl_bridge_azure.sandbox.runs import Run

__all__ = ["ROUTES", "contents"]


def _run(call: Call) -> Run:
    return call.world.run(call.names["run"])


def _now(call: Call) -> float:
    return call.world.clock.time()


def _get(call: Call) -> Answer:
    return ok(_run(call).to_json(_now(call)))


def _details(call: Call) -> Answer:
    run = _run(call)
    logs = {path: _signed(call, run, path) for path in _paths(call, run, "") if "logs/" in path}
    return ok(run.details(_now(call), logs))


def _children(call: Call) -> Answer:
    run, world = _run(call), call.world
    names = world.children.get(run.run_id, [])
    skip = int(call.query.get("continuationtoken") or 0)
    size = call.number("top") or int(world.setting("child_page"))
    page = names[skip : skip + size]
    answer: dict[str, Any] = {"value": [world.runs[name].to_json(_now(call)) for name in page],
                              "continuationToken": None, "nextLink": None}  # fmt: skip
    if skip + size < len(names):
        answer["continuationToken"] = str(skip + size)
        answer["nextLink"] = (
            f"{world.url}{quote(call.environ['PATH_INFO'])}?$top={size}&$continuationtoken={skip + size}"
        )
    return ok(answer)


def _patch(call: Call) -> Answer:
    run, body = _run(call), call.body
    run.tags |= {key: str(value) for key, value in (body.get("tags") or {}).items()}
    run.properties |= body.get("properties") or {}
    run.display_name = body.get("displayName") or run.display_name
    run.description = body.get("description") or run.description
    if body.get("hidden") is not None:
        run.hidden = bool(body["hidden"])
    return ok(run.to_json(_now(call)))


def _run_data(call: Call) -> Answer:
    run = call.world.run(str(call.body.get("runId")))
    shown = run.to_json(_now(call))
    shown["outputs"] = {
        name: {"assetId": about["assetId"], "type": _asset_type(about)} for name, about in run.outputs.items()
    }
    return ok({"runMetadata": shown, "runDefinition": None, "jobSpecification": None, "systemSettings": None})


def _asset_type(about: dict[str, Any]) -> str:
    names = {"mlflow_model": "MLFlowModel", "custom_model": "CustomModel"}
    kind = str(about.get("jobOutputType", "uri_folder"))
    return names.get(kind, kind)


def _query(call: Call) -> Answer:
    """Answer runs by a filter: what is joined by ``or``, of what is joined by ``and``; brackets are not looked at."""
    wanted = str(call.body.get("filter") or "").replace("(", "").replace(")", "")
    choices = [[_condition(part) for part in choice.split(" and ")] for choice in wanted.split(" or ") if choice]
    runs = [
        run
        for run in call.world.runs.values()
        if not choices or any(all(getattr(run, name) == value for name, value in choice) for choice in choices)
    ]
    skip, size = int(call.body.get("continuationToken") or 0), int(call.body.get("top") or len(runs) or 1)
    token = str(skip + size) if skip + size < len(runs) else None
    page = [run.to_json(_now(call)) for run in runs[skip : skip + size]]
    return ok({"value": page, "continuationToken": token, "nextLink": None})


def _condition(part: str) -> tuple[str, str]:
    field, _, value = part.strip().partition(" eq ")
    names = {"RunId": "run_id", "ParentRunId": "parent", "RootRunId": "root", "Status": "status"}
    if field not in names:
        raise AzureError("UserError", f"The sandbox does not filter by {part}.", 400)
    return names[field], value.strip("'\"")


# Artifacts


def _paths(call: Call, run: Run, under: str) -> list[str]:
    prefix = f"{artifact_prefix(run.run_id)}/"
    names = call.world.blobs.names(account.ARTIFACTS, prefix + under)
    return [name.removeprefix(prefix) for name, _size, _tag in names]


def _signed(call: Call, run: Run, path: str) -> str:
    base = f"https://{account.STORAGE_ACCOUNT}.blob.{call.world.storage}/{account.ARTIFACTS}"
    until = datetime.now(UTC) + timedelta(hours=1)
    sas = container_sas(account.STORAGE_ACCOUNT, account.STORAGE_KEY, account.ARTIFACTS, until)
    return f"{base}/{quote(artifact_prefix(run.run_id))}/{quote(path)}?{sas}"


def _artifact(run: Run, path: str) -> dict[str, Any]:
    return {"artifactId": f"ExperimentRun/dcid.{run.run_id}/{path}", "origin": "ExperimentRun",
            "container": f"dcid.{run.run_id}", "path": path, "etag": None, "createdTime": None, "dataPath": None,
            "tags": {}}  # fmt: skip


def _artifacts(call: Call) -> Answer:
    run = _run(call)
    under = call.query.get("path", "").rstrip("/")
    paths = [path for path in _paths(call, run, under) if not under or path == under or path.startswith(f"{under}/")]
    return ok({"value": [_artifact(run, path) for path in paths], "continuationToken": None, "nextLink": None})


def _content(call: Call) -> Answer:
    run, path = _run(call), call.query.get("path", "")
    if path not in _paths(call, run, path):
        raise AzureError("UserError", f"The artifact {path} does not exist.", 404)
    return ok({**_artifact(run, path), "contentUri": _signed(call, run, path)})


def _contents(call: Call) -> Answer:
    run, under = _run(call), call.query.get("path", "")
    return ok({"value": contents(call, run, under), "continuationToken": None, "nextLink": None})


def contents(call: Call, run: Run, under: str) -> list[dict[str, Any]]:
    """Return the artifacts under a path with an address each to read it."""
    return [{**_artifact(run, path), "contentUri": _signed(call, run, path)} for path in _paths(call, run, under)]


# Addresses of outputs


def _dataset_uris(call: Call) -> Answer:
    return ok({"values": {asset: {"uri": uri, "type": "uri_folder"} for asset, uri in _outputs(call)}})


def _model_uris(call: Call) -> Answer:
    return ok({"values": {asset: {"path": uri, "type": "MLFlowModel"} for asset, uri in _outputs(call)}})


def _outputs(call: Call) -> list[tuple[str, str]]:
    wanted = set(call.body.get("values") or [])
    known = [about for run in call.world.runs.values() for about in run.outputs.values()]
    return [(about["assetId"], _long(about["uri"])) for about in known if about["assetId"] in wanted]


def _long(uri: str) -> str:
    """Spell an address in full."""
    base = (
        f"azureml://subscriptions/{account.SUBSCRIPTION}/resourcegroups/{account.GROUP}/workspaces/{account.WORKSPACE}"
    )
    return uri.replace("azureml://datastores", f"{base}/datastores", 1)


ANY = r"(?:/experiments/[^/]+|/experimentids/[^/]+)?"
RUNS = f"/history/v1.0ws:{ANY}/runs/{{run}}"
ROUTES = [
    route("history.GetRun", "GET", RUNS, _get),
    route("history.PatchRun", "PATCH", RUNS, _patch),
    route("history.GetDetails", "GET", f"{RUNS}/details", _details),
    route("history.GetChildren", "GET", f"{RUNS}/children", _children),
    route("history.GetRunData", "POST", "/history/v1.0ws:/rundata", _run_data),
    route("history.QueryRuns", "POST", f"/history/v1.0ws:{ANY}/runs:query", _query),
    route("artifacts.List", "GET", f"{RUNS}/artifacts(?:/path)?", _artifacts),
    route("artifacts.GetContent", "GET", f"{RUNS}/artifacts/contentinfo", _content),
    route("artifacts.ListContents", "GET", f"{RUNS}/artifacts/prefix/contentinfo", _contents),
    route("outputs.GetDatasetUris", "POST", "/data/v1.0ws:/dataversion/batchGetResolvedUris", _dataset_uris),
    route("outputs.GetModelUris", "POST", "/modelregistry/v1.0ws:/models/batchGetResolvedUris", _model_uris),
]
