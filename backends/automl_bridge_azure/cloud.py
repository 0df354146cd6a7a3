"""Which Azure: the public one, another that Microsoft runs, or whatever ``ARM_CLOUD_METADATA_URL`` describes.

The SDK reads that variable itself, but where it cannot fetch what it names, it goes on with the public cloud without
a word; it knows a cloud by its name alone, for as long as the process lives; and it writes the name into the
environment (``AZUREML_CURRENT_CLOUD``), where the next client finds it. So the document is read here, a failure is an
error, and the SDK is given a name that is the address's own.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import ConfigError
from automl_bridge_azure.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METADATA_URL", "NAME", "Cloud", "current"]

METADATA_URL, NAME = "ARM_CLOUD_METADATA_URL", "AZUREML_CURRENT_CLOUD"


class Cloud(NamedTuple):
    """Where the services of one cloud are.

    Parameters
    ----------
    name
        As the SDK is told.
    resource_manager
        Address of Azure Resource Manager, without a slash at its end.
    authority
        Host that logs people in; None: azure-identity's own.
    storage
        Suffix of storage accounts' names: ``core.windows.net``.
    metadata
        For ``MLClient(cloud_metadata=…)``; None for a cloud that it knows.
    """

    name: str
    resource_manager: str
    authority: str | None
    storage: str
    metadata: dict[str, str] | None = None

    @property
    def scope(self) -> str:
        """What a token must be for."""
        return f"{self.resource_manager}/.default"


_KNOWN = {
    "AzureCloud": Cloud("AzureCloud", "https://management.azure.com", None, "core.windows.net"),
    "AzureChinaCloud": Cloud(
        "AzureChinaCloud", "https://management.chinacloudapi.cn", "login.chinacloudapi.cn", "core.chinacloudapi.cn"
    ),
    "AzureUSGovernment": Cloud(
        "AzureUSGovernment",
        "https://management.usgovcloudapi.net",
        "login.microsoftonline.us",
        "core.usgovcloudapi.net",
    ),
}


def current() -> Cloud:
    """Return the cloud that the SDK's own variables name.

    Raises
    ------
    ConfigError
        If they name none that is known.
    TransientError
        If the document at ``ARM_CLOUD_METADATA_URL`` cannot be fetched now.
    """
    url, name = os.environ.get(METADATA_URL), os.environ.get(NAME)
    if url:
        return _described(url)
    if name is None or name not in _KNOWN:
        if name is not None and "#" not in name:
            raise ConfigError(f'{NAME} names the cloud "{name}", and {METADATA_URL} does not say where it is')
        # A name of ours, which the SDK wrote there when an earlier client of this process was made.
        return _KNOWN["AzureCloud"]
    return _KNOWN[name]


@cache
def _described(url: str) -> Cloud:
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import RetryPolicy
    from azure.core.rest import HttpRequest

    client: PipelineClient[Any, Any] = PipelineClient(url, policies=[RetryPolicy(retry_total=0)])
    with translated(f"reading {METADATA_URL}"), client:
        answer = client.send_request(HttpRequest("GET", url))
        answer.raise_for_status()
        document = answer.json()
    entries = document if isinstance(document, list) else [document]
    wanted = os.environ.get(NAME)
    chosen = [one for one in entries if one.get("name") == wanted] or [
        one for one in entries if str(one.get("resourceManager", "")).rstrip("/") in url
    ]
    if not chosen and len(entries) == 1:
        chosen = entries
    if not chosen:
        raise ConfigError(
            f"none of the {len(entries)} clouds of {url} is the one that serves it",
            hint=f"name one by {NAME}: {', '.join(str(one.get('name')) for one in entries)}",
        )
    return _cloud(chosen[0])


def _cloud(entry: Mapping[str, Any]) -> Cloud:
    try:
        manager = str(entry["resourceManager"]).rstrip("/")
        login = str(entry["authentication"]["loginEndpoint"])
        storage, portal, name = str(entry["suffixes"]["storage"]), str(entry["portal"]), str(entry["name"])
    except (KeyError, TypeError) as error:
        raise ConfigError(f"what {METADATA_URL} names does not describe a cloud: no {error}") from error
    known = _KNOWN.get(name)
    if known is not None and known.resource_manager == manager:
        return known
    suffix = ".".join(portal.split(".")[2:]).replace("/", "")
    metadata = {
        "azure_portal": portal,
        "resource_manager": manager + "/",
        "active_directory": login,
        "aml_resource_id": f"https://ml.azure.{suffix or 'com'}",
        "storage_endpoint": storage,
        "registry_discovery_endpoint": manager + "/",
    }
    digest = hashlib.sha256(f"{manager} {login} {storage}".encode()).hexdigest()[:8]
    return Cloud(f"{name}#{digest}", manager, login.removeprefix("https://").rstrip("/"), storage, metadata)
