"""How far jobs are: a few are asked for by name, many are listed by our tag.

A list says whether a job has ended; that is all the engine needs to go on. Trials and times take calls of their own,
so they are fetched for at most `DETAILED` jobs at a poll, those first that were looked at longest ago: with fewer
jobs than that each is up to date at every poll, and with a thousand a poll stays at about a dozen calls more than its
pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Progress
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import AutoMLBridgeError, CredentialsError, RejectedError, TransientError
from automl_bridge_azure.computes import quota_of
from automl_bridge_azure.metering import usage_of
from automl_bridge_azure.requests import RUN_TAG
from automl_bridge_azure.rest import JOBS_VERSION
from automl_bridge_azure.submission import described
from automl_bridge_azure.trials import state_of, trials_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.backend import JobRef
    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.history import History

__all__ = ["DETAILED", "FEW", "Polling", "objective_of", "size_of"]

DETAILED = 8
"""Jobs whose trials and usage are read at one poll."""
FEW = 4
"""So many jobs are asked for one by one: the list may hold thousands that nobody waits for."""
_PATIENCE = 3
"""A job that has waited at so many looks is asked about with its quota."""


class Polling:
    """Asks how far jobs are; remembers the details that it has seen."""

    def __init__(self, clients: Clients, history: History) -> None:
        self._clients = clients
        self._history = history
        self._details: dict[str, Progress] = {}
        self._looked: dict[str, int] = {}
        self._waited: dict[str, int] = {}
        self._round = 0

    def poll(self, jobs: Sequence[JobRef]) -> dict[JobRef, Progress]:
        """Return the progress of the jobs that the service knows."""
        self._round += 1
        answers: dict[JobRef, Progress] = {}
        running: list[tuple[JobRef, Mapping[str, Any], JobState]] = []
        for job, answer in self._found(jobs):
            state = state_of(answer["properties"].get("status"))
            answers[job] = self._progress(job, answer, state)
            if not state.is_final:
                running.append((job, answer, state))
        running.sort(key=lambda one: self._looked.get(one[0].name, 0))
        for job, answer, state in running[:DETAILED]:
            self._look(job, answer, state)
            answers[job] = self._progress(job, answer, state)
        return answers

    def _found(self, jobs: Sequence[JobRef]) -> list[tuple[JobRef, Mapping[str, Any]]]:
        if len(jobs) <= FEW:
            asked = [(job, described(job.name, self._clients)) for job in jobs]
            return [(job, answer) for job, answer in asked if answer is not None]
        wanted = {job.name: job for job in jobs}
        found: dict[str, Mapping[str, Any]] = {}
        # The filter takes a tag's key; its value is not looked at.
        params = {"api-version": JOBS_VERSION, "tag": RUN_TAG, "listViewType": "All"}
        for page in self._clients.rest.pages(self._clients.arm("jobs"), params):
            for one in page:
                if one.get("name") in wanted:
                    found.setdefault(str(one["name"]), one)
            if len(found) == len(wanted):
                break
        return [(wanted[name], answer) for name, answer in found.items()]

    def _progress(self, job: JobRef, answer: Mapping[str, Any], state: JobState) -> Progress:
        details = self._details.get(job.name, Progress(state=state))
        words = details.message or str(answer["properties"].get("status") or "")
        return details.model_copy(update={"state": state, "message": words})

    def _look(self, job: JobRef, answer: Mapping[str, Any], state: JobState) -> None:
        """Read the details of a running job; a call that fails in passing leaves those of the last time."""
        self._looked[job.name] = self._round
        try:
            if state is JobState.PENDING:
                self._details[job.name] = self._waiting(job, answer)
            else:
                self._waited.pop(job.name, None)
                self._details[job.name] = self._train(job, answer) if job.kind == "train" else self._predict(job)
        except TransientError:
            return
        except RejectedError as error:
            # The job itself is well; but what is not read is not known.
            self._details[job.name] = Progress(state=state, usage=Usage(known=False), message=error.message)

    def _train(self, job: JobRef, answer: Mapping[str, Any]) -> Progress:
        runs = self._history.children(job.name)
        trials = trials_of(runs, objective_of(answer))
        best = next((trial.score for trial in trials if trial.score is not None), None)
        usage = usage_of(runs, self._clients.workspace.region, "training", size=size_of(answer))
        return Progress(state=JobState.RUNNING, trial=len(trials) or None, trials=trials, best=best, usage=usage)

    def _predict(self, job: JobRef) -> Progress:
        run = self._history.run(job.name)
        runs = [run] if run is not None else []
        return Progress(state=JobState.RUNNING, usage=usage_of(runs, self._clients.workspace.region, "prediction"))

    def _waiting(self, job: JobRef, answer: Mapping[str, Any]) -> Progress:
        """Say what a job waits for: the service's own words, and the quota if there is too little of it."""
        waited = self._waited[job.name] = self._waited.get(job.name, 0) + 1
        run = self._history.run(job.name) or {}
        words = str((run.get("queueingInfo") or {}).get("message") or "")
        if waited >= _PATIENCE:
            words = self._quota(answer) or words
        status = str(answer["properties"].get("status") or "")
        return Progress(state=JobState.PENDING, usage=Usage(), message=words or status)

    def _quota(self, answer: Mapping[str, Any]) -> str:
        size = size_of(answer) or self._clients.settings.instance_type
        try:
            quota = quota_of(self._clients, size)
        except CredentialsError:
            raise
        except AutoMLBridgeError:
            # Whoever may not read quotas waits without knowing what for.
            return ""
        if quota is None or quota.limit - quota.used >= quota.cores:
            return ""
        return (
            f"waits for a machine: quota {quota.name} in {self._clients.workspace.region} has {quota.used} of "
            f"{quota.limit} cores in use, and {size} takes {quota.cores}"
        )


def objective_of(answer: Mapping[str, Any]) -> str:
    """Return the primary metric of a job, as its children name it."""
    from automl_bridge_azure.objectives import name_of

    return name_of(str((answer["properties"].get("taskDetails") or {}).get("primaryMetric") or ""))


def size_of(answer: Mapping[str, Any]) -> str | None:
    """Return the machine size that a job asked for; None on a cluster, which has its own."""
    return (answer["properties"].get("resources") or {}).get("instanceType")
