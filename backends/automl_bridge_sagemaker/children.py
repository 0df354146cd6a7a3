"""What an AutoML job was billed: the training, processing and transform jobs that it started.

A candidate names the jobs of its steps. Jobs that belong to no candidate (reading and analysing the data, candidates
that came to nothing) are found by name, since Autopilot begins their names with its own or with those of its tuning
jobs, and taken only if they say that they belong to the job (``AutoMLJobArn``). Training is billed by
``BillableTimeInSeconds`` times instances; the other two by the time that they ran.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge_sagemaker.errors import is_code, translated
from automl_bridge_sagemaker.rates import BATCH, PROCESSING, TRAINING, sku

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from automl_bridge_sagemaker.clients import Clients

__all__ = ["Children", "transform_usage"]

_NAME_STEM = 10
"""So many characters of the AutoML job's name are surely at the start of its children's."""

_EARLIER = timedelta(minutes=1)
"""Lists leave out what was made at the very moment that they are asked from; whose a child is, it says itself."""


class _Kind(NamedTuple):
    part: str
    step: str
    list_call: str
    list_key: str
    describe_call: str
    name_key: str
    state_key: str


_KINDS = (
    _Kind(TRAINING, "TrainingJob", "list_training_jobs", "TrainingJobSummaries", "describe_training_job",
          "TrainingJobName", "TrainingJobStatus"),
    _Kind(PROCESSING, "ProcessingJob", "list_processing_jobs", "ProcessingJobSummaries", "describe_processing_job",
          "ProcessingJobName", "ProcessingJobStatus"),
    _Kind(BATCH, "TransformJob", "list_transform_jobs", "TransformJobSummaries", "describe_transform_job",
          "TransformJobName", "TransformJobStatus"),
)  # fmt: skip

_ENDED = frozenset({"Completed", "Failed", "Stopped"})


class Children:
    """Reads child jobs; what has ended is asked for once."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region
        # By the AutoML job's ARN as well: jobs whose names begin alike find each other's children.
        self._ended: dict[tuple[str, str, str], UsageItem] = {}
        self._strangers: set[tuple[str, str, str]] = set()
        # Tuning jobs by the AutoML job's ARN: their training jobs are named after them.
        self._searches: dict[str, set[str]] = {}

    def usage(
        self, job: str, arn: str, created: datetime, candidates: Iterable[Mapping[str, Any]], *, final: bool = False
    ) -> Usage:
        """Return what the AutoML job ``job`` has used so far.

        Parameters
        ----------
        job, arn, created
            Its name, its ARN, and when it was made.
        candidates
            Its candidates as the service lists them.
        final
            Whether the job has ended: then what a child that still runs will come to is not known.
        """
        named = {kind.part: _step_names(kind, candidates) for kind in _KINDS}
        items: list[UsageItem] = []
        known = True

        def take(kind: _Kind, names: Iterable[str]) -> None:
            nonlocal known
            for name in sorted(names):
                item, sure = self._item(kind, name, job, arn, certain=name in named[kind.part])
                runs = item is not None and (arn, kind.part, name) not in self._ended
                known = known and sure and not (final and runs)
                if item is not None:
                    items.append(item)

        for kind in _KINDS:
            taken = named[kind.part] | self._listed(kind, job[:_NAME_STEM], created)
            take(kind, taken)
            for search in sorted(self._searches.get(arn, ())) if kind.part == TRAINING else ():
                further = self._listed(kind, search, created) - taken
                take(kind, further)
                taken |= further
        return Usage(items=_summed(items), known=known)

    def _listed(self, kind: _Kind, stem: str, created: datetime) -> set[str]:
        """Return the names of jobs that begin with ``stem``."""
        pages = self._clients.sagemaker.get_paginator(kind.list_call).paginate(
            NameContains=stem, CreationTimeAfter=created - _EARLIER, PaginationConfig={"PageSize": 100}
        )
        with translated(f"listing the {kind.step}s of {stem}"):
            names = {one[kind.name_key] for page in pages for one in page[kind.list_key]}
        return {name for name in names if name.lower().startswith(stem.lower())}

    def _item(self, kind: _Kind, name: str, job: str, arn: str, *, certain: bool) -> tuple[UsageItem | None, bool]:
        """Return what one child used, and whether that is known."""
        key = (arn, kind.part, name)
        if key in self._ended:
            return self._ended[key], True
        if key in self._strangers:
            return None, True
        answer = self._described(kind, name)
        if answer is None:
            return None, not certain
        owner = answer.get("AutoMLJobArn")
        # Predict jobs of ours are called after the run as well; nothing of ours trains or processes but through it.
        ours = certain or (kind.part != BATCH and name.lower().startswith(job.lower()))
        if (owner or "").lower() != arn.lower() and (owner or not ours):
            self._strangers.add(key)
            return None, True
        if answer.get("TuningJobArn"):
            self._searches.setdefault(arn, set()).add(answer["TuningJobArn"].rpartition("/")[2])
        ended = answer[kind.state_key] in _ENDED
        item = _usage_of(kind.part, answer, self._region, ended=ended)
        if ended and item is not None:
            self._ended[key] = item
        # A job that has not started has nothing to bill; one that has ended without saying what it used is unknown.
        return item, item is not None or not ended

    def _described(self, kind: _Kind, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        with translated(f"reading {name}"):
            try:
                found: dict[str, Any] = getattr(self._clients.sagemaker, kind.describe_call)(**{kind.name_key: name})
            except ClientError as error:
                if is_code(error, "ValidationException", "ResourceNotFound"):
                    return None
                raise
        return found


def _step_names(kind: _Kind, candidates: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of the jobs of one kind among the candidates' steps; ARNs are in lower case, names are not."""
    steps = (step for candidate in candidates for step in candidate.get("CandidateSteps", ()))
    wanted = f"AWS::SageMaker::{kind.step}"
    return {
        step.get("CandidateStepName") or step["CandidateStepArn"].rpartition("/")[2]
        for step in steps
        if step["CandidateStepType"] == wanted
    }


def _usage_of(part: str, answer: Mapping[str, Any], region: str, *, ended: bool) -> UsageItem | None:
    if part == TRAINING:
        return _training(answer, region, ended=ended)
    if part == PROCESSING:
        cluster = answer.get("ProcessingResources", {}).get("ClusterConfig", {})
        return _timed(part, answer, "Processing", cluster, region, ended=ended)
    return transform_usage(answer, region)


def transform_usage(answer: Mapping[str, Any], region: str) -> UsageItem | None:
    """Return what a transform job used, from what the service says of it; None if it has not started, or not said."""
    cluster = answer.get("TransformResources", {})
    return _timed(BATCH, answer, "Transform", cluster, region, ended=answer.get("TransformJobStatus") in _ENDED)


def _training(answer: Mapping[str, Any], region: str, *, ended: bool) -> UsageItem | None:
    cluster = answer.get("ResourceConfig") or {}
    billable = answer.get("BillableTimeInSeconds")
    if billable is None:
        # It is there once the job has ended; until then the time since the instances started is what it will be.
        return _timed(TRAINING, answer, "Training", cluster, region, ended=ended)
    kind, instances = _machines(cluster)
    return _hours(TRAINING, kind, float(billable) * instances, region) if kind and instances else None


def _machines(cluster: Mapping[str, Any]) -> tuple[str | None, int]:
    """Return instance type and count; those that the service selected where several were allowed."""
    kind = cluster.get("SelectedInstanceType") or cluster.get("InstanceType")
    return kind, int(cluster.get("SelectedInstanceCount") or cluster.get("InstanceCount") or 0)


def _timed(
    part: str, answer: Mapping[str, Any], step: str, cluster: Mapping[str, Any], region: str, *, ended: bool
) -> UsageItem | None:
    began, until = answer.get(f"{step}StartTime"), answer.get(f"{step}EndTime")
    kind, instances = _machines(cluster)
    if began is None or not kind or not instances:
        return None
    if until is None:
        # The service's clock goes on, the job's does not: of one that is over, only its last change says when.
        until = answer.get("LastModifiedTime") if ended else _now(answer, began)
        if until is None:
            return None
    return _hours(part, kind, max(0.0, (until - began).total_seconds()) * instances, region)


def _now(answer: Mapping[str, Any], began: datetime) -> datetime:
    """Return the service's own time: the later of its answer's date and the last change of what it tells of."""
    from email.utils import parsedate_to_datetime

    times = [began]
    if answer.get("LastModifiedTime"):
        times.append(answer["LastModifiedTime"])
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if date:
        times.append(parsedate_to_datetime(date))
    return max(times)


def _hours(part: str, instance: str, seconds: float, region: str) -> UsageItem:
    purpose: Any = "prediction" if part == BATCH else "training"
    return UsageItem(
        sku=sku(part, instance), quantity=seconds / 3600, unit="instance-hour", part=purpose, region=region
    )


def _summed(items: Iterable[UsageItem]) -> tuple[UsageItem, ...]:
    """Return one item for each thing that is billed."""
    sums: dict[tuple[str, str], UsageItem] = {}
    for item in items:
        key = (item.sku, item.part)
        before = sums[key].quantity if key in sums else 0.0
        sums[key] = item.model_copy(update={"quantity": before + item.quantity})
    return tuple(sums.values())
