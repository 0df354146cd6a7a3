"""Everything the stand-in holds: jobs by region, the clock that moves them, workers that train."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from automl_bridge.sandbox.faults import JOB_FAULTS, FaultKind
from automl_bridge_sagemaker.sandbox.protocol import AwsError, invalid
from automl_bridge_sagemaker.sandbox.store import Store
from automl_bridge_sagemaker.sandbox.training import run_search

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Context
    from automl_bridge_sagemaker.sandbox.jobs import ChildJob
    from automl_bridge_sagemaker.sandbox.request import Request
    from automl_bridge_sagemaker.sandbox.training import Search

__all__ = ["Job", "World"]

CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


class Job(Protocol):
    """What the world moves on: an AutoML or a transform job."""

    name: str
    region: str
    ended: float | None

    def settle(self, now: float) -> None:
        """Do what is due at ``now``."""
        ...


class World:
    """The state of the sandbox.

    ``context.settings`` may hold ``candidates`` (trained where the request has no limit; default 10) and
    ``concurrent_jobs`` (AutoML jobs at a time in a region; more raise ResourceLimitExceeded; default: no limit).
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.clock = context.clock
        self.store = Store()
        self.lock = threading.RLock()
        self.automl: dict[tuple[str, str], Any] = {}
        self.transforms: dict[tuple[str, str], Any] = {}
        self.children: dict[str, dict[tuple[str, str], ChildJob]] = {"training": {}, "processing": {}, "transform": {}}
        self._active: list[Job] = []
        self._searches: dict[str, Future[Search]] = {}
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-trainer")

    def close(self) -> None:
        """Stop the workers; what they have begun is finished."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def settle(self) -> float:
        """Move every job to the present; returns the simulated time."""
        with self.lock:
            now = self.clock.time()
            for job in self._active:
                job.settle(now)
            self._active = [job for job in self._active if job.ended is None]
            return now

    def begin(self, job: Job) -> None:
        """Take a new job into what the clock moves."""
        with self.lock:
            self._active.append(job)

    def running(self, region: str, kind: type) -> int:
        """How many jobs of a type run in a region."""
        return sum(1 for job in self._active if isinstance(job, kind) and job.region == region)

    def draw_fate(self, operation: str) -> FaultKind | None:
        """Return what is to become of a job that ``operation`` starts, if it is not to end well."""
        fault = self.context.faults.draw(f"sagemaker.{operation}", JOB_FAULTS)
        return None if fault is None else fault.kind

    def work(self, function: Any, *arguments: Any) -> Future[Any]:
        """Run a function on a worker."""
        return self._pool.submit(function, *arguments)

    def search(self, request: Request, candidates: int, mode: str, tags: list[str]) -> Future[Search]:
        """Start a search; the same request on the same content is searched once."""
        data = [request.body["AutoMLJobInputDataConfig"], request.body["AutoMLProblemTypeConfig"], request.objective]
        key = json.dumps([data, request.body.get("DataSplitConfig"), candidates, mode, tags], sort_keys=True)
        if key not in self._searches or self._searches[key].cancelled():
            while len(self._searches) >= 64:
                self._searches.pop(next(iter(self._searches)))
            self._searches[key] = self.work(run_search, request, self.store, candidates, mode)
        return self._searches[key]

    def automl_job(self, region: str, name: str) -> Any:
        """Return an AutoML job by name, regardless of case; one that is not there raises ResourceNotFound."""
        job = self.automl.get((region, name.lower()))
        if job is None:
            raise AwsError("ResourceNotFound", f"Could not find an AutoML Job with the name {name}.")
        return job

    def child(self, kind: str, region: str, name: str) -> ChildJob:
        """Return a child job that has begun; one that is not there raises ValidationException."""
        child = self.children[kind].get((region, name))
        if child is None or child.start > self.clock.time():
            raise invalid("Requested resource not found.")
        return child
