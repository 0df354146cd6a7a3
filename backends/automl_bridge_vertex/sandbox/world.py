"""Everything the stand-in holds, the clock that moves it, and workers that train."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from automl_bridge.sandbox.faults import JOB_FAULTS, FaultKind
from automl_bridge_vertex.sandbox.access import Access
from automl_bridge_vertex.sandbox.errors import RpcError, not_found
from automl_bridge_vertex.sandbox.names import Names

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.sandbox.service import Context
    from automl_bridge_vertex.sandbox.store import Store

__all__ = ["Moving", "World"]


class Moving(Protocol):
    """What the clock moves on: a job or an operation."""

    ended: float | None

    def settle(self, now: float) -> None:
        """Do what is due at ``now``."""
        ...


class World:
    """The state of the sandbox: resources by name.

    ``context.settings`` may hold the switches that README.md lists.
    """

    def __init__(self, context: Context, store: Store) -> None:
        self.context = context
        self.clock = context.clock
        self.store = store
        self.names = Names()
        self.access = Access()
        self.lock = threading.RLock()
        self.datasets: dict[str, Any] = {}
        self.pipelines: dict[str, Any] = {}
        self.models: dict[str, Any] = {}
        self.batches: dict[str, Any] = {}
        self.endpoints: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self._active: list[Moving] = []
        self._trained: dict[str, Future[Any]] = {}
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-trainer")

    def close(self) -> None:
        """Stop the workers; what they have begun is finished."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def settle(self) -> float:
        """Move everything to the present; returns the simulated time."""
        with self.lock:
            now = self.clock.time()
            for one in list(self._active):
                one.settle(now)
            self._active = [one for one in self._active if one.ended is None]
            return now

    def begin(self, one: Moving) -> None:
        """Take something new into what the clock moves."""
        with self.lock:
            self._active.append(one)

    def running(self, kind: type, location: str) -> int:
        """How many jobs of a type run in a location."""
        return sum(1 for one in self._active if isinstance(one, kind) and location in getattr(one, "name", ""))

    def find(self, shelf: dict[str, Any], name: str, kind: str) -> Any:
        """Return a resource by name; NOT_FOUND if there is none."""
        found = shelf.get(self.names.canonical(name))
        if found is None:
            raise not_found(kind)
        return found

    def listed(self, shelf: dict[str, Any], parent: str) -> list[Any]:
        """Return the resources of a location that lists show by now (``list_lag_seconds`` after they were made)."""
        prefix = f"{self.names.parent(parent)}/"
        shown = self.clock.time() - float(self.context.settings.get("list_lag_seconds", 0))
        return [one for name, one in shelf.items() if name.startswith(prefix) and one.created <= shown]

    def draw_fate(self, method: str) -> FaultKind | None:
        """Return what is to become of a job that ``method`` starts, if it is not to end well."""
        fault = self.context.faults.draw(f"aiplatform.{method}", JOB_FAULTS)
        return None if fault is None else fault.kind

    def check_quota(self, kind: type, location: str, what: str) -> None:
        """Refuse a job where ``settings["concurrent_jobs"]`` of its kind run in the region."""
        most = self.context.settings.get("concurrent_jobs")
        if most is not None and self.running(kind, f"/locations/{location}/") >= int(most):
            message = f"Quota exceeded for quota metric '{what}' in region {location}: {most} at a time."
            raise RpcError("RESOURCE_EXHAUSTED", message)

    def work(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function on a worker."""
        return self._pool.submit(function, *arguments)

    def train(self, key: str, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Start a training; the same one on the same data is done once."""
        if key not in self._trained or self._trained[key].cancelled():
            while len(self._trained) >= 64:
                self._trained.pop(next(iter(self._trained)))
            self._trained[key] = self.work(function, *arguments)
        return self._trained[key]
