"""How far jobs are: one list call a page of a hundred, details for a few of them.

A list says whether a job has ended; that is all the engine needs to go on. Candidates and metered child jobs take
several calls a job, so they are fetched for at most `DETAILED` jobs at a poll, those first that were looked at
longest ago. With fewer jobs than that each is up to date at every poll, and a cost cap is watched that closely; with
a thousand a poll stays at about a dozen calls more than its pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Progress
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import RejectedError, TransientError
from automl_bridge_sagemaker.candidates import list_candidates, trials_of
from automl_bridge_sagemaker.children import Children, transform_usage
from automl_bridge_sagemaker.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.backend import JobRef
    from automl_bridge_sagemaker.clients import Clients

__all__ = ["DETAILED", "STATES", "Polling"]

DETAILED = 8
"""Jobs whose candidates and usage are read at one poll."""

STATES = {
    "Completed": JobState.SUCCEEDED,
    "InProgress": JobState.RUNNING,
    "Stopping": JobState.RUNNING,
    "Stopped": JobState.CANCELLED,
    "Failed": JobState.FAILED,
}
"""The service's states of jobs; one that is not here is RUNNING."""

_LISTS: dict[str, tuple[str, str, str, str]] = {
    "train": ("list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName", "AutoMLJobStatus"),
    "predict": ("list_transform_jobs", "TransformJobSummaries", "TransformJobName", "TransformJobStatus"),
}


class Polling:
    """Asks how far jobs are; remembers the details that it has seen."""

    def __init__(self, clients: Clients, children: Children, region: str) -> None:
        self._clients = clients
        self._children = children
        self._region = region
        self._details: dict[str, Progress] = {}
        self._looked: dict[str, int] = {}
        self._round = 0

    def poll(self, jobs: Sequence[JobRef]) -> dict[JobRef, Progress]:
        """Return the progress of the jobs that the service lists."""
        self._round += 1
        answers: dict[JobRef, Progress] = {}
        running: list[tuple[JobRef, Mapping[str, Any]]] = []
        for kind in ("train", "predict"):
            wanted = {job.name.lower(): job for job in jobs if job.kind == kind}
            for job, summary in self._listed(kind, wanted):
                state = STATES.get(summary[_LISTS[kind][3]], JobState.RUNNING)
                answers[job] = self._progress(job, summary, state)
                if state is JobState.RUNNING:
                    running.append((job, summary))
        running.sort(key=lambda pair: self._looked.get(pair[0].name, 0))
        for job, summary in running[:DETAILED]:
            self._look(job, summary)
            answers[job] = self._progress(job, summary, JobState.RUNNING)
        return answers

    def _listed(self, kind: str, wanted: dict[str, JobRef]) -> list[tuple[JobRef, Mapping[str, Any]]]:
        """Go through the pages, newest first, until all that is wanted was seen."""
        if not wanted:
            return []
        call, key, name_key, _ = _LISTS[kind]
        options: dict[str, Any] = {"SortBy": "CreationTime", "SortOrder": "Descending"}
        stem = _common_start(list(wanted)).rstrip("-")
        if stem:
            options["NameContains"] = stem
        pages = self._clients.sagemaker.get_paginator(call).paginate(**options, PaginationConfig={"PageSize": 100})
        found: dict[str, Mapping[str, Any]] = {}
        with translated(f"listing {kind} jobs"):
            for page in pages:
                for summary in page[key]:
                    name = summary[name_key].lower()
                    if name in wanted:
                        found.setdefault(name, summary)
                if len(found) == len(wanted):
                    break
        return [(wanted[name], summary) for name, summary in found.items()]

    def _progress(self, job: JobRef, summary: Mapping[str, Any], state: JobState) -> Progress:
        details = self._details.get(job.name, Progress(state=state))
        words = summary.get("AutoMLJobSecondaryStatus") or summary.get("TransformJobStatus") or ""
        if summary.get("FailureReason"):
            words = summary["FailureReason"]
        return details.model_copy(update={"state": state, "message": words})

    def _look(self, job: JobRef, summary: Mapping[str, Any]) -> None:
        """Read the details of a running job; a call that fails in passing leaves those of the last time."""
        self._looked[job.name] = self._round
        try:
            self._details[job.name] = self._train(job, summary) if job.kind == "train" else self._predict(job)
        except TransientError:
            return
        except RejectedError as error:
            # The job itself is well; but what is not read is not known, and a watched cap must see that.
            self._details[job.name] = Progress(state=JobState.RUNNING, usage=Usage(known=False), message=error.message)

    def _train(self, job: JobRef, summary: Mapping[str, Any]) -> Progress:
        candidates = list_candidates(job.name, self._clients)
        trials = trials_of(candidates)
        best = next((trial.score for trial in trials if trial.score is not None), None)
        usage = self._children.usage(job.name, summary["AutoMLJobArn"], summary["CreationTime"], candidates)
        return Progress(state=JobState.RUNNING, trial=len(trials) or None, trials=trials, best=best, usage=usage)

    def _predict(self, job: JobRef) -> Progress:
        with translated(f"reading the transform job {job.name}"):
            answer = self._clients.sagemaker.describe_transform_job(TransformJobName=job.name)
        item = transform_usage(answer, self._region)
        return Progress(state=JobState.RUNNING, usage=Usage(items=(item,) if item else ()))


def _common_start(names: Sequence[str]) -> str:
    """Return the longest text that all names start with."""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
