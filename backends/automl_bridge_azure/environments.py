"""Which environment a model predicts in: that of the run that trained it, else the packages that it lists itself.

Naming the run's own image costs no build and leaves nothing behind. Where the service does not tell it, the model's
``conda.yaml`` does, on Microsoft's base image; that way is documented ("Deploy an AutoML model with an online
endpoint", how-to-deploy-automl-endpoint), takes a build of some minutes and leaves an anonymous environment in the
workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.errors import AutoMLBridgeError, CredentialsError, TransientError
from automl_bridge_azure.layout import artifacts_of
from automl_bridge_azure.requests import MODEL_FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge_azure.history import History
    from automl_bridge_azure.objects import Objects

__all__ = ["environment_of"]

_CURATED = "AzureML-"
_REGISTRY = "azureml://registries/azureml/environments"
_OURS = "ai-ml-automl"
"""How the curated environments of Automated ML begin in Microsoft's registry."""


def environment_of(run: str, history: History, objects: Objects) -> dict[str, object]:
    """Return ``environment`` (a reference) or ``conda`` (a list of packages) for a model's details."""
    reference = _reference(history.details(run))
    if reference is not None:
        return {"environment": reference}
    return {"conda": _conda(run, objects)}


def _reference(details: Mapping[str, Any]) -> str | None:
    held = (details.get("runDefinition") or {}).get("environment") or {}
    asset = held.get("assetId")
    if isinstance(asset, str) and asset.startswith("azureml://registries/"):
        return asset
    name, version = held.get("name"), held.get("version")
    if not name or not version or str(version).startswith("Autosave"):
        return None
    if str(name).startswith(_OURS):
        return f"{_REGISTRY}/{name}/versions/{version}"
    return f"azureml:{name}:{version}"


def _conda(run: str, objects: Objects) -> dict[str, Any] | None:
    import yaml  # type: ignore[import-untyped]

    folder = artifacts_of(run) / MODEL_FOLDER.rstrip("/")
    try:
        body = objects.read(folder, "conda.yaml")
    except (CredentialsError, TransientError):
        raise
    except AutoMLBridgeError:
        return None
    held = yaml.safe_load(body) if body is not None else None
    return held if isinstance(held, dict) else None
