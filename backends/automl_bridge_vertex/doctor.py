"""Whether the backend could work: packages, credentials, project and location, bucket. Reads only, spends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Check
from automl_bridge.errors import AutoMLBridgeError, ConfigError
from automl_bridge_vertex.limits import limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["check"]

_PACKAGES = ("google-cloud-aiplatform", "google-cloud-storage")


def check(clients: Clients, objects: Objects, settings: VertexSettings) -> Iterator[Check]:
    """Look at one thing after the other; what cannot be looked at for want of rights is not known, not wrong."""
    from importlib.metadata import PackageNotFoundError, version

    for package in _PACKAGES:
        try:
            yield Check(name=f"package {package}", ok=True, detail=version(package))
        except PackageNotFoundError:
            yield Check(name=f"package {package}", ok=False, detail='pip install "automl-bridge[vertex]"')
            return
    credentials = _looked("credentials", lambda: _identity(clients, settings))
    yield credentials
    if not credentials.ok:
        return
    yield _looked(f"project {settings.project or '(not set)'}", lambda: _project(settings))
    yield _looked(f"location {settings.location}", lambda: _service(clients, settings))
    yield _looked(f"bucket {settings.bucket or '(not set)'}", lambda: _bucket(objects, settings))
    yield _looked("quota", _quota)


def _looked(name: str, look: Callable[[], tuple[bool | None, str]]) -> Check:
    try:
        ok, detail = look()
    except AutoMLBridgeError as error:
        denied = getattr(error.__cause__, "code", None) == 403
        return Check(name=name, ok=None if denied else False, detail=error.message)
    return Check(name=name, ok=ok, detail=detail)


def _identity(clients: Clients, settings: VertexSettings) -> tuple[bool, str]:
    if settings.emulated:
        return True, f"none are sent to {settings.api_endpoint}"
    found = clients.credentials
    account = getattr(found, "service_account_email", None) or getattr(found, "account", None)
    return True, str(account or type(found).__name__)


def _project(settings: VertexSettings) -> tuple[bool, str]:
    if not settings.project:
        raise ConfigError("set project in [backends.vertex], by AUTOML_BRIDGE_VERTEX__PROJECT or GOOGLE_CLOUD_PROJECT")
    settings.check_form()
    return True, settings.parent


def _service(clients: Clients, settings: VertexSettings) -> tuple[bool, str]:
    if not settings.project:
        return False, "asked for when there is a project"
    request = {"parent": settings.parent, "page_size": 1}
    next(clients.listed("listing training pipelines", clients.pipelines.list_training_pipelines, request), None)
    return True, "Vertex AI answers"


def _bucket(objects: Objects, settings: VertexSettings) -> tuple[bool, str]:
    if not settings.bucket:
        raise ConfigError("set bucket in [backends.vertex] or by AUTOML_BRIDGE_VERTEX__BUCKET")
    objects.check_region()
    return True, f"in {settings.location}"


def _quota() -> tuple[bool | None, str]:
    most = limit("vertex.quota_2").value
    return (
        None,
        f"Vertex AI tells no quota; documented are {most} training jobs of tables at a time, and as many of images",
    )
