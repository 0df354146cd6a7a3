"""A backend whose search ends only when it is told to: the baseline's model, and a worker that goes on and on."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from automl_bridge.backend import JobRef, JobState, Outcome, Plan, Progress, Staged
from automl_bridge.capabilities import Feature
from automl_bridge.local.job import Job
from automl_bridge.local.queue import LocalQueue
from automl_bridge.spec import JobSpec
from automl_bridge_baseline import BaselineBackend


def search(job: Job) -> Outcome:
    """Report an epoch now and then; the model is there from the beginning."""
    outcome = Outcome.model_validate_json(job.request["outcome"])
    job.checkpoint(outcome)
    pause, epoch = threading.Event(), 0
    while not job.should_stop:
        epoch += 1
        best = outcome.trials[0].score
        job.report(
            Progress(state=JobState.RUNNING, trial=2, epoch=epoch, epochs=99, trials=outcome.trials[:1], best=best)
        )
        pause.wait(0.05)
    return outcome.model_copy(update={"stopped_by": "cancel" if job.cancelled else "max_time"})


class SlowBackend(BaselineBackend):
    """Registered by the tests as ``slow``."""

    name = "slow"
    capabilities = BaselineBackend.capabilities.model_copy(
        update={"features": {**BaselineBackend.capabilities.features, Feature.CANCEL: None, Feature.RESUME: None}}
    )

    @property
    def _queue(self) -> LocalQueue:
        return LocalQueue(self.workspace / "queue", "slow_backend:search", linger=0)

    def plan(self, spec: JobSpec) -> Plan:
        """Plan as the baseline does; a model is the baseline's own."""
        return super().plan(spec) if spec.kind == "train" else BaselineBackend(self.settings, self.workspace).plan(spec)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Train the model, then queue the search that never ends."""
        # The time is the search's: on a busy machine the model would be another one.
        changes = {"backend": "baseline", "request": plan.request | {"max_seconds": None}}
        ref = super().submit(plan.model_copy(update=changes) if plan.spec.kind == "train" else plan, staged)
        if plan.spec.kind == "train":
            request = {"outcome": super().collect(ref).model_dump_json()}
            limit = plan.spec.budget.max_time
            self._queue.submit(ref.name, request | ({} if limit is None else {"max_time": limit}))
        return ref

    def find(self, plan: Plan) -> JobRef | None:
        """Return the job if it was queued."""
        ref = super().find(plan)
        return ref if ref is None or plan.spec.kind == "predict" or self._queue.exists(ref.name) else None

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """Look how far they are."""
        found = {job: self._queue.progress(job.name) for job in jobs if job.kind == "train"}
        found |= super().poll([job for job in jobs if job.kind == "predict"])
        return {job: progress for job, progress in found.items() if progress is not None}

    def cancel(self, job: JobRef) -> None:
        """Ask the search to stop."""
        self._queue.cancel(job.name)

    def collect(self, job: JobRef) -> Outcome:
        """Return what the search kept."""
        return super().collect(job) if job.kind == "predict" else self._queue.outcome(job.name)

    def kill(self) -> None:
        """End the worker."""
        self._queue.kill()
