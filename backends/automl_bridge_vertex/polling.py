"""How far jobs are: one list call a page, many jobs each; a few jobs are asked for by name.

A page says the state, the error and what training has used so far, which the service tells as it can. With a thousand
jobs a poll is one or a few calls, and once a job was seen the lists begin at the oldest that is still waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Progress
from automl_bridge_vertex.requests import RUN_LABEL
from automl_bridge_vertex.usage import training_usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from automl_bridge.backend import JobRef
    from automl_bridge.costs.usage import Usage
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["FEW", "PAGE", "Polling", "is_final", "number_of", "state_of", "word_of"]

FEW = 3
"""So many jobs are asked for one by one: that is exact, however long the project's list is."""
MISSED = 8
"""So many of those that a list has left out are asked for at one poll: lists may lag."""
PAGE = 1000
"""Jobs a page, as many as the service gives; it gives fewer where that is its rule."""

_STATES = {
    "QUEUED": JobState.PENDING,
    "PENDING": JobState.PENDING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "PARTIALLY_SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "EXPIRED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
"""The service's states of pipelines and jobs; one that is not here (running, cancelling, paused, new) is RUNNING."""

_PIPELINE_FIELDS = (
    "name", "state", "error", "labels", "create_time", "training_task_definition", "training_task_metadata",
)  # fmt: skip
_JOB_FIELDS = ("name", "state", "error", "labels", "create_time", "completion_stats")


def state_of(name: str) -> JobState:
    """Return the state behind the service's word, ``PIPELINE_STATE_RUNNING`` or ``JOB_STATE_RUNNING``."""
    return _STATES.get(name.removeprefix("PIPELINE_STATE_").removeprefix("JOB_STATE_"), JobState.RUNNING)


def word_of(thing: Any) -> str:
    """Return the service's word for the state of a pipeline or a job; one that the client does not know is a number."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        state = thing.state
    return str(getattr(state, "name", f"state {state}"))


def number_of(name: str) -> str:
    """Return the end of a resource's name, which tells it from others: what the project is called before it varies."""
    return name.rpartition("/")[2]


def is_final(name: str) -> bool:
    """Whether it stays like that."""
    return state_of(name).is_final


class Polling:
    """Asks how far jobs are."""

    def __init__(self, clients: Clients, settings: VertexSettings) -> None:
        self._clients = clients
        self._settings = settings
        self._created: dict[str, datetime] = {}

    def poll(self, jobs: Sequence[JobRef]) -> dict[JobRef, Progress]:
        """Return the progress of the jobs that the service knows."""
        answers: dict[JobRef, Progress] = {}
        for kind in ("train", "predict"):
            # A project is called by its id or by its number, and the service need not answer as it was asked.
            wanted = {number_of(job.remote_id): job for job in jobs if job.kind == kind and job.remote_id}
            for number, found in self._found(kind, wanted) if wanted else ():
                if found.create_time is not None:
                    self._created[number] = found.create_time
                answers[wanted[number]] = self._progress(found)
        return answers

    def _found(self, kind: str, wanted: dict[str, JobRef]) -> Iterator[tuple[str, Any]]:
        client = self._clients.pipelines if kind == "train" else self._clients.jobs
        noun = "training_pipeline" if kind == "train" else "batch_prediction_job"
        left = set(wanted)
        if len(wanted) > FEW:
            for found in self._listed(client, noun, kind, wanted):
                number = number_of(found.name)
                if number in left:
                    left.discard(number)
                    yield number, found
                if not left:
                    return
        for number in sorted(left)[:MISSED]:
            name = wanted[number].remote_id
            found = self._clients.found(f"reading {name}", getattr(client, f"get_{noun}"), str(name))
            if found is not None:
                yield number, found

    def _listed(self, client: Any, noun: str, kind: str, wanted: dict[str, JobRef]) -> Iterator[Any]:
        fields = _PIPELINE_FIELDS if kind == "train" else _JOB_FIELDS
        request = {
            "parent": self._settings.parent,
            "filter": self._filter(wanted),
            "page_size": PAGE,
            "read_mask": {"paths": list(fields)},
        }
        yield from self._clients.listed(f"listing {noun}s", getattr(client, f"list_{noun}s"), request)

    def _filter(self, wanted: dict[str, JobRef]) -> str:
        ours = f"labels.{RUN_LABEL}:*"
        if not all(name in self._created for name in wanted):
            return ours
        oldest = min(self._created[name] for name in wanted)
        return f'{ours} AND create_time>="{oldest:%Y-%m-%dT%H:%M:%SZ}"'

    def _progress(self, found: Any) -> Progress:
        word = word_of(found)
        state = state_of(word)
        words = found.error.message or word.rpartition("_STATE_")[2].lower().replace("_", " ")
        usage: Usage | None = None
        if hasattr(found, "training_task_metadata"):
            usage = training_usage(found, self._settings)
        return Progress(state=state, message=words, usage=usage)
