"""Child runs as trials: all metrics, the score in its natural sign, best first."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Trial
from automl_bridge_azure.metering import seconds_of
from automl_bridge_azure.objectives import MINIMISED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["STATES", "best_run", "is_trial", "message_of", "state_of", "trials_of"]

STATES = {
    "NotStarted": JobState.PENDING,
    "Starting": JobState.PENDING,
    "Provisioning": JobState.PENDING,
    "Preparing": JobState.PENDING,
    "Queued": JobState.PENDING,
    "Scheduled": JobState.PENDING,
    "Running": JobState.RUNNING,
    "Finalizing": JobState.RUNNING,
    "CancelRequested": JobState.RUNNING,
    "NotResponding": JobState.RUNNING,
    "Paused": JobState.RUNNING,
    "Unknown": JobState.RUNNING,
    "Completed": JobState.SUCCEEDED,
    "Failed": JobState.FAILED,
    "Canceled": JobState.CANCELLED,
}
"""The service's states of jobs and runs; one that is not here is RUNNING."""

# What runs beside the trials: it uses machines, but it is no model.
_NO_TRIAL = re.compile(r"_(setup|featurize|modelexplain|rai|worker\w*)(_\d+)?$", re.IGNORECASE)


def state_of(status: object) -> JobState:
    """Return our state for the service's."""
    return STATES.get(str(status), JobState.RUNNING)


def is_trial(run: Mapping[str, Any]) -> bool:
    """Whether a child is a candidate model, and not set-up, featurization or explanation."""
    if _NO_TRIAL.search(str(run["runId"])):
        return False
    properties = run.get("properties") or {}
    known = {"iteration", "score", "run_algorithm"} & set(properties)
    template = properties.get("runTemplate") or properties.get("run_template")
    return bool(known) or template == "automl_child" or re.search(r"_\d+$", str(run["runId"])) is not None


def trials_of(
    runs: Iterable[Mapping[str, Any]], objective: str, metrics: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Trial, ...]:
    """Return the trials among child runs as a leaderboard: best first, without a score after them, failed ones last.

    Parameters
    ----------
    objective
        Primary metric, as children name it.
    metrics
        All metrics by run; None where they were not asked for.
    """
    found = [_trial(run, objective, (metrics or {}).get(str(run["runId"]), {})) for run in runs if is_trial(run)]
    return tuple(sorted(found, key=lambda trial: _rank(trial, minimised=objective in MINIMISED)))


def best_run(trials: Iterable[Trial], named: str | None) -> str | None:
    """Return the run whose model is taken: the one that the service names, else the best that has ended well."""
    usable = [trial.id for trial in trials if trial.state is JobState.SUCCEEDED]
    if named:
        return named
    return usable[0] if usable else None


def _rank(trial: Trial, *, minimised: bool) -> tuple[bool, bool, float, int, str]:
    score = trial.score
    worth = 0.0 if score is None else (score if minimised else -score)
    # Equal scores are ordered by name: the order of the list need not be the same twice.
    return (
        trial.state in {JobState.FAILED, JobState.CANCELLED}, score is None, worth, len(trial.id), trial.id
    )  # fmt: skip


def _trial(run: Mapping[str, Any], objective: str, metrics: Mapping[str, float]) -> Trial:
    properties = run.get("properties") or {}
    state = state_of(run.get("status"))
    score = _number(properties.get("score"))
    if score is None:
        score = _number(metrics.get(objective))
    if state in {JobState.FAILED, JobState.CANCELLED}:
        score = None
    return Trial(
        id=str(run["runId"]),
        model=_model(run),
        state=state,
        score=score,
        metrics=dict(metrics),
        seconds=seconds_of(run),
        message=message_of(run),
    )


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _model(run: Mapping[str, Any]) -> str:
    properties, tags = run.get("properties") or {}, run.get("tags") or {}
    parts = [str(properties.get(key) or "") for key in ("run_preprocessor", "run_algorithm")]
    words = ", ".join(part for part in parts if part)
    return words or str(properties.get("model_name") or tags.get("model_name") or run.get("displayName") or "")


def message_of(run: Mapping[str, Any]) -> str:
    """Return why a run failed, in the service's words: the innermost ones, which say most."""
    held = (run.get("error") or {}).get("error") or {}
    code, said = str(held.get("code") or ""), str(held.get("message") or "").strip()
    inner = held.get("innerError") or {}
    codes = [code] if code else []
    while isinstance(inner, dict) and inner.get("code"):
        codes.append(str(inner["code"]))
        inner = inner.get("innerError") or {}
    if not said:
        return "/".join(codes)
    return f"{said} ({'/'.join(codes)})" if codes and codes[-1] not in said else said
