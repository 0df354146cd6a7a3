"""The Resource Manager's calls but those of jobs: workspace, datastores, computes, quotas, assets."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox import account
from automl_bridge_azure.sandbox.account import PREFIX, REGION, resource
from automl_bridge_azure.sandbox.blobs.auth import container_sas
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import no_content, not_found, ok, user_error
from automl_bridge_azure.sandbox.runs import moment
from automl_bridge_azure.sandbox.schema import check

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer
    from automl_bridge_azure.sandbox.world import World

__all__ = ["ROUTES", "checked", "later"]

ASSETS = {"codes": "CodeVersion", "data": "DataVersionBase", "environments": "EnvironmentVersion",
          "models": "ModelVersion"}  # fmt: skip
URIS = ("codeUri", "dataUri", "modelUri")
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


# Assets


def _versions(call: Call) -> dict[str, dict[str, Any]]:
    return call.world.assets.setdefault((call.names["kind"].lower(), call.names["name"]), {})


def _asset(call: Call, version: str, body: dict[str, Any], named: str | None = None) -> dict[str, Any]:
    kind, name = call.names["kind"].lower(), named or call.names["name"]
    created = {"createdAt": moment(body["created"]), "createdBy": "sandbox", "createdByType": "User",
               "lastModifiedAt": moment(body["created"])}  # fmt: skip
    return resource(f"{kind}/{name}/versions", version, body["properties"], systemData=created)


def _get_version(call: Call) -> Answer:
    found = _versions(call).get(call.names["version"])
    if found is None and call.names["kind"].lower() == "environments" and call.names["name"].startswith("AzureML-"):
        about = {"image": "mcr.microsoft.com/azureml/curated:sandbox", "osType": "Linux", "environmentType": "Curated",
                 "isAnonymous": False, "isArchived": False}  # fmt: skip
        found = {"properties": about, "created": call.world.clock.time()}
    if found is None:
        raise not_found(call.names["kind"], f"{call.names['name']}:{call.names['version']}")
    return ok(_asset(call, call.names["version"], found))


def _put_version(call: Call) -> Answer:
    body = checked(call, ASSETS[call.names["kind"].lower()])
    versions, version = _versions(call), call.names["version"]
    old = versions.get(version)
    properties = {"isAnonymous": False, "isArchived": False, "tags": {}, "properties": {}, **body["properties"]}
    if call.names["kind"].lower() == "environments":
        properties.setdefault("environmentType", "UserCreated")
    if call.names["kind"].lower() == "models":
        properties.setdefault("flavors", {})
    if old is not None and any(old["properties"].get(key) != properties.get(key) for key in URIS):
        raise user_error(
            "A asset with this name and version already exists. The asset's uri cannot be changed. Only tags, "
            "description, and isArchived can be updated.", status=409,
        )  # fmt: skip
    versions[version] = {
        "properties": properties,
        "created": call.world.clock.time() if old is None else old["created"],
    }
    return ok(_asset(call, version, versions[version]), 201 if old is None else 200)


def _delete_version(call: Call) -> Answer:
    if _versions(call).pop(call.names["version"], None) is None:
        return no_content(204)
    return no_content(200)


def _list_versions(call: Call) -> Answer:
    wanted, kind = call.query.get("hash"), call.names["kind"].lower()
    # By its content an asset is found whatever its name: the SDK makes a new one up for code without a name.
    places = [(call.names["name"], _versions(call))] if not wanted else [
        (name, versions) for (found, name), versions in call.world.assets.items() if found == kind
    ]  # fmt: skip
    listed = [(name, version, body) for name, versions in places for version, body in versions.items()]
    listed.sort(key=lambda one: -one[2]["created"])
    if wanted:
        listed = [one for one in listed if (one[2]["properties"].get("properties") or {}).get("hash_sha256") == wanted]
    top = call.number("top")
    return ok({"value": [_asset(call, version, body, name) for name, version, body in listed[:top]]})


def _container(call: Call, kind: str, name: str) -> dict[str, Any]:
    versions = call.world.assets.get((kind, name), {})
    numbers = [int(version) for version in versions if version.isdigit()]
    latest = next(iter(sorted(versions, key=lambda version: -versions[version]["created"])), None)
    properties: dict[str, Any] = {"latestVersion": latest, "nextVersion": str(max(numbers, default=0) + 1),
                                  "isArchived": False, "tags": {}, "properties": {}, "description": None}  # fmt: skip
    if kind == "data":
        properties["dataType"] = next((v["properties"].get("dataType") for v in versions.values()), "uri_folder")
    return resource(kind, name, properties)


def _get_container(call: Call) -> Answer:
    kind, name = call.names["kind"].lower(), call.names["name"]
    if not call.world.assets.get((kind, name)):
        raise not_found(kind, name)
    return ok(_container(call, kind, name))


def _list_containers(call: Call) -> Answer:
    kind = call.names["kind"].lower()
    names = sorted(name for found, name in call.world.assets if found == kind and call.world.assets[found, name])
    return ok({"value": [_container(call, kind, name) for name in names]})


def _pending_upload(call: Call) -> Answer:
    """Lend a container of its own to upload a code asset to."""
    world, container = call.world, uuid.uuid4().hex[:12] + "-" + account.WORKSPACE_ID[:8]
    world.blobs.create(container)
    address = f"https://{account.STORAGE_ACCOUNT}.blob.{world.storage}/{container}"
    sas = container_sas(account.STORAGE_ACCOUNT, account.STORAGE_KEY, container, datetime.now(UTC) + timedelta(days=1))
    store = f"/subscriptions/{account.SUBSCRIPTION}/resourceGroups/{account.GROUP}/providers/Microsoft.Storage"
    reference = {"blobUri": address, "storageAccountArmId": f"{store}/storageAccounts/{account.STORAGE_ACCOUNT}",
                 "credential": {"credentialType": "SAS", "sasUri": f"{address}?{sas}"}}  # fmt: skip
    return ok({"pendingUploadId": uuid.uuid4().hex, "pendingUploadType": "TemporaryBlobReference",
               "blobReferenceForConsumption": reference})  # fmt: skip


def _no_such_compute_node(call: Call) -> Answer:
    call.world.computes.body(call.names["name"])
    return ok({"nodes": []})


KIND = r"(?P<kind>codes|data|environments|models)"
ROUTES = [
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
    route("assets.Get", "GET", f"ws:/{KIND}/{{name}}/versions/{{version}}", _get_version),
    route("assets.CreateOrUpdate", "PUT", f"ws:/{KIND}/{{name}}/versions/{{version}}", _put_version),
    route("assets.Delete", "DELETE", f"ws:/{KIND}/{{name}}/versions/{{version}}", _delete_version),
    route("assets.List", "GET", f"ws:/{KIND}/{{name}}/versions", _list_versions),
    route("assets.StartPendingUpload", "POST", f"ws:/{KIND}/{{name}}/versions/{{version}}/startPendingUpload",
          _pending_upload),
    route("assets.GetContainer", "GET", f"ws:/{KIND}/{{name}}", _get_container),
    route("assets.ListContainers", "GET", f"ws:/{KIND}", _list_containers),
]  # fmt: skip
