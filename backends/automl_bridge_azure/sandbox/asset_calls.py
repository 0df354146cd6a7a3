"""The Resource Manager's calls of assets: code, data, environments and models, a version at a time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox import account
from automl_bridge_azure.sandbox.account import resource
from automl_bridge_azure.sandbox.arm import checked
from automl_bridge_azure.sandbox.blobs.auth import container_sas
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.errors import no_content, not_found, ok, user_error
from automl_bridge_azure.sandbox.runs import moment

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["ROUTES"]

ASSETS = {
    "codes": "CodeVersion",
    "data": "DataVersionBase",
    "environments": "EnvironmentVersion",
    "models": "ModelVersion",
}
CURATED = "AzureML-"
URIS = ("codeUri", "dataUri", "modelUri")


def _versions(call: Call) -> dict[str, dict[str, Any]]:
    return call.world.assets.setdefault((call.names["kind"].lower(), call.names["name"]), {})


def _asset(call: Call, version: str, body: dict[str, Any], named: str | None = None) -> dict[str, Any]:
    kind, name = call.names["kind"].lower(), named or call.names["name"]
    created = {"createdAt": moment(body["created"]), "createdBy": "sandbox", "createdByType": "User",
               "lastModifiedAt": moment(body["created"])}  # fmt: skip
    return resource(f"{kind}/{name}/versions", version, body["properties"], systemData=created)


def _curated(call: Call) -> dict[str, Any] | None:
    """Return one of the environments that every workspace has, by the name alone."""
    if call.names["kind"].lower() != "environments" or not call.names["name"].startswith(CURATED):
        return None
    about = {"image": "mcr.microsoft.com/azureml/curated:sandbox", "osType": "Linux", "environmentType": "Curated",
             "isAnonymous": False, "isArchived": False}  # fmt: skip
    return {"properties": about, "created": call.world.clock.time()}


def _get_version(call: Call) -> Answer:
    found = _versions(call).get(call.names["version"]) or _curated(call)
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
    curated = _curated(call)
    if curated is not None and not listed:
        listed = [(call.names["name"], "1", curated)]
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
        if _curated(call) is None:
            raise not_found(kind, name)
        return ok(resource(kind, name, {"latestVersion": "1", "nextVersion": "2", "isArchived": False}))
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


KIND = r"(?P<kind>codes|data|environments|models)"
ROUTES = [
    route("assets.Get", "GET", f"ws:/{KIND}/{{name}}/versions/{{version}}", _get_version),
    route("assets.CreateOrUpdate", "PUT", f"ws:/{KIND}/{{name}}/versions/{{version}}", _put_version),
    route("assets.Delete", "DELETE", f"ws:/{KIND}/{{name}}/versions/{{version}}", _delete_version),
    route("assets.List", "GET", f"ws:/{KIND}/{{name}}/versions", _list_versions),
    route(
        "assets.StartPendingUpload",
        "POST",
        f"ws:/{KIND}/{{name}}/versions/{{version}}/startPendingUpload",
        _pending_upload,
    ),
    route("assets.GetContainer", "GET", f"ws:/{KIND}/{{name}}", _get_container),
    route("assets.ListContainers", "GET", f"ws:/{KIND}", _list_containers),
]
