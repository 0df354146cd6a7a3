"""RunRecord: what is known of a run, as the store keeps it and every face shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from automl_bridge.backend import Failure, JobRef, Outcome, Plan, PlannedResource, Progress, Staged
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import NoModelError, RunCancelledError, RunFailedError
from automl_bridge.runs.states import RunState
from automl_bridge.scoring_intervals import Interval
from automl_bridge.spec import Frozen, JobSpec, ModelRef
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.costs.cost import Cost
    from automl_bridge.costs.estimate import Estimate
    from automl_bridge.costs.prices import PriceBook

__all__ = ["Event", "JobRecord", "JobStage", "ResourceRecord", "ResourceState", "RunRecord", "moment"]


def moment(seconds: float) -> datetime:
    """Return the UTC time of so many seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


class RunRecord(Frozen):
    """One JobSpec on one backend.

    Parameters
    ----------
    id, name
        Twelve hexadecimal digits, and the remote name, ``ab-<id>``.
    backend, task, state
        Where it runs, what it learns, and where it stands.
    spec, plan
        What was asked, and what the backend makes of it.
    created, updated
        When it was written down and when last changed (UTC).
    progress
        What the service last said about the training job.
    outcome
        What came of the training job, once it has ended.
    scores
        All metrics on the holdout, each in its natural sign; empty until scored, or where there is no holdout.
    interval
        Confidence interval of the run's metric on the holdout.
    failure
        If it failed, how.
    dataset_path, bundle_path, predictions_path
        Folder of the data; folder of the model, if it predicts on this machine; outputs on the holdout
        (``.npy``, as in `Outcome`).
    sandbox
        Whether a sandbox ran it, not the live service.
    baseline_run, continues
        Ids of the baseline's run on the same data, and of the run whose trials this one continues.
    cancelling
        Whether somebody asked it to stop.
    capped
        Whether the engine stopped it, so that it keeps its cost cap.
    versions, notes
        Packages and services that did it; sentences for the reader.
    usage
        All that was metered for it, predictions on the holdout included.
    later_usage
        What was metered for predictions by jobs since it ended.
    """

    id: str
    name: str
    backend: str
    task: Task
    state: RunState
    spec: JobSpec
    plan: Plan
    created: datetime
    updated: datetime
    progress: Progress | None = None
    outcome: Outcome | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    interval: Interval | None = None
    failure: Failure | None = None
    dataset_path: Path | None = None
    bundle_path: Path | None = None
    predictions_path: Path | None = None
    sandbox: bool = False
    baseline_run: str | None = None
    continues: str | None = None
    cancelling: bool = False
    capped: bool = False
    versions: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    usage: Usage = Usage(known=False)
    later_usage: Usage = Usage()

    @property
    def score(self) -> float | None:
        """The run's metric on the holdout, in its natural sign; None if it was not scored."""
        return self.scores.get(self.spec.metric)

    @property
    def model(self) -> ModelRef | None:
        """The trained model, once there is one."""
        return self.outcome.model if self.outcome else None

    @property
    def elapsed(self) -> float:
        """Seconds from its creation to its last change."""
        return (self.updated - self.created).total_seconds()

    def cost(self, book: PriceBook, *, later: bool = True) -> Cost:
        """Return what it cost by the prices of the day of its last change; what is unknown is said to be.

        Parameters
        ----------
        book
            The prices.
        later
            Whether predictions by jobs since it ended count; its estimate knows nothing of them.
        """
        from automl_bridge.costs.cost import cost_of

        return cost_of(self.usage + self.later_usage if later else self.usage, book, self.updated.date())

    def estimate(self, book: PriceBook) -> Estimate | None:
        """Return what its plan expected it to cost, by the same prices; None where the plan expects nothing."""
        from automl_bridge.costs.estimate import estimate_of

        return estimate_of(self.plan.usage, book, self.updated.date())

    def raise_if_failed(self) -> RunRecord:
        """Return the record if there is a model to use, however the search was stopped.

        Raises
        ------
        RunFailedError
            If the run failed; its ``kind`` says how.
        RunCancelledError
            If it was cancelled before there was a model.
        NoModelError
            If it has not ended.
        """
        if self.state is RunState.FAILED:
            failure = self.failure or Failure(kind="service", message="the service did not say why")
            raise RunFailedError(
                f"run {self.id} on {self.backend} failed ({failure.kind}): {failure.message}",
                kind=failure.kind,
                hint=f"automl-bridge runs show {self.id} lists its trials and events",
            )
        if self.state is RunState.CANCELLED and self.model is None:
            raise RunCancelledError(f"run {self.id} was cancelled before it had a model")
        if self.model is None:
            hint = f"automl-bridge runs wait {self.id} waits for its end"
            raise NoModelError(f"run {self.id} is {self.state}: it has no model yet", hint=hint)
        return self


class JobStage(StrEnum):
    """How far a job at a backend is, as far as the engine must know to go on."""

    PLANNED = "planned"
    STAGED = "staged"
    SUBMITTED = "submitted"
    ENDED = "ended"
    COLLECTED = "collected"


class JobRecord(Frozen):
    """A job at a backend, to train or to predict: written down before it exists.

    Parameters
    ----------
    run, name, kind
        Whose it is, its remote name, and what it does.
    plan
        Its plan; None for the training job, whose plan is the run's.
    stage, staged, ref, outcome
        How far it is, and what each step returned.
    """

    run: str
    name: str
    kind: Literal["train", "predict"] = "train"
    stage: JobStage = JobStage.PLANNED
    plan: Plan | None = None
    staged: Staged | None = None
    ref: JobRef | None = None
    outcome: Outcome | None = None


class ResourceState(StrEnum):
    """Whether a resource exists."""

    PLANNED = "planned"
    """It may exist: the call that creates it may have been made."""
    CREATED = "created"
    DELETED = "deleted"


class ResourceRecord(Frozen):
    """A thing that a job creates at a service: written down before it exists."""

    run: str
    job: str
    backend: str
    kind: str
    name: str
    temporary: bool
    state: ResourceState = ResourceState.PLANNED
    since: datetime

    @classmethod
    def of(cls, run: str, job: str, backend: str, planned: PlannedResource, since: datetime) -> ResourceRecord:
        """Return the record of a planned resource."""
        return cls(
            run=run, job=job, backend=backend, kind=planned.kind, name=planned.name, temporary=planned.temporary,
            since=since,
        )  # fmt: skip


class Event(Frozen):
    """One line of a run's log: ``state``, ``trial``, ``retry``, ``note`` or ``error``, and when."""

    run: str
    time: datetime
    kind: str
    message: str
