"""What came of a job: the leaderboard and the model, or the predictions, with what was metered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from automl_bridge.backend import Failure, JobState, Outcome
from automl_bridge.cloud.outputs import keep
from automl_bridge.cloud.plan_file import plan_of
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import BackendError, RejectedError
from automl_bridge.spec import ModelRef
from automl_bridge_azure.answers import read_predictions
from automl_bridge_azure.environments import environment_of
from automl_bridge_azure.layout import job_location, place_of
from automl_bridge_azure.metering import IDLE_NOTE, seconds_of, usage_of, with_idle
from automl_bridge_azure.native import minutes_of
from automl_bridge_azure.polling import objective_of, size_of
from automl_bridge_azure.remote_job import PREDICTIONS, columns_of
from automl_bridge_azure.rest import JOBS_VERSION
from automl_bridge_azure.submission import described
from automl_bridge_azure.trials import best_run, is_trial, message_of, state_of, trials_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.backend import Trial
    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.history import History
    from automl_bridge_azure.objects import Objects
    from automl_bridge_azure.settings import AzureSettings

__all__ = ["collect_predict", "collect_train", "failure_kind"]

FailureKind = Literal["crash", "out-of-memory", "time-limit", "all-trials-failed", "quota", "data", "service"]

# Words of errors, most telling first. Codes are UserError, ServiceError, SystemError and what is inside them.
_KINDS: tuple[tuple[str, FailureKind], ...] = (
    (r"out of memory|outofmemory|memoryerror|insufficient ?memory|\boom\b", "out-of-memory"),
    (r"quota|allocation ?fail|capacity|no available (nodes|cores)", "quota"),
    (r"time.?out|timed out|exceeded .*(time|duration)|time limit", "time-limit"),
    (r"no successful (iterations|models?|runs?)|all (iterations|trials|models|child runs)|unable to find a model",
     "all-trials-failed"),
    (r"dataset|\bdata\b|column|mltable|label|target|rows|validation", "data"),
    (r"exit code|crash|non-?zero|execution failed", "crash"),
    (r"service ?error|internal|system ?error", "service"),
)  # fmt: skip

_BEST = "automl_best_child_run_id"
"""Tag of the parent that names the run whose model is best."""


def failure_kind(reason: str) -> FailureKind:
    """Return the kind of a failure from the service's words."""
    found = (kind for words, kind in _KINDS if re.search(words, reason, re.IGNORECASE))
    return next(found, "service")


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"azure-ai-ml": version("azure-ai-ml"), "azure jobs api": JOBS_VERSION}


def _ended(name: str, clients: Clients) -> tuple[dict[str, Any], JobState]:
    answer = described(name, clients)
    if answer is None:
        raise RejectedError(f"the workspace has no job {name}")
    state = state_of(answer["properties"].get("status"))
    if not state.is_final:
        raise RejectedError(f"the job {name} is {answer['properties'].get('status')}: it has not ended")
    return answer, state


def collect_train(name: str, clients: Clients, history: History, objects: Objects) -> Outcome:
    """Return the outcome of an AutoML job that has ended."""
    answer, state = _ended(name, clients)
    parent, runs = history.run(name) or {}, history.children(name)
    objective = objective_of(answer)
    identifiers = [str(run["runId"]) for run in runs if is_trial(run)]
    metrics = history.metrics(name, parent.get("experimentId"), identifiers)
    trials = trials_of(runs, objective, metrics)
    # The parent runs on no machine of ours; only where it says nothing of children is its own time all there is.
    usage = usage_of(runs or [parent], clients.workspace.region, "training", size=size_of(answer), final=True)
    usage = with_idle(usage, _machines(answer, runs))
    if not runs and not parent:
        usage = Usage(known=False)
    tags = {**(answer["properties"].get("tags") or {}), **(parent.get("tags") or {})}
    best = best_run(trials, tags.get(_BEST))
    notes: tuple[str, ...] = (IDLE_NOTE,)
    if not usage.known:
        notes += ("what was used is not known in full: a run does not say how long it took, or on what",)
    if best is None or state is JobState.FAILED:
        return _without_model(answer, parent, runs, state, trials, usage, notes)
    return Outcome(
        state=JobState.SUCCEEDED,
        stopped_by=_stopped_by(answer, parent, trials),
        trials=trials,
        model=_model(name, best, clients, history, objects),
        usage=usage,
        versions=_versions(),
        notes=notes,
    )


def _machines(answer: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> int:
    """Return how many machines have probably worked for a job: as many as were asked for, but no more than runs."""
    limits = (answer["properties"].get("taskDetails") or {}).get("limitSettings") or {}
    return max(1, min(int(limits.get("maxConcurrentTrials") or 1), len(runs)))


def _model(name: str, run: str, clients: Clients, history: History, objects: Objects) -> ModelRef:
    details: dict[str, object] = {"job": name, "run": run, "workspace": clients.settings.workspace_id}
    details |= environment_of(run, history, objects)
    return ModelRef(backend="azure", uri=f"azureml://jobs/{run}/outputs/artifacts/paths/outputs/mlflow-model/",
                    details=details)  # fmt: skip


def _stopped_by(answer: Mapping[str, Any], parent: Mapping[str, Any], trials: Sequence[Trial]) -> str:
    """Return what ended the search; the service does not say, so it is read from the limits that were sent."""
    properties = answer["properties"]
    if properties.get("status") == "Canceled":
        return "cancel"
    limits = (properties.get("taskDetails") or {}).get("limitSettings") or {}
    minutes = minutes_of(limits.get("timeout"))
    took = seconds_of(parent)
    if minutes is not None and took is not None and took >= 60 * minutes:
        return "max_time"
    models = [trial for trial in trials if "Ensemble" not in trial.model]
    return "max_trials" if limits.get("maxTrials") and len(models) >= int(limits["maxTrials"]) else "done"


def _without_model(
    answer: Mapping[str, Any], parent: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], state: JobState,
    trials: Sequence[Trial], usage: Usage, notes: tuple[str, ...],
) -> Outcome:  # fmt: skip
    """Return the outcome of a job that left no model; a Completed one may have none either."""
    failure = None
    if state is not JobState.CANCELLED:
        messages = [message_of(run) for run in (parent, *runs)]
        reason = next((said for said in messages if said), "")
        if state is JobState.FAILED:
            reason = reason or "Azure did not say why"
            failure = Failure(kind=failure_kind(reason), message=reason)
        else:
            kind: FailureKind = (
                "time-limit" if _stopped_by(answer, parent, trials) == "max_time" else "all-trials-failed"
            )
            failure = Failure(kind=kind, message=reason or "the job ended without a model")
    return Outcome(
        state=JobState.CANCELLED if state is JobState.CANCELLED else JobState.FAILED,
        stopped_by=_stopped_by(answer, parent, trials),
        trials=tuple(trials),
        usage=usage,
        failure=failure,
        versions=_versions(),
        notes=notes,
    )


def collect_predict(name: str, clients: Clients, history: History, objects: Objects, workspace: Path) -> Outcome:
    """Return the outcome of a command job that has ended: predictions in the rows' order."""
    answer, state = _ended(name, clients)
    run = history.run(name)
    runs = [run] if run is not None else []
    usage = usage_of(runs, clients.workspace.region, "prediction", size=size_of(answer), final=True)
    usage = with_idle(usage, 1)
    if not runs:
        usage = Usage(known=False)
    if state is not JobState.SUCCEEDED:
        reason = message_of(run or {}) or f"the command job ended as {answer['properties'].get('status')}"
        failure = Failure(kind=failure_kind(reason), message=reason) if state is JobState.FAILED else None
        stopped_by = "done" if state is JobState.FAILED else "cancel"
        return Outcome(state=state, stopped_by=stopped_by, usage=usage, failure=failure, versions=_versions())
    try:
        outputs = _outputs(name, answer, objects, clients.settings)
    except BackendError as error:
        if type(error) is not BackendError:
            raise
        failure = Failure(kind="service", message=error.message)
        return Outcome(state=JobState.FAILED, usage=usage, failure=failure, versions=_versions())
    return Outcome(
        state=JobState.SUCCEEDED, predictions=keep(outputs, workspace, name), usage=usage, versions=_versions()
    )


def _outputs(name: str, answer: Mapping[str, Any], objects: Objects, settings: AzureSettings) -> NDArray[np.float64]:
    """Read what the script wrote, and check that there is one line a row."""
    told = ((answer["properties"].get("outputs") or {}).get("predictions") or {}).get("uri")
    # The answer may leave out where it writes; it was told to write there.
    output = place_of(told.rstrip("/") + "/") if told else job_location(name, settings) / "output"
    held = plan_of(output.above, objects)
    if held is None:
        raise BackendError(f"the plan of the job {name} is not beside its output any more")
    spec = held.spec
    body = objects.read(output, PREDICTIONS)
    if body is None:
        raise BackendError(f"the command job {name} left no {PREDICTIONS}")
    return read_predictions(body, columns_of(spec), spec.profile.rows["predict"], spec.task.is_classification)
