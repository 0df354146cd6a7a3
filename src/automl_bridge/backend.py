"""The contract of a backend, and the values that cross it.

A backend translates: a JobSpec into its service's own request, its service's answers back. It owns no
files but those it stages and its jobs', no retries, no clock and no money: the engine does. Every call
may be repeated, after an error or in another process.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from pydantic import BaseModel, Field

from automl_bridge.costs.usage import Usage, UsageRange
from automl_bridge.errors import UnsupportedError
from automl_bridge.spec import Frozen, JobSpec, ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.capabilities import Capabilities
    from automl_bridge.costs.prices import Price, PriceBook
    from automl_bridge.data.dataset import Dataset

__all__ = [
    "Backend",
    "Cap",
    "Check",
    "Failure",
    "JobRef",
    "JobState",
    "Objective",
    "Outcome",
    "Plan",
    "PlannedResource",
    "Predictor",
    "Progress",
    "Resource",
    "Staged",
    "Trial",
]


class Cap(Frozen):
    """What stands behind a cost cap: the service itself (guaranteed), our engine (watched), or nothing."""

    kind: Literal["guaranteed", "watched", "none"]
    because: str


class Objective(Frozen):
    """What the backend optimises for the metric that was asked for; `exact` if it is the same thing."""

    name: str
    exact: bool


class PlannedResource(Frozen):
    """A thing the job will create, named before it exists; `temporary` ones are deleted after use."""

    kind: str
    name: str
    temporary: bool = True


class Plan(Frozen):
    """What a backend would do for a JobSpec. Made without network or credentials; the same spec, the same plan.

    Parameters
    ----------
    spec, backend
        What was asked, and of whom.
    request
        The native request, as it will be sent (JSON).
    objective, cap
        What is optimised, and what bounds the cost. None for a predict job.
    resources
        What will be created.
    limits_sent
        Native limits in the request, by the service's own names.
    usage
        Expected usage.
    duration
        Expected wall-clock seconds: least and most.
    notes
        Sentences that the reader should see before anything is spent.
    """

    spec: JobSpec
    backend: str
    request: dict[str, object]
    objective: Objective | None = None
    cap: Cap = Cap(kind="none", because="no cap was asked for")
    resources: tuple[PlannedResource, ...] = ()
    limits_sent: dict[str, object] = Field(default_factory=dict)
    usage: UsageRange | None = None
    duration: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


class Staged(Frozen):
    """Where the service finds the data: addresses by part, and how many bytes had to be sent for it."""

    uris: dict[str, str]
    bytes_sent: int = 0


class JobRef(Frozen):
    """A job at a backend: its remote name, and the service's own identifier where that differs."""

    backend: str
    name: str
    kind: Literal["train", "predict"] = "train"
    remote_id: str = ""

    def __hash__(self) -> int:
        """Hash by content, so that it can be the key of `Backend.poll`'s answer."""
        return hash((self.backend, self.name, self.kind, self.remote_id))


class JobState(StrEnum):
    """Where a job stands, as far as the service tells. An unknown state of a service is RUNNING."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether it stays like that."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class Trial(Frozen):
    """One candidate model.

    Parameters
    ----------
    id, model
        The service's identifier, and what it is in words.
    state
        A failed trial stays visible, with its `message`.
    score
        Validation score in the plan's objective, in its natural sign; None if it has none.
    metrics
        All metrics that the service reports, by its own names.
    seconds, epochs
        Wall-clock seconds of training; epochs where that has a meaning.
    combines
        Ids of the trials that it puts together, for an ensemble: a row of its own, and no trial that was made.
    stand_in
        Whether it is a model that was kept until the search had made one, such as a linear one: a row, and no trial.
    """

    id: str
    model: str = ""
    state: JobState = JobState.SUCCEEDED
    score: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    params: dict[str, object] = Field(default_factory=dict)
    seconds: float | None = None
    epochs: int | None = None
    message: str = ""
    combines: tuple[str, ...] = ()
    stand_in: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a trial that the search made: what ``max_trials`` limits, and what people are told."""
        return not self.combines and not self.stand_in


class Failure(Frozen):
    """How a job failed: a kind that programs can tell apart, and the words of the service."""

    kind: Literal["crash", "out-of-memory", "time-limit", "all-trials-failed", "quota", "data", "service", "storage"]
    message: str


class Progress(Frozen):
    """How far a job is.

    Parameters
    ----------
    state
        Where it stands.
    fraction
        Share of the budget or the work that is done, 0 to 1; None if not known.
    trial, epoch, epochs
        What it is at: number of the trial (from 1), epoch (from 1) and epochs planned.
    trials
        The trials so far.
    best
        Best validation score so far.
    usage
        What has been metered so far; None if the service does not say while it runs.
    message
        The service's own words, a line.
    """

    state: JobState
    fraction: float | None = None
    trial: int | None = None
    epoch: int | None = None
    epochs: int | None = None
    trials: tuple[Trial, ...] = ()
    best: float | None = None
    usage: Usage | None = None
    message: str = ""


class Outcome(Frozen):
    """What came of a job that has ended.

    Parameters
    ----------
    state
        SUCCEEDED if there is a model (or predictions), however it was stopped.
    stopped_by
        What ended the search: ``done``, ``max_time``, ``max_trials``, ``max_cost``, ``cancel``, ``memory``,
        ``crash``.
    trials
        Leaderboard, best first; failed ones last.
    model
        To train: where the model is.
    predictions
        To predict: a ``.npy`` file (no pickle) of float64, shape (rows, outputs), in the rows' order.
        Outputs are the probabilities in the order of ``profile.classes``, else one value per target; of a forecast,
        the point forecast and then the quantiles of ``forecast.quantiles``, ascending, for the rows of ``predict``.
    usage
        As the service metered it.
    failure
        If it failed, how.
    versions
        Packages and services that did it.
    notes
        Sentences for the reader: warnings of the service, what was left out.
    """

    state: JobState
    stopped_by: str = "done"
    trials: tuple[Trial, ...] = ()
    model: ModelRef | None = None
    predictions: Path | None = None
    usage: Usage = Usage(known=False)
    failure: Failure | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Check(Frozen):
    """One line of ``automl-bridge doctor``; `ok` is None where it could not be found out."""

    name: str
    ok: bool | None
    detail: str = ""


class Resource(Frozen):
    """Something this tool left behind that bills, or may: kind, name, and since when (ISO 8601).

    `run` is the remote name of the job that it was made for, as in ``JobSpec.name``; None where it is not known.
    """

    backend: str
    kind: str
    name: str
    since: str | None = None
    usage_per_day: Usage = Usage(known=False)
    run: str | None = None
    details: dict[str, str] = Field(default_factory=dict)


class Predictor(Protocol):
    """A loaded model. Calls after the first answer in milliseconds."""

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict rows of the features, by their own names; returns (rows, outputs) as in `Outcome`."""
        ...

    def close(self) -> None:
        """Let go of the memory and the processes behind it; may be called twice."""
        ...


class Backend(ABC):
    """An adapter to one AutoML. Entry points of the group ``automl_bridge.backends`` name its class.

    Importing its module must be light: SDKs are imported inside the methods that call them.

    Parameters
    ----------
    settings
        An instance of the class's own `settings`: region, bucket, role…; validated, no secrets.
    workspace
        A folder for what a local backend keeps (its jobs, its models). Cloud backends need none.
    """

    name: ClassVar[str]
    settings_class: ClassVar[type[BaseModel]]
    capabilities: ClassVar[Capabilities]
    extra: ClassVar[str | None] = None
    """The extra that installs what it needs, as in ``automl-bridge[sagemaker]``."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Modules that must be installed for it; checked without importing them."""
    provider: ClassVar[str | None] = None
    """Whose service it is (``aws``, ``gcp``, ``azure``): where a sandbox of that name stands in, results say so."""
    verified: ClassVar[str] = ""
    """How it was verified, for results and docs: ``runs on this machine``, ``not yet run against the live service``."""
    prices: PriceBook | None = None
    """Prices of the configuration, as the registry sets them: what a cap in dollars is planned with. None: built-in."""

    def __init__(self, settings: BaseModel, workspace: Path) -> None:
        self.settings = settings
        self.workspace = workspace

    @classmethod
    def in_sandbox(cls) -> bool:
        """Whether a sandbox stands in for its service: ``AUTOML_BRIDGE_SANDBOX`` lists the providers."""
        return cls.provider is not None and cls.provider in os.environ.get("AUTOML_BRIDGE_SANDBOX", "").split(",")

    @abstractmethod
    def check(self) -> Iterable[Check]:
        """Look whether the backend could work: packages, credentials, region, quota. Spends nothing."""

    @abstractmethod
    def plan(self, spec: JobSpec) -> Plan:
        """Translate ``spec``. Pure: no network, no credentials, no clock, no files.

        Raises
        ------
        UnsupportedError
            If the backend cannot do it.
        UsageError
            For data, a budget or a cap that the service would reject; names limit and source.
        """

    @abstractmethod
    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        """Write what the service reads, content-addressed: the same data is sent once. Never the holdout."""

    @abstractmethod
    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Start the job. Asked again after a crash anywhere inside it: one of each resource exists, no more."""

    @abstractmethod
    def find(self, plan: Plan) -> JobRef | None:
        """Return the job of ``plan`` if it reached the service, else None."""

    @abstractmethod
    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """Look how far jobs are, many in as few calls as the service allows; a job it does not know is left out."""

    @abstractmethod
    def cancel(self, job: JobRef) -> None:
        """Ask the job to stop and keep its best model so far. A job that has ended stays as it is."""

    def kill(self) -> None:  # noqa: B027 - services have none, and need not say so
        """End the processes on this machine that work for this backend, at once. Nothing, for a service."""

    @abstractmethod
    def collect(self, job: JobRef) -> Outcome:
        """Fetch what came of a job that has ended."""

    def load(self, model: ModelRef) -> Predictor:
        """Load a model that predicts on this machine; others predict by a job."""
        raise UnsupportedError(f"{self.name} models predict by a job, not on this machine: {model.uri}")

    def export(self, model: ModelRef, path: Path) -> Path:
        """Write the model's files into the folder ``path``; returns it."""
        raise UnsupportedError(f"{self.name} does not export models: {model.uri} ({path})")

    def convert(self, model: ModelRef, path: Path, form: str) -> Path:
        """Write the model's network into the folder ``path`` in another library's format; returns it.

        What is written was opened again and asked the same rows as the model.

        Raises
        ------
        UnsupportedError
            If the backend has no such format, or the format cannot hold this model; says why.
        """
        raise UnsupportedError(
            f"{self.name} has no model that could be written as {form}: {model.uri} ({path})",
            hint="leave out the format: the bundle opens on other machines",
        )

    def resources(self) -> Iterable[Resource]:
        """List everything this tool left in the account that bills. Nothing, for a backend on this machine."""
        return ()

    def list_prices(self) -> Iterable[Price]:
        """Ask the vendor's own price list for what the backend's ``prices.csv`` names, and for nothing else.

        What the list does not have is left out. Spends nothing.
        """
        raise UnsupportedError(f"{self.name} has no price list to ask: it runs on this machine")

    def delete(self, resource: Resource) -> None:
        """Delete a resource; one that is gone already is no error."""
        raise UnsupportedError(f"{self.name} has nothing to delete: {resource.kind} {resource.name}")
