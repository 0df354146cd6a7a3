"""Batch endpoints and their deployments, as far as they are made, listed and removed; nothing is scored by them.

There are no online endpoints, and never will be: lists of them are empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.account import REGION, resource
from automl_bridge_azure.sandbox.arm import checked, later
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import no_content, not_found, ok, user_error

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["ROUTES"]

# 3 to 32 letters and digits, single dashes, a letter first (learn, how-to-manage-quotas).
NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
DELETE_SECONDS = 30.0


def _checked_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise user_error(f"The name '{name}' is to be 3 to 32 letters, digits and single dashes, a letter first.")


def _endpoint(call: Call, name: str) -> dict[str, Any]:
    body = call.world.endpoints.get(name)
    if body is None:
        raise not_found("batch endpoint", name)
    scoring = f"{call.world.url}/batch/{name}/jobs"
    properties = {**body["properties"], "provisioningState": "Succeeded", "scoringUri": scoring, "swaggerUri": None}
    return resource("batchEndpoints", name, properties, location=REGION, tags=body.get("tags") or {}, identity=None)


def _deployments(call: Call) -> dict[str, Any]:
    name = call.names["endpoint"]
    _endpoint(call, name)
    found: dict[str, Any] = call.world.endpoints[name]["deployments"]
    return found


def _deployment(call: Call, name: str) -> dict[str, Any]:
    body = _deployments(call).get(name)
    if body is None:
        raise not_found("batch deployment", name)
    properties = {**body["properties"], "provisioningState": "Succeeded"}
    kind = f"batchEndpoints/{call.names['endpoint']}/deployments"
    return resource(kind, name, properties, location=REGION, tags=body.get("tags") or {}, identity=None)


def _list(call: Call) -> Answer:
    return ok({"value": [_endpoint(call, name) for name in call.world.endpoints]})


def _get(call: Call) -> Answer:
    return ok(_endpoint(call, call.names["endpoint"]))


def _put(call: Call) -> Answer:
    name, body = call.names["endpoint"], checked(call, "BatchEndpoint")
    _checked_name(name)
    old = call.world.endpoints.get(name)
    call.world.endpoints[name] = {**body, "deployments": {} if old is None else old["deployments"]}
    return ok(_endpoint(call, name), 201 if old is None else 200)


def _delete(call: Call) -> Answer:
    if call.world.endpoints.pop(call.names["endpoint"], None) is None:
        return no_content(204)
    return no_content(202, later(call.world, DELETE_SECONDS))


def _list_deployments(call: Call) -> Answer:
    return ok({"value": [_deployment(call, name) for name in _deployments(call)]})


def _get_deployment(call: Call) -> Answer:
    return ok(_deployment(call, call.names["name"]))


def _put_deployment(call: Call) -> Answer:
    name, body = call.names["name"], checked(call, "BatchDeployment")
    _checked_name(name)
    compute = str(body["properties"].get("compute") or "").rpartition("/")[2]
    if compute:
        call.world.computes.body(compute)
    deployments = _deployments(call)
    new = name not in deployments
    deployments[name] = body
    return ok(_deployment(call, name), 201 if new else 200)


def _delete_deployment(call: Call) -> Answer:
    if _deployments(call).pop(call.names["name"], None) is None:
        return no_content(204)
    return no_content(202, later(call.world, DELETE_SECONDS))


def _none(_call: Call) -> Answer:
    return ok({"value": []})


ENDPOINT = "ws:/batchEndpoints/{endpoint}"
ROUTES = [
    route("batchEndpoints.List", "GET", "ws:/batchEndpoints", _list),
    route("batchEndpoints.Get", "GET", ENDPOINT, _get),
    route("batchEndpoints.CreateOrUpdate", "PUT", ENDPOINT, _put),
    route("batchEndpoints.Delete", "DELETE", ENDPOINT, _delete),
    route("batchDeployments.List", "GET", f"{ENDPOINT}/deployments", _list_deployments),
    route("batchDeployments.Get", "GET", f"{ENDPOINT}/deployments/{{name}}", _get_deployment),
    route("batchDeployments.CreateOrUpdate", "PUT", f"{ENDPOINT}/deployments/{{name}}", _put_deployment),
    route("batchDeployments.Delete", "DELETE", f"{ENDPOINT}/deployments/{{name}}", _delete_deployment),
    route("onlineEndpoints.List", "GET", "ws:/onlineEndpoints", _none),
]
