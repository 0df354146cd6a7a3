"""Candidates as trials: all metrics, the objective in its natural sign, best first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Trial
from automl_bridge_sagemaker.containers import containers_of
from automl_bridge_sagemaker.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge_sagemaker.clients import Clients

__all__ = ["best_candidate", "list_candidates", "trials_of"]

_STATES = {
    "Completed": JobState.SUCCEEDED,
    "InProgress": JobState.RUNNING,
    "Stopping": JobState.RUNNING,
    "Stopped": JobState.CANCELLED,
    "Failed": JobState.FAILED,
}
_MINIMISED = frozenset({"MSE", "RMSE", "MAE", "MAPE", "MASE", "WAPE", "AverageWeightedQuantileLoss", "LogLoss"})


def list_candidates(job: str, clients: Clients) -> list[dict[str, Any]]:
    """Return all candidates of an AutoML job, as the service describes them."""
    with translated(f"listing the candidates of {job}"):
        paginator = clients.sagemaker.get_paginator("list_candidates_for_auto_ml_job")
        pages = paginator.paginate(AutoMLJobName=job, PaginationConfig={"PageSize": 100})
        return [candidate for page in pages for candidate in page["Candidates"]]


def trials_of(candidates: Iterable[Mapping[str, Any]]) -> tuple[Trial, ...]:
    """Return candidates as a leaderboard: best first, those without a score after them, failed ones last."""
    found = [(_trial(one), _is_minimised(one)) for one in candidates]
    return tuple(trial for trial, _ in sorted(found, key=lambda pair: _rank(*pair)))


def best_candidate(candidates: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the completed candidate of the best objective that has containers, or None."""
    usable = [one for one in candidates if one.get("CandidateStatus") == "Completed" and containers_of(one)]
    return min(usable, key=lambda one: _rank(_trial(one), _is_minimised(one)), default=None)


def _rank(trial: Trial, minimised: bool) -> tuple[bool, bool, float, str]:  # noqa: FBT001 - a pair of one list
    score = trial.score
    worth = 0.0 if score is None else (score if minimised else -score)
    # Equal scores are ordered by name: the order of the list need not be the same twice.
    return (trial.state in {JobState.FAILED, JobState.CANCELLED}, score is None, worth, trial.id)


def _is_minimised(candidate: Mapping[str, Any]) -> bool:
    objective = candidate.get("FinalAutoMLJobObjectiveMetric") or {}
    kind = objective.get("Type")
    return bool(kind == "Minimize" if kind else objective.get("MetricName") in _MINIMISED)


def _trial(candidate: Mapping[str, Any]) -> Trial:
    objective = candidate.get("FinalAutoMLJobObjectiveMetric") or {}
    state = _STATES.get(candidate.get("CandidateStatus", ""), JobState.RUNNING)
    if candidate.get("ObjectiveStatus") == "Failed":
        state = JobState.FAILED
    created, ended = candidate.get("CreationTime"), candidate.get("EndTime")
    return Trial(
        id=candidate["CandidateName"],
        model=_model(candidate),
        state=state,
        # It is there once the candidate is trained, though its reports may still be written.
        score=None if state in {JobState.FAILED, JobState.CANCELLED} else _number(objective.get("Value")),
        metrics=_metrics(candidate),
        seconds=max(0.0, (ended - created).total_seconds()) if created and ended else None,
        message=candidate.get("FailureReason", ""),
    )


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(float(value)) else None


def _metrics(candidate: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics by ``Set:Name``; the name is optional and some (LogLoss) have the standard one only."""
    found = {}
    for datum in (candidate.get("CandidateProperties") or {}).get("CandidateMetrics", ()):
        name = datum.get("StandardMetricName") or datum.get("MetricName")
        value = _number(datum.get("Value"))
        if name and value is not None:
            found[f"{datum.get('Set', 'Validation')}:{name}"] = value
    return found


def _model(candidate: Mapping[str, Any]) -> str:
    """Return what the model is in words, as far as the images of its containers tell."""
    images = [one["Image"].rpartition("/")[2].partition(":")[0] for one in containers_of(candidate)]
    return images[1] if len(images) > 1 else images[0] if images else ""
