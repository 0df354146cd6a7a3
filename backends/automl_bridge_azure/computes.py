"""Computes of the workspace, and how much of which quota a machine size takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge_azure.errors import translated

if TYPE_CHECKING:
    from automl_bridge_azure.clients import Clients

__all__ = ["VERSION", "Compute", "Quota", "describe", "quota_of"]

VERSION = "2023-08-01-preview"
"""``api-version`` with which the SDK reads computes, sizes and quotas."""


class Compute(NamedTuple):
    """A compute: machine size, least and most machines, state, and whether it is a cluster."""

    size: str
    least: int
    most: int
    state: str
    cluster: bool


class Quota(NamedTuple):
    """A quota: its name, cores in use and allowed, and cores that one machine takes."""

    name: str
    used: int
    limit: int
    cores: int


def describe(clients: Clients, name: str) -> Compute | None:
    """Return a compute of the workspace; None if there is none of that name."""
    from azure.core.exceptions import ResourceNotFoundError

    with translated(f"reading the compute {name}"):
        try:
            found = clients.ml.compute.get(name)
        except ResourceNotFoundError:
            return None
    state = getattr(found, "provisioning_state", None)
    cluster = str(found.type).lower() == "amlcompute"
    return Compute(
        size=str(found.size or ""),
        least=int(getattr(found, "min_instances", None) or 0) if cluster else 1,
        most=int(getattr(found, "max_instances", None) or 1) if cluster else 1,
        state=str(getattr(state, "value", state) or ""),
        cluster=cluster,
    )


def quota_of(clients: Clients, size: str) -> Quota | None:
    """Return the quota of a machine size in the workspace's region; None where the service does not tell."""
    subscription, region = clients.settings.subscription_id, clients.workspace.region.replace(" ", "").lower()
    base = (
        f"{clients.cloud.resource_manager}/subscriptions/{subscription}"
        f"/providers/Microsoft.MachineLearningServices/locations/{region}"
    )
    sizes = clients.rest.find(f"{base}/vmSizes", {"api-version": VERSION})
    entry = next(
        (one for one in (sizes or {}).get("value") or () if str(one.get("name")).lower() == size.lower()), None
    )
    if entry is None or not entry.get("family"):
        return None
    family = str(entry["family"])
    for page in clients.rest.pages(f"{base}/usages", {"api-version": VERSION}):
        for usage in page:
            if str((usage.get("name") or {}).get("value")).lower() == family.lower():
                return Quota(family, int(usage["currentValue"]), int(usage["limit"]), int(entry.get("vCPUs") or 0))
    return None
