"""The Resource Manager's calls but those of jobs: workspace, datastores, computes, quotas, assets."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox import account
from automl_bridge_azure.sandbox.account import PREFIX, REGION, resource
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import no_content, not_found, ok, user_error
from automl_bridge_azure.sandbox.schema import check

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer
    from automl_bridge_azure.sandbox.world import World

__all__ = ["ROUTES", "checked", "later"]

COMPUTE_SECONDS = 60.0


def checked(call: Call, root: str) -> dict[str, Any]:
    """Return the body if it fits the published model; unknown names are noted, or refused where that is set."""
    body = call.body
    found = check(body, root)
    if found.unknown and call.world.setting("unknown_properties") == "refuse":
        raise user_error("Unknown properties.", *(f"{name} is not known" for name in found.unknown))
    call.world.notes += [f"{root}: {name} is not known and not looked at" for name in found.unknown]
    if found.wrong:
        raise user_error("One or more fields are invalid.", *found.wrong)
    return dict(body)


def later(world: World, seconds: float, value: Any = None) -> list[tuple[str, str]]:
    """Return the headers of an operation that goes on; what they point to answers when it is done."""
    name = uuid.uuid4().hex
    world.operations[name] = (world.clock.time() + seconds, value)
    world.clock.run_until(world.clock.time() + seconds)
    place = f"/subscriptions/{account.SUBSCRIPTION}/providers/{account.PROVIDER}/locations/{REGION}"
    return [("Location", f"{world.url}{place}/mfeOperationResults/{name}?api-version=2024-01-01-preview"),
            ("x-ms-retry-after-ms", "50")]  # fmt: skip


def _operation(call: Call) -> Answer:
    due, value = call.world.operations.get(call.names["operation"], (0.0, None))
    if call.world.clock.time() < due:
        place = call.environ["PATH_INFO"] + "?" + call.environ.get("QUERY_STRING", "")
        return no_content(202, [("Location", f"{call.world.url}{place}"), ("x-ms-retry-after-ms", "50")])
    return ok(value) if value is not None else no_content(204)


# Workspace


def _workspace(world: World) -> dict[str, Any]:
    host = world.url.removeprefix("https://")
    properties = {
        "friendlyName": account.WORKSPACE,
        "description": "automl-bridge sandbox: a local stand-in, not Azure",
        "workspaceId": account.WORKSPACE_ID,
        "discoveryUrl": f"{world.url}/discovery",
        "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{PREFIX}",
        "storageAccount": f"/subscriptions/{account.SUBSCRIPTION}/resourceGroups/{account.GROUP}/providers/"
                          f"Microsoft.Storage/storageAccounts/{account.STORAGE_ACCOUNT}",
        "keyVault": None,
        "applicationInsights": None,
        "hbiWorkspace": False,
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
        "tenantId": "adfs",
        "enableDataIsolation": False,
        "v1LegacyMode": False,
    }  # fmt: skip
    return {"id": PREFIX, "name": account.WORKSPACE, "type": f"{account.PROVIDER}/workspaces", "location": REGION,
            "kind": "Default", "sku": {"name": "Basic", "tier": "Basic"}, "tags": {"sandbox": "true"},
            "identity": {"type": "SystemAssigned", "principalId": account.WORKSPACE_ID, "tenantId": "adfs"},
            "properties": properties}  # fmt: skip


def _get_workspace(call: Call) -> Answer:
    return ok(_workspace(call.world))


def _list_workspaces(call: Call) -> Answer:
    return ok({"value": [_workspace(call.world)]})


# Datastores


def _datastore(world: World, name: str) -> dict[str, Any]:
    containers = {"workspaceblobstore": account.CONTAINER, "workspaceartifactstore": account.ARTIFACTS}
    if name.lower() not in containers:
        raise not_found("datastore", name)
    properties = {
        "datastoreType": "AzureBlob", "accountName": account.STORAGE_ACCOUNT, "containerName": containers[name.lower()],
        "endpoint": world.storage, "protocol": "https", "isDefault": name.lower() == "workspaceblobstore",
        "credentials": {"credentialsType": "AccountKey"}, "serviceDataAccessAuthIdentity": "None",
        "subscriptionId": account.SUBSCRIPTION, "resourceGroup": account.GROUP, "tags": {}, "properties": {},
        "description": None,
    }  # fmt: skip
    return resource("datastores", name, properties)


def _get_datastore(call: Call) -> Answer:
    return ok(_datastore(call.world, call.names["name"]))


def _list_datastores(call: Call) -> Answer:
    names = ["workspaceblobstore", "workspaceartifactstore"]
    wanted = call.query.get("isdefault", "").lower()
    found = [_datastore(call.world, name) for name in names]
    return ok({"value": [one for one in found if wanted != "true" or one["properties"]["isDefault"]]})


def _list_secrets(call: Call) -> Answer:
    _datastore(call.world, call.names["name"])
    return ok({"secretsType": "AccountKey", "key": account.STORAGE_KEY})


# Computes and quotas


def _list_computes(call: Call) -> Answer:
    return ok({"value": [call.world.computes.show(name) for name in call.world.computes.bodies]})


def _get_compute(call: Call) -> Answer:
    return ok(call.world.computes.show(call.names["name"]))


def _put_compute(call: Call) -> Answer:
    body = checked(call, "ComputeResource")
    new = call.names["name"] not in call.world.computes.bodies
    shown = call.world.computes.create(call.names["name"], body)
    return ok(shown, 201 if new else 200)


def _delete_compute(call: Call) -> Answer:
    call.world.computes.body(call.names["name"])
    call.world.computes.delete(call.names["name"])
    return no_content(202, later(call.world, COMPUTE_SECONDS))


def _usages(call: Call) -> Answer:
    return ok({"value": call.world.computes.usages()})


def _quotas(call: Call) -> Answer:
    return ok({"value": call.world.computes.quotas()})


def _sizes(call: Call) -> Answer:
    return ok({"value": call.world.computes.sizes()})


def _no_such_compute_node(call: Call) -> Answer:
    call.world.computes.body(call.names["name"])
    return ok({"nodes": []})


def _permissions(_call: Call) -> Answer:
    """Answer what the caller may do: everything."""
    may = {"actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": []}
    return ok({"value": [may]})


def _subscriptions(_call: Call) -> Answer:
    about = {"subscriptionId": account.SUBSCRIPTION, "displayName": "automl-bridge sandbox", "state": "Enabled"}
    return ok({"value": [{"id": f"/subscriptions/{account.SUBSCRIPTION}", **about}]})


def _group(call: Call) -> Answer:
    place = f"/subscriptions/{account.SUBSCRIPTION}/resourceGroups/{account.GROUP}"
    about = {"id": place, "name": account.GROUP, "type": "Microsoft.Resources/resourceGroups", "location": REGION}
    return ok({**about, "properties": {"provisioningState": "Succeeded"}, "tags": {"sandbox": call.world.url}})


ROUTES = [
    route("permissions.List", "GET", "ws:/providers/Microsoft.Authorization/permissions", _permissions),
    route("subscriptions.List", "GET", "/subscriptions", _subscriptions),
    route("groups.Get", "GET", "/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)", _group),
    route("workspaces.Get", "GET", "ws:", _get_workspace),
    route("workspaces.List", "GET", r"/subscriptions/[^/]+(?:/resourceGroups/[^/]+)?/providers/Microsoft\."
          "MachineLearningServices/workspaces", _list_workspaces),
    route("datastores.List", "GET", "ws:/datastores", _list_datastores),
    route("datastores.Get", "GET", "ws:/datastores/{name}", _get_datastore),
    route("datastores.ListSecrets", "POST", "ws:/datastores/{name}/listSecrets", _list_secrets),
    route("computes.List", "GET", "ws:/computes", _list_computes),
    route("computes.Get", "GET", "ws:/computes/{name}", _get_compute),
    route("computes.CreateOrUpdate", "PUT", "ws:/computes/{name}", _put_compute),
    route("computes.Delete", "DELETE", "ws:/computes/{name}", _delete_compute),
    route("computes.ListNodes", "POST", "ws:/computes/{name}/listNodes", _no_such_compute_node),
    route("usages.List", "GET", "loc:/usages", _usages),
    route("quotas.List", "GET", "loc:/quotas", _quotas),
    route("sizes.List", "GET", "loc:/vmSizes", _sizes),
    route("operations.Get", "GET", "loc:/mfeOperationResults/{operation}", _operation),
]  # fmt: skip
