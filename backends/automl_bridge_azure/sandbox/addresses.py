"""Where an address points: container and path of the storage, whichever way it is spelled.

Sources: learn, "Manage data in a job" and "how-to-read-write-data-v2" (``azureml://`` forms), the SDK's own
patterns, "how-to-log-mlflow-models" (outputs of jobs).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from automl_bridge_azure.sandbox.account import ARTIFACTS, CONTAINER, STORAGE_ACCOUNT
from automl_bridge_azure.sandbox.errors import user_error

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.world import World

__all__ = ["Place", "artifact_prefix", "locate"]

Place = tuple[str, str]
DATASTORES = {"workspaceblobstore": CONTAINER, "workspaceartifactstore": ARTIFACTS}
STORE_FORM = re.compile(r"^azureml://(?:subscriptions/.*?/)?datastores/([^/]+)/paths/(.*)$", re.IGNORECASE)
JOB_FORM = re.compile(r"^azureml://jobs/([^/]+)/outputs/([^/]+)(?:/paths/(.*))?$", re.IGNORECASE)
RUN_FORM = re.compile(r"^(?:runs:/([^/]+)/|azureml://artifacts/ExperimentRun/dcid\.([^/]+)/)(.*)$")
ASSET_FORM = re.compile(r"^(?:azureml:)?/.*/(data|models|codes)/([^/]+)/versions/([^/]+)$", re.IGNORECASE)
SHORT_ASSET = re.compile(r"^azureml:([^/:]+):([^/:]+)$")


def artifact_prefix(run_id: str) -> str:
    """Return the folder of a run in the artifact store."""
    return f"ExperimentRun/dcid.{run_id}"


def locate(world: World, uri: str) -> Place:
    """Return container and path of an address.

    Raises
    ------
    AzureError
        If it points to nothing that the workspace has.
    """
    if match := STORE_FORM.match(uri):
        container = DATASTORES.get(match[1].lower())
        if container is None:
            raise user_error(f"The datastore '{match[1]}' was not found.", status=404)
        return container, match[2]
    if match := JOB_FORM.match(uri):
        return _output(world, *match.groups())
    if match := RUN_FORM.match(uri):
        return ARTIFACTS, f"{artifact_prefix(match[1] or match[2])}/{match[3]}"
    if match := ASSET_FORM.match(uri) or SHORT_ASSET.match(uri):
        kind, name, version = match.groups() if len(match.groups()) == 3 else ("data", *match.groups())
        return _asset(world, kind.lower(), name, version)
    if uri.startswith("https://"):
        parts = urlsplit(uri)
        container, _, path = unquote(parts.path).lstrip("/").partition("/")
        if STORAGE_ACCOUNT in parts.netloc:
            return container, path
    raise user_error(f"The data at '{uri}' could not be resolved; the sandbox reaches its own storage only.")


def _output(world: World, job: str, output: str, path: str | None) -> Place:
    run = world.run(job)
    if output in {"artifacts", "default"}:
        return ARTIFACTS, f"{artifact_prefix(run.run_id)}/{path or ''}"
    about = run.outputs.get(output)
    if about is None or not about.get("uri"):
        raise user_error(f"The job '{job}' has no output '{output}'.", status=404)
    container, base = locate(world, about["uri"])
    return container, f"{base.rstrip('/')}/{path}" if path else base


def _asset(world: World, kind: str, name: str, version: str) -> Place:
    found = world.assets.get((kind, name), {}).get(version)
    if found is None:
        raise user_error(f"The asset {kind}/{name}:{version} was not found.", status=404)
    properties = found["properties"]
    return locate(world, properties.get("dataUri") or properties.get("modelUri") or properties.get("codeUri") or "")
