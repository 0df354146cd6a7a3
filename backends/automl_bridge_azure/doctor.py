"""Whether the backend could work: packages, credentials, workspace, datastore, compute, quota. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Check
from automl_bridge.errors import AutoMLBridgeError
from automl_bridge_azure.computes import describe, quota_of
from automl_bridge_azure.errors import status_of, translated
from automl_bridge_azure.layout import root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.objects import Objects

__all__ = ["check"]

PACKAGES = ("azure-ai-ml", "azure-identity", "azure-storage-blob")


def check(clients: Clients, objects: Objects) -> Iterator[Check]:
    """Look at one thing after the other; what cannot be looked at for want of rights is not known, not wrong."""
    from importlib.metadata import PackageNotFoundError, version

    settings = clients.settings
    for package in PACKAGES:
        try:
            yield Check(name=f"package {package}", ok=True, detail=version(package))
        except PackageNotFoundError:
            yield Check(name=f"package {package}", ok=False, detail='pip install "automl-bridge[azure]"')
            return
    missing = settings.missing()
    if missing:
        names = " and ".join(missing)
        yield Check(name="settings", ok=False, detail=f"set {names} in [backends.azure] or by AUTOML_BRIDGE_AZURE__…")
        return
    credentials = _looked("credentials", lambda: _credentials(clients))
    yield credentials
    if not credentials.ok:
        return
    workspace = _looked(f"workspace {settings.workspace} in {settings.resource_group}", lambda: _workspace(clients))
    yield workspace
    if not workspace.ok:
        return
    yield _looked(f"datastore {settings.datastore}", lambda: _datastore(clients, objects))
    yield _looked(f"compute {settings.compute or '(serverless)'}", lambda: _compute(clients))
    for size in dict.fromkeys((settings.instance_type, settings.gpu_instance_type)):
        yield _looked(f"quota of {size}", lambda size=size: _quota(clients, size))  # type: ignore[misc]


def _looked(name: str, look: Callable[[], tuple[bool | None, str]]) -> Check:
    try:
        ok, detail = look()
    except AutoMLBridgeError as error:
        denied = status_of(error.__cause__ or error) == 403
        return Check(name=name, ok=None if denied else False, detail=error.message)
    return Check(name=name, ok=ok, detail=detail)


def _credentials(clients: Clients) -> tuple[bool, str]:
    with translated("asking for a token"):
        clients.credential.get_token(clients.cloud.scope)
    return True, "azure-identity found a login"


def _workspace(clients: Clients) -> tuple[bool, str]:
    settings, found = clients.settings, clients.workspace
    if settings.region is not None and settings.region.lower() != found.region.lower().replace(" ", ""):
        return False, f"it is in {found.region}, and the setting region says {settings.region}"
    return True, f"in {found.region}"


def _datastore(clients: Clients, objects: Objects) -> tuple[bool, str]:
    next(objects.listed(root(clients.settings) / "data"), None)
    return True, "can be read"


def _compute(clients: Clients) -> tuple[bool, str]:
    name = clients.settings.compute
    if name is None:
        return True, f"{clients.settings.nodes} × {clients.settings.instance_type}, gone when the job ends"
    found = describe(clients, name)
    if found is None:
        return False, "the workspace has no compute of that name"
    told = f"{found.size}, {found.least} to {found.most} machines, {found.state}"
    if not found.cluster:
        return True, f"{told}; it is no cluster: it stays on, and bills, after the job"
    if found.most < clients.settings.nodes:
        return False, f"{told}; nodes asks for {clients.settings.nodes}"
    return True, f"{told}; {found.least} of them bill all the time" if found.least else f"{told}; scales to zero"


def _quota(clients: Clients, size: str) -> tuple[bool | None, str]:
    quota = quota_of(clients, size)
    if quota is None:
        return None, "the service does not tell it"
    wanted = quota.cores * (clients.settings.nodes if size == clients.settings.instance_type else 1)
    free = quota.limit - quota.used
    told = f"{free} of {quota.limit} cores of {quota.name} are free in {clients.workspace.region}; jobs take {wanted}"
    if size != clients.settings.instance_type and free < wanted:
        # Only images and texts need it.
        return None, told
    return free >= wanted, told
