"""Everything this tool left in the workspace: what bills, what may, and how it is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Resource
from automl_bridge.cloud.stored import stored_folders
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import RejectedError, UnsupportedError
from automl_bridge_azure.errors import status_of, translated
from automl_bridge_azure.layout import aml_uri, place_of, root
from automl_bridge_azure.planning import AUTOML_JOB, COMMAND_JOB, COMPUTE, ENDPOINT, JOB_FOLDER, STAGED_DATA
from automl_bridge_azure.polling import size_of
from automl_bridge_azure.rates import BLOB_STORAGE, UNIT, sku
from automl_bridge_azure.requests import RUN_TAG
from automl_bridge_azure.rest import JOBS_VERSION
from automl_bridge_azure.submission import cancel
from automl_bridge_azure.trials import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.objects import Objects

__all__ = ["Inventory"]

ENDPOINTS_VERSION = "2022-02-01-preview"
"""``api-version`` with which the SDK reads online endpoints."""

_KINDS = {"AutoML": AUTOML_JOB, "Command": COMMAND_JOB}


class Inventory:
    """Lists and deletes what carries our tag, and what lies under our prefix.

    This adapter makes no compute and no endpoint itself; those that carry its tag all the same (made by hand, or by
    another version) are listed, since they bill.
    """

    def __init__(self, clients: Clients, objects: Objects) -> None:
        self._clients = clients
        self._objects = objects

    def resources(self) -> Iterator[Resource]:
        """List jobs that run, computes and endpoints with our tag, and what lies in the datastore."""
        self._clients.settings.require()
        yield from self._jobs()
        yield from self._computes()
        yield from self._endpoints()
        yield from stored_folders(
            self._objects, root(self._clients.settings), backend="azure", sku=BLOB_STORAGE,
            region=self._clients.workspace.region, uri=aml_uri,
        )  # fmt: skip

    def _jobs(self) -> Iterator[Resource]:
        params = {"api-version": JOBS_VERSION, "tag": RUN_TAG, "listViewType": "All"}
        for page in self._clients.rest.pages(self._clients.arm("jobs"), params):
            for one in page:
                properties = one["properties"]
                run = (properties.get("tags") or {}).get(RUN_TAG)
                kind = _KINDS.get(str(properties.get("jobType")))
                if run is None or kind is None or state_of(properties.get("status")).is_final:
                    continue
                yield Resource(
                    backend="azure", kind=kind, name=str(one["name"]), since=_since(one), run=str(run),
                    usage_per_day=self._a_day(one),
                )  # fmt: skip

    def _a_day(self, job: Mapping[str, Any]) -> Usage:
        size = size_of(job)
        if size is None:
            # On a cluster: how many of its machines work for this job is not known.
            return Usage(known=False)
        count = int((job["properties"].get("resources") or {}).get("instanceCount") or 1)
        return Usage(items=(self._machines(size, count),))

    def _machines(self, size: str, count: int) -> UsageItem:
        region = self._clients.workspace.region
        return UsageItem(sku=sku(size), quantity=24.0 * count, unit=UNIT, part="hosting", region=region)

    def _computes(self) -> Iterator[Resource]:
        with translated("listing computes"):
            found = list(self._clients.ml.compute.list())
        for one in found:
            run = (getattr(one, "tags", None) or {}).get(RUN_TAG)
            if run is None:
                continue
            least = int(getattr(one, "min_instances", None) or 0)
            usage = Usage(items=(self._machines(str(one.size), least),) if least else ())
            yield Resource(backend="azure", kind=COMPUTE, name=str(one.name), run=str(run), usage_per_day=usage)

    def _endpoints(self) -> Iterator[Resource]:
        """List online endpoints by plain requests: the SDK stumbles over a deployment without scale settings."""
        for one in self._listed("onlineEndpoints"):
            run = (one.get("tags") or {}).get(RUN_TAG)
            if run is None:
                continue
            deployments = self._listed(f"onlineEndpoints/{one['name']}/deployments")
            items = tuple(
                self._machines(
                    str(held["properties"]["instanceType"]), int((held.get("sku") or {}).get("capacity") or 1)
                )
                for held in deployments
                if held["properties"].get("instanceType")
            )
            usage = Usage(items=items, known=len(items) == len(deployments))
            yield Resource(
                backend="azure", kind=ENDPOINT, name=str(one["name"]), since=_since(one), run=str(run),
                usage_per_day=usage,
            )  # fmt: skip

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """Return what a list holds; nothing where the caller may not look, or the service has no such list."""
        pages = self._clients.rest.pages(self._clients.arm(path), {"api-version": ENDPOINTS_VERSION})
        try:
            return [one for page in pages for one in page]
        except RejectedError as error:
            if status_of(error.__cause__ or error) not in {403, 404}:
                raise
            return []

    def delete(self, kind: str, name: str) -> None:
        """Delete a thing, or stop a job; what is gone or has ended already is no error."""
        if kind in {STAGED_DATA, JOB_FOLDER}:
            self._objects.delete_under(place_of(name))
        elif kind in _KINDS.values():
            cancel(name, self._clients)
        elif kind in {COMPUTE, ENDPOINT}:
            self._remove(kind, name)
        else:
            raise UnsupportedError(f"azure has no {kind} to delete ({name})")

    def _remove(self, kind: str, name: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        ml = self._clients.ml
        call = ml.compute.begin_delete if kind == COMPUTE else ml.online_endpoints.begin_delete
        with translated(f"deleting the {kind} {name}"):
            try:
                call(name=name)
            except ResourceNotFoundError:
                return


def _since(job: Mapping[str, Any]) -> str | None:
    found = (job.get("systemData") or {}).get("createdAt")
    return str(found) if found else None
