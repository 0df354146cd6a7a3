"""The one account that the stand-in has: names, addresses, machine sizes, quotas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ARTIFACTS",
    "COMPUTE",
    "CONTAINER",
    "GROUP",
    "PREFIX",
    "PROVIDER",
    "REGION",
    "SIZES",
    "STORAGE_ACCOUNT",
    "STORAGE_KEY",
    "SUBSCRIPTION",
    "WORKSPACE",
    "WORKSPACE_ID",
    "Size",
    "resource",
    "size_of",
]

SUBSCRIPTION = "5a4db0c5-0000-4000-8000-000000000000"
GROUP = "automl-bridge-sandbox"
WORKSPACE = "sandbox"
WORKSPACE_ID = "5a4db0c5-0000-4000-8000-0000000000ff"
REGION = "eastus"
COMPUTE = "cpu-cluster"
STORAGE_ACCOUNT = "sandboxstorage"
STORAGE_KEY = "c2FuZGJveC1rZXktb2YtYXV0b21sLWJyaWRnZS1vcGVucy1ub3RoaW5nLWVsc2U="  # opens the stand-in only
CONTAINER = f"azureml-blobstore-{WORKSPACE_ID}"
ARTIFACTS = "azureml"
PROVIDER = "Microsoft.MachineLearningServices"
PREFIX = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{PROVIDER}/workspaces/{WORKSPACE}"


@dataclass(frozen=True)
class Size:
    """A machine size: quota family, cores, memory (GB), GPUs."""

    name: str
    family: str
    cores: int
    memory: float
    gpus: int = 0


# Source: the size pages of Azure Virtual Machines. Only what people train on.
SIZES = {
    size.name.lower(): size
    for size in (
        Size("Standard_DS2_v2", "standardDSv2Family", 2, 7),
        Size("Standard_DS3_v2", "standardDSv2Family", 4, 14),
        Size("Standard_DS4_v2", "standardDSv2Family", 8, 28),
        Size("Standard_DS5_v2", "standardDSv2Family", 16, 56),
        Size("Standard_DS12_v2", "standardDSv2Family", 4, 28),
        Size("Standard_D2_v2", "standardDv2Family", 2, 7),
        Size("Standard_D2s_v3", "standardDSv3Family", 2, 8),
        Size("Standard_D4s_v3", "standardDSv3Family", 4, 16),
        Size("Standard_D8s_v3", "standardDSv3Family", 8, 32),
        Size("Standard_E4s_v3", "standardESv3Family", 4, 32),
        Size("Standard_E8s_v3", "standardESv3Family", 8, 64),
        Size("Standard_E4ds_v4", "standardEDSv4Family", 4, 32),
        Size("Standard_F4s_v2", "standardFSv2Family", 4, 8),
        Size("Standard_F8s_v2", "standardFSv2Family", 8, 16),
        Size("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", 4, 28, 1),
        Size("Standard_NC8as_T4_v3", "Standard NCASv3_T4 Family", 8, 56, 1),
        Size("Standard_NC6s_v3", "standardNCSv3Family", 6, 112, 1),
        Size("Standard_NC12s_v3", "standardNCSv3Family", 12, 224, 2),
        Size("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", 24, 220, 1),
    )
}
QUOTA = 100


def size_of(name: str) -> Size | None:
    """Return a machine size by name; any spelling that looks like one is taken for a machine of 4 cores."""
    known = SIZES.get(name.lower())
    if known is None and re.fullmatch(r"standard_[a-z]+\d+\w*", name.lower()):
        gpus = int(name.lower().startswith(("standard_nc", "standard_nd", "standard_nv")))
        return Size(name, f"{name.rpartition('_')[0] or name}Family", 4, 16, gpus)
    return known


def resource(kind: str, name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a resource of the workspace as Resource Manager shows it; ``kind`` is its path, ``data/x/versions``."""
    path = f"{kind}/{name}"
    parts = kind.split("/")
    type_name = "/".join(part for place, part in enumerate(parts) if place % 2 == 0)
    return {"id": f"{PREFIX}/{path}", "name": name, "type": f"{PROVIDER}/workspaces/{type_name}",
            "properties": properties, **more}  # fmt: skip
