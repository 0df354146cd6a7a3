"""What a run does in each state, up to the point where only the service can bring it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Resource
from automl_bridge.errors import (
    BackendError,
    ConfigError,
    CredentialsError,
    MissingExtraError,
    RejectedError,
    RunError,
    RunFailedError,
    StorageError,
    TransientError,
    UsageError,
)
from automl_bridge.runs.endings import concluded, fail, is_final, joined, kept, signed, verdict
from automl_bridge.runs.holdout import has_holdout, predict_spec, read_outputs, scores_of
from automl_bridge.runs.jobs import keep_file, next_stage
from automl_bridge.runs.record import JobRecord, JobStage, ResourceRecord, ResourceState, RunRecord, moment
from automl_bridge.runs.retry import Backoff
from automl_bridge.runs.states import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.backend import Backend, JobRef, Outcome, Plan
    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.lease import Owner

__all__ = ["Driven", "Steps"]

# Not the run's fault: it stays as it is, and goes on when the caller has mended the cause.
_PAUSES = (CredentialsError, StorageError, ConfigError, MissingExtraError, TransientError)


@dataclass
class Driven:
    """A run while it is driven, with its jobs."""

    run: RunRecord
    train: JobRecord
    holdout: JobRecord | None = None
    owned: bool = False
    cancel_sent: bool = False
    missing_since: float | None = None
    blocked: Exception | None = None
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def polled(self) -> JobRecord | None:
        """The job whose end the run waits for; None if it waits for none."""
        job = {RunState.RUNNING: self.train, RunState.SCORING: self.holdout}.get(self.run.state)
        return job if job is not None and job.stage is JobStage.SUBMITTED else None


class Steps:
    """The steps of runs whose leases ``owner`` holds."""

    def __init__(self, engine: Engine, owner: Owner) -> None:
        self._engine = engine
        self._store = engine.store
        self._owner = owner

    def take(self, driven: Driven) -> None:
        """Take the next step of a run that does not wait for the service; what came of it is in the store.

        Raises
        ------
        TransientError, CredentialsError, StorageError, ConfigError, MissingExtraError
            If the step should be taken again, later; the run is not failed by it.
        LeaseLostError
            If another process has taken the run over.
        """
        run = driven.run
        step = {
            RunState.CREATED: self._begin,
            RunState.STAGING: self._stage,
            RunState.SUBMITTING: self._submit,
            RunState.COLLECTING: self._collect,
            RunState.SCORING: self._score,
            RunState.CLEANING: self._clean,
        }[run.state]
        try:
            step(driven)
        except _PAUSES:
            raise
        except (UsageError, BackendError, RunError) as error:
            if not is_final(run, error):
                raise
            self.write(driven, **fail(run, error))

    def write(
        self,
        driven: Driven,
        *,
        job: JobRecord | None = None,
        resources: list[ResourceRecord] | None = None,
        created: JobRecord | None = None,
        durable: bool = False,
        log: tuple[str, str] | None = None,
        **changes: Any,
    ) -> None:
        """Write what has changed, all at once; afterwards ``driven`` says the same as the store.

        Parameters
        ----------
        job
            The job as it is now.
        resources
            What is about to be created.
        created
            The job whose resources exist from now on.
        durable, log
            As in the store: whether it must outlive a loss of power; kind and text of an event.
        changes
            Fields of the run.
        """
        now = self._engine.clock.now()
        new = driven.run.model_copy(update={**changes, "updated": moment(now)})
        # What runs on this machine ends with its power.
        durable = durable and not self._engine.is_local(new.backend)
        with self._store.transaction(now, self._owner, durable=durable) as transaction:
            transaction.update(driven.run, new)
            if job is not None:
                transaction.put_job(job, new=job.kind == "predict" and driven.holdout is None)
            transaction.add_resources(resources or ())
            if created is not None:
                transaction.mark_resources(new.id, ResourceState.CREATED, job=created.name)
            if log is not None:
                transaction.event(new.id, *log)
        driven.run = new
        if job is not None and job.kind == "train":
            driven.train = job
        elif job is not None:
            driven.holdout = job
        self._engine.boundary("written")

    def _begin(self, driven: Driven) -> None:
        self.write(driven, state=RunState.CLEANING if driven.run.cancelling else RunState.STAGING)

    def _stage(self, driven: Driven) -> None:
        if driven.run.cancelling:
            self.write(driven, state=RunState.CLEANING)
            return
        job = self._advance(driven, driven.train)
        # From here on the job may exist.
        self.write(driven, job=job, state=RunState.SUBMITTING, durable=True)

    def _submit(self, driven: Driven) -> None:
        job = self._advance(driven, driven.train, start=not driven.run.cancelling)
        if job is None:
            self.write(driven, state=RunState.CLEANING)
            return
        self.write(driven, job=job, created=job, state=RunState.RUNNING)

    def _collect(self, driven: Driven) -> None:
        job = self._advance(driven, driven.train)
        assert job is not None
        assert job.outcome is not None
        outcome = kept(job.outcome, self._engine.folder(driven.run.id) / "bundle", self._context(driven.run))
        changes = concluded(driven.run, outcome)
        scored = outcome.model is not None and changes.get("failure") is None and has_holdout(driven.run)
        state = RunState.SCORING if scored else RunState.CLEANING
        # The outcome has a column of its own; the job need not keep it twice.
        self.write(driven, job=job.model_copy(update={"outcome": None}), state=state, **changes)

    def _context(self, run: RunRecord) -> Callable[[], bytes] | None:
        """Return what gives the end of a forecaster's data; None for all other tasks."""
        if run.spec.forecast is None:
            return None
        from automl_bridge.data.series_context import tail, write_context

        return lambda: write_context(tail(self._engine.data.of(run)))

    def _score(self, driven: Driven) -> None:
        try:
            self._score_step(driven)
        except _PAUSES:
            raise
        except Exception as error:  # noqa: BLE001 - there is a model: whatever is wrong here must not lose it
            message = str(error).splitlines()[0] if str(error) else type(error).__name__
            note = f"the holdout could not be scored: {message}"
            self.write(driven, state=RunState.CLEANING, notes=(*driven.run.notes, note), log=("error", note))

    def _score_step(self, driven: Driven) -> None:
        job = driven.holdout
        if job is None:
            self._plan_holdout(driven)
            return
        job = self._advance(driven, job)
        assert job is not None
        if job.outcome is None:
            is_new = job.stage is JobStage.SUBMITTED
            self.write(driven, job=job, created=job if is_new else None, durable=job.stage is JobStage.STAGED)
            return
        self._finish_scoring(driven, job, job.outcome)

    def _plan_holdout(self, driven: Driven) -> None:
        run = driven.run
        assert run.model is not None
        data = self._engine.data.holdout(run)
        spec = predict_spec(run, run.model, f"{run.name}-h", data.profile)
        plan = self._backend(run).plan(spec)
        job = JobRecord(run=run.id, name=spec.name, kind="predict", plan=plan)
        self.write(driven, job=job, resources=self._engine.planned(run, plan))

    def _finish_scoring(self, driven: Driven, job: JobRecord, outcome: Outcome) -> None:
        run = driven.run
        if outcome.predictions is None:
            why = outcome.failure.message if outcome.failure else f"the job ended as {outcome.state}"
            raise RunFailedError(why)
        dataset = self._engine.data.of(run)
        kept = keep_file(outcome.predictions, self._engine.folder(run.id) / "predictions.npy")
        outputs = read_outputs(kept, run.spec.profile.rows["holdout"])
        scores, interval, remarks = scores_of(run, outputs, dataset)
        self.write(
            driven,
            job=job,
            state=RunState.CLEANING,
            scores=scores,
            interval=interval,
            predictions_path=kept,
            usage=run.usage + outcome.usage,
            notes=joined(run.notes, remarks, outcome.notes),
            versions={**outcome.versions, **run.versions},
        )

    def _clean(self, driven: Driven) -> None:
        run = driven.run
        # Nothing was sent while the training job was not staged: nothing can exist.
        touched = driven.train.stage is not JobStage.PLANNED
        for resource in self._store.resources(run.id) if run.plan.resources or driven.holdout else ():
            if not resource.temporary or resource.state is ResourceState.DELETED:
                continue
            if touched:
                self._delete(driven, resource)
        self.write(driven, state=verdict(driven.run), **signed(driven.run))
        self._engine.data.forget(run)

    def _delete(self, driven: Driven, resource: ResourceRecord) -> None:
        run = driven.run
        wanted = Resource(backend=run.backend, kind=resource.kind, name=resource.name, run=run.id)
        try:
            self._backend(run).delete(wanted)
        except (UsageError, RejectedError) as error:
            note = f"{resource.kind} {resource.name} could not be deleted: {error.args[0]}"
            self.write(driven, notes=(*run.notes, note), log=("error", note))
            return
        with self._store.transaction(self._engine.clock.now(), self._owner) as transaction:
            transaction.mark_resources(run.id, ResourceState.DELETED, name=resource.name)
        self._engine.boundary("written")

    def _backend(self, run: RunRecord) -> Backend:
        return self._engine.backend(run.backend)

    def _advance(self, driven: Driven, job: JobRecord, *, start: bool = True) -> Any:
        run, data = driven.run, self._engine.data
        plan: Plan = job.plan or run.plan
        source = (lambda: data.of(run)) if job.kind == "train" else (lambda: data.holdout(run))
        return next_stage(job, plan, self._backend(run), source, start=start)

    def cancel(self, driven: Driven) -> None:
        """Ask the service to stop the training job, once; it keeps the best model so far."""
        ref: JobRef | None = driven.train.ref
        if driven.cancel_sent or driven.run.state is not RunState.RUNNING or ref is None:
            return
        try:
            self._backend(driven.run).cancel(ref)
        except (UsageError, RejectedError) as error:
            self.write(driven, log=("error", f"the job could not be stopped: {error.args[0]}"))
        driven.cancel_sent = True
