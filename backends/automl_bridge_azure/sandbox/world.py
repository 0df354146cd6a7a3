"""Everything the stand-in holds: jobs and runs, the clock that moves them, workers that train."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from automl_bridge.sandbox.faults import JOB_FAULTS, FaultKind
from automl_bridge_azure.sandbox.account import ARTIFACTS, CONTAINER
from automl_bridge_azure.sandbox.computes import Computes
from automl_bridge_azure.sandbox.errors import not_found
from automl_bridge_azure.sandbox.runs import TERMINAL

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Context
    from automl_bridge_azure.sandbox.blobs.store import Blobs
    from automl_bridge_azure.sandbox.runs import Run

__all__ = ["Job", "World"]

SETTINGS = {"trials": 8, "child_page": 10, "job_page": 100, "retry_after": 1, "unknown_properties": "note"}


class Job(Protocol):
    """What the world moves on."""

    name: str
    status: str
    properties: dict[str, Any]
    created: float
    number: int

    def settle(self, now: float) -> None:
        """Do what is due at ``now``."""
        ...

    def cancel(self, now: float) -> None:
        """Ask it to stop."""
        ...


class World:
    """The state of the sandbox.

    ``context.settings`` may hold ``trials`` (trained at most in a job), ``child_page`` and ``job_page`` (sizes
    of pages), ``retry_after`` (seconds, in answers that throttle), ``unknown_properties`` (``note`` or
    ``refuse``), ``quota`` (cores by family) and ``pace`` (seconds, see `timeline.Pace`).
    """

    def __init__(self, context: Context, blobs: Blobs) -> None:
        self.context = context
        self.clock = context.clock
        self.blobs = blobs
        self.url = ""
        self.storage = ""
        self.lock = threading.RLock()
        self.jobs: dict[str, Any] = {}
        self.runs: dict[str, Run] = {}
        self.children: dict[str, list[str]] = {}
        self.of_job: dict[str, list[Run]] = {}
        self.assets: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, tuple[float, Any]] = {}
        self.notes: list[str] = []
        self.computes = Computes(self)
        self._active: list[Job] = []
        self._searches: dict[str, Future[Any]] = {}
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-trainer")
        self._stored = False
        self._number = 0

    def next_number(self) -> int:
        """Return the number of the next job: lists are in this order, and none comes twice."""
        self._number += 1
        return self._number

    def setting(self, name: str) -> Any:
        """Return a switch."""
        return self.context.settings.get(name, SETTINGS.get(name))

    def storage_ready(self) -> None:
        """Make the workspace's containers, once."""
        if not self._stored:
            self.blobs.create(CONTAINER)
            self.blobs.create(ARTIFACTS)
            self._stored = True

    def close(self) -> None:
        """Stop the workers; what they have begun is finished."""
        with self.lock:
            for job in self._active:
                job.cancel(self.clock.time())
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.blobs.close()

    def settle(self) -> float:
        """Move every job to the present; returns the simulated time."""
        with self.lock:
            now = self.clock.time()
            for job in self._active:
                job.settle(now)
            self._active = [job for job in self._active if job.status not in TERMINAL]
            return now

    def begin(self, job: Any) -> None:
        """Take a new job into what the clock moves."""
        self.jobs[job.name] = job
        self._active.append(job)

    def forget(self, name: str) -> None:
        """Remove a job with its runs."""
        self.jobs.pop(name, None)
        for run in self.of_job.pop(name, []):
            del self.runs[run.run_id]
            self.children.pop(run.run_id, None)

    def add_run(self, run: Run) -> Run:
        """Take a new run into the run history."""
        run.number = len(self.runs) + 1
        self.runs[run.run_id] = run
        self.of_job.setdefault(run.root, []).append(run)
        if run.parent:
            self.children.setdefault(run.parent, []).append(run.run_id)
        return run

    def run(self, run_id: str) -> Run:
        """Return a run; one that is not there raises the service's error."""
        if run_id not in self.runs:
            raise not_found("run", run_id)
        return self.runs[run_id]

    def draw_fate(self, operation: str) -> FaultKind | None:
        """Return what is to become of a job that ``operation`` starts, if it is not to end well."""
        fault = self.context.faults.draw(operation, JOB_FAULTS)
        return None if fault is None else fault.kind

    def work(self, function: Any, *arguments: Any) -> Future[Any]:
        """Run a function on a worker."""
        return self._pool.submit(function, *arguments)

    def search(self, key: Any, function: Any, *arguments: Any) -> Future[Any]:
        """Start a search; the same on the same content is searched once."""
        spelled = json.dumps(key, sort_keys=True)
        if spelled not in self._searches or self._searches[spelled].cancelled():
            while len(self._searches) >= 64:
                self._searches.pop(next(iter(self._searches)))
            self._searches[spelled] = self.work(function, *arguments)
        return self._searches[spelled]
