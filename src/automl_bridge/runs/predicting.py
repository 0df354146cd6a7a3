"""Predicting with finished runs and with bundles: in process where the model allows it, else by a job."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from automl_bridge.errors import RunFailedError, StateError, TransientError
from automl_bridge.runs.holdout import predict_spec, read_outputs
from automl_bridge.runs.jobs import keep_file, next_stage
from automl_bridge.runs.lease import Heartbeat, Owner
from automl_bridge.runs.pace import Pace
from automl_bridge.runs.record import JobRecord, JobStage, ResourceState
from automl_bridge.runs.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.backend import Backend, Outcome, Plan, Predictor
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.runs.transaction import Transaction
    from automl_bridge.spec import ModelRef

    T = TypeVar("T")

__all__ = ["PredictJob", "Predictors"]

_KEPT = 4


class Predictors:
    """Loaded models, the most recently used ones.

    Parameters
    ----------
    kept
        How many stay loaded.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._loaded: OrderedDict[tuple[str, str], Predictor] = OrderedDict()

    def get(self, backend: Backend, model: ModelRef) -> Predictor:
        """Return a model, loading it if need be."""
        key = (model.backend, model.uri)
        if key not in self._loaded:
            while len(self._loaded) >= self._kept:
                self._loaded.popitem(last=False)[1].close()
            self._loaded[key] = backend.load(model)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    def close(self) -> None:
        """Let go of all of them."""
        while self._loaded:
            self._loaded.popitem()[1].close()


class PredictJob:
    """A predict job of a finished run: written down, found again after a crash, and its resources deleted.

    Parameters
    ----------
    engine
        Its store, clock and backends are used.
    run
        The run whose model predicts.
    dataset
        What to predict. The same data is predicted once: asked again, the job's result is there.
    """

    def __init__(self, engine: Engine, run: RunRecord, dataset: Dataset) -> None:
        self._engine = engine
        self._run = run
        self._dataset = dataset
        self._backend = engine.backend(run.backend)
        self._owner = Owner.new()

    def outputs(self) -> NDArray[np.float64]:
        """Drive the job to its end and return its outputs, shape (rows, outputs).

        Raises
        ------
        RunFailedError
            If the job fails.
        """
        digest = self._dataset.profile.fingerprint[:8]
        kept = self._engine.folder(self._run.id) / f"predictions-{digest}.npy"
        clock, store = self._engine.clock, self._engine.store
        try:
            self._take_lease()
            with Heartbeat(lambda: store.renew(self._owner, clock.now())):
                self._drive(digest, kept)
                return read_outputs(kept, self._dataset.profile.rows["predict"])
        finally:
            self._owner.close()
            store.release(self._owner)

    def _take_lease(self) -> None:
        pace = Pace.of(local=True)
        while not self._engine.store.acquire([self._run.id], self._owner, self._engine.clock.now(), ended=True):
            now = self._engine.clock.now()
            pace.polled(now, now, changed=False)
            self._engine.clock.sleep(pace.wait)

    def _drive(self, digest: str, kept: Path) -> None:
        job = self._begin(digest, kept)
        while job.stage is not JobStage.COLLECTED:
            job = self._advance(job, kept)
            with self._engine.store.transaction(self._engine.clock.now(), self._owner, durable=True) as transaction:
                transaction.put_job(job)
                if job.stage is JobStage.SUBMITTED:
                    transaction.mark_resources(self._run.id, ResourceState.CREATED, job=job.name)
                if job.stage is JobStage.COLLECTED and job.outcome is not None:
                    self._bill(transaction, job.outcome)
            self._engine.boundary("written")
        if job.outcome is not None and job.outcome.predictions is None:
            failure = job.outcome.failure
            message = failure.message if failure else f"the job ended as {job.outcome.state}"
            raise RunFailedError(f"{job.name}: {message}", kind=failure.kind if failure else "service")

    def _bill(self, transaction: Transaction, outcome: Outcome) -> None:
        """Put what the job used on the run's bill, in the moment in which the job is done with."""
        run = self._engine.store.get(self._run.id)
        if outcome.usage.items or not outcome.usage.known:
            transaction.update(run, run.model_copy(update={"later_usage": run.later_usage + outcome.usage}))

    def _begin(self, digest: str, kept: Path) -> JobRecord:
        """Return the job if its result is there or under way, else write a new one down."""
        run = self._run
        assert run.model is not None
        known = {job.name: job for job in self._engine.store.jobs(run.id)}
        names = (f"{run.name}-p{digest}" + (f"{attempt}" if attempt > 1 else "") for attempt in range(1, 100))
        for name in names:
            if name not in known:
                break
            if known[name].stage is not JobStage.COLLECTED or kept.is_file():
                return known[name]
        else:
            raise StateError(f"run {run.id} has predicted the same data 99 times without a result")
        plan = self._backend.plan(predict_spec(run, run.model, name, self._dataset.profile))
        job = JobRecord(run=run.id, name=name, kind="predict", plan=plan)
        with self._engine.store.transaction(self._engine.clock.now(), self._owner) as transaction:
            transaction.put_job(job, new=True)
            transaction.add_resources(self._engine.planned(run, plan))
        self._engine.boundary("written")
        return job

    def _advance(self, job: JobRecord, kept: Path) -> JobRecord:
        """Take the next step. It counts as collected only when the result is kept and nothing is left behind."""
        assert job.plan is not None
        if job.stage is JobStage.SUBMITTED:
            self._wait(job)
            return job.model_copy(update={"stage": JobStage.ENDED})
        new = self._next(job, job.plan)
        if new.stage is JobStage.COLLECTED and new.outcome is not None:
            if new.outcome.predictions is not None:
                keep_file(new.outcome.predictions, kept)
                self._engine.boundary("kept")
            self._clean(new)
        return new

    def _next(self, job: JobRecord, plan: Plan) -> JobRecord:
        def step() -> JobRecord:
            new = next_stage(job, plan, self._backend, lambda: self._dataset)
            assert new is not None
            return new

        return self._again(step)

    def _wait(self, job: JobRecord) -> None:
        ref = job.ref
        assert ref is not None
        pace = Pace.of(local=False)
        while True:
            began = self._engine.clock.now()
            progress = self._again(lambda: self._backend.poll([ref])).get(ref)
            if progress is not None and progress.state.is_final:
                return
            pace.polled(began, self._engine.clock.now(), changed=False)
            self._engine.clock.sleep(max(0.0, pace.due - self._engine.clock.now()))

    def _again(self, call: Callable[[], T]) -> T:
        backoff = Backoff()
        while True:
            try:
                return call()
            except TransientError as error:
                now = self._engine.clock.now()
                if not backoff.failure(error, now):
                    raise
                self._engine.clock.sleep(backoff.due - now)

    def _clean(self, job: JobRecord) -> None:
        from automl_bridge.backend import Resource

        for resource in self._engine.store.resources(self._run.id):
            if resource.job != job.name or not resource.temporary or resource.state is ResourceState.DELETED:
                continue
            wanted = Resource(backend=resource.backend, kind=resource.kind, name=resource.name, run=self._run.id)
            self._again(lambda wanted=wanted: self._backend.delete(wanted))  # type: ignore[misc]
            with self._engine.store.transaction(self._engine.clock.now(), self._owner) as transaction:
                transaction.mark_resources(self._run.id, ResourceState.DELETED, name=resource.name)
