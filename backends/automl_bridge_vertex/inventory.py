"""Everything this tool left in the project: what bills, what may, and how it is removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.backend import Resource
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.stored import stored_folders
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import TransientError, UnsupportedError
from automl_bridge_vertex.layout import root
from automl_bridge_vertex.planning import BATCH_JOB, DATASET, ENDPOINT, JOB_FOLDER, MODEL, PIPELINE, STAGED_DATA
from automl_bridge_vertex.polling import is_final, word_of
from automl_bridge_vertex.rates import IMAGE_HOSTING, STORAGE, inference
from automl_bridge_vertex.requests import RUN_LABEL
from automl_bridge_vertex.submission import of_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["Inventory"]

_PATIENCE = 120.0
"""Seconds to wait until a thing that was deleted is gone."""


class _Kind(NamedTuple):
    client: str
    noun: str


_KINDS = {
    DATASET: _Kind("datasets", "dataset"),
    PIPELINE: _Kind("pipelines", "training_pipeline"),
    BATCH_JOB: _Kind("jobs", "batch_prediction_job"),
    ENDPOINT: _Kind("endpoints", "endpoint"),
    MODEL: _Kind("models", "model"),
}

_JOBS = frozenset({PIPELINE, BATCH_JOB})
"""Their records stay for ever and bill nothing; deleting one means that it does not run on."""


class Inventory:
    """Lists and deletes what carries our labels, and what lies under our prefix."""

    def __init__(self, clients: Clients, objects: Objects, settings: VertexSettings) -> None:
        self._clients = clients
        self._objects = objects
        self._settings = settings

    def _client(self, kind: str) -> Any:
        return getattr(self._clients, _KINDS[kind].client)

    def _listed(self, kind: str, rule: str) -> list[Any]:
        request = {"parent": self._settings.parent, "filter": rule}
        call = getattr(self._client(kind), f"list_{_KINDS[kind].noun}s")
        found = self._clients.listed(f"listing {kind}s", call, request)
        return [one for one in found if one.labels.get(RUN_LABEL)]

    def resources(self) -> Iterator[Resource]:
        """List datasets, jobs that run, endpoints, models, and what lies in the bucket."""
        for kind in _KINDS:
            for one in self._listed(kind, f"labels.{RUN_LABEL}:*"):
                if kind not in _JOBS or not is_final(word_of(one)):
                    yield self._resource(kind, one)
        settings = self._settings
        if settings.bucket:
            yield from stored_folders(
                self._objects, root(settings), backend="vertex", sku=STORAGE, region=settings.location
            )

    def _resource(self, kind: str, one: Any) -> Resource:
        # What a job that runs comes to a day is not known; data sets and models are kept for nothing.
        usage = Usage(known=kind not in _JOBS)
        if kind == ENDPOINT:
            usage = self._endpoint_usage(one)
        run = one.labels[RUN_LABEL]
        return Resource(
            backend="vertex", kind=kind, name=one.name, since=one.create_time.isoformat() if one.create_time else None,
            usage_per_day=usage, run=run, details={"label": run, "display name": one.display_name},
        )  # fmt: skip

    def _endpoint_usage(self, endpoint: Any) -> Usage:
        """Return what an endpoint bills a day, used or not: its machines, or the nodes of an image model."""
        items, known = [], True
        for deployed in endpoint.deployed_models:
            machine = deployed.dedicated_resources.machine_spec.machine_type
            nodes = deployed.dedicated_resources.min_replica_count or deployed.automatic_resources.min_replica_count
            if not nodes:
                known = False
                continue
            sku, unit = (inference(machine), "instance-hour") if machine else (IMAGE_HOSTING, "node-hour")
            place = self._settings.location
            items.append(UsageItem(sku=sku, quantity=24.0 * nodes, unit=unit, part="hosting", region=place))
        return Usage(items=tuple(items), known=known)

    def delete(self, kind: str, name: str) -> None:
        """Delete a thing, or stop a job; what is gone or has ended already is no error.

        Parameters
        ----------
        name
            Address of a folder, the service's own name of a thing, or the label of a run: then all that has it.
        """
        if kind in {STAGED_DATA, JOB_FOLDER}:
            self._objects.delete_under(split_uri(name))
            return
        if kind not in _KINDS:
            raise UnsupportedError(f"vertex has no {kind} to delete ({name})")
        if name.startswith("projects/"):
            found = self._clients.found(
                f"reading {name}", getattr(self._client(kind), f"get_{_KINDS[kind].noun}"), name
            )
            things = [] if found is None else [found]
        else:
            # Looked at once more: nothing of another run goes because a filter was not kept.
            things = [one for one in self._listed(kind, of_run(name)) if one.labels[RUN_LABEL] == name]
        for thing in things:
            self._stop(kind, thing) if kind in _JOBS else self._delete(kind, thing)

    def _stop(self, kind: str, job: Any) -> None:
        word = word_of(job)
        if is_final(word) or word.endswith("CANCELLING"):
            return
        from automl_bridge.errors import RejectedError

        call = getattr(self._client(kind), f"cancel_{_KINDS[kind].noun}")
        try:
            self._clients.tell(f"stopping {job.name}", call, {"name": job.name})
        except RejectedError:
            # It may have ended since it was looked at: then there is nothing to stop.
            get = getattr(self._client(kind), f"get_{_KINDS[kind].noun}")
            now = self._clients.found(f"reading {job.name}", get, job.name)
            if now is not None and not is_final(word_of(now)):
                raise

    def _delete(self, kind: str, thing: Any) -> None:
        client, noun = self._client(kind), _KINDS[kind].noun
        if kind == ENDPOINT:
            for deployed in thing.deployed_models:
                request = {"endpoint": thing.name, "deployed_model_id": deployed.id}
                self._clients.tell(f"undeploying from {thing.name}", client.undeploy_model, request)
            self._wait(lambda: self._is_empty(client, thing.name), f"undeploying from {thing.name}")
        get = getattr(client, f"get_{noun}")
        if self._clients.found(f"reading {thing.name}", get, thing.name) is None:
            return
        self._clients.tell(f"deleting {thing.name}", getattr(client, f"delete_{noun}"), {"name": thing.name})
        # Asked of the thing itself: the operations of some deletes cannot be asked for over REST.
        self._wait(
            lambda: self._clients.found(f"reading {thing.name}", get, thing.name) is None, f"deleting {thing.name}"
        )

    def _is_empty(self, client: Any, name: str) -> bool:
        found = self._clients.found(f"reading {name}", client.get_endpoint, name)
        return found is None or not found.deployed_models

    def _wait(self, done: Any, doing: str) -> None:
        deadline, pause = time.monotonic() + _PATIENCE, 0.02
        while not done():
            if time.monotonic() >= deadline:
                raise TransientError(
                    f"{doing}: not done after {_PATIENCE:.0f} s", hint="it is under way; ask again later"
                )
            time.sleep(pause)
            pause = min(2 * pause, 5.0)
