"""How long a job takes, when each candidate is ready, and which child jobs it runs: in simulated seconds.

Nothing of it is documented by AWS; what is assumed is listed in the README beside this file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

__all__ = ["Child", "Slot", "Timeline", "plan_timeline"]

PARALLEL = 4
PREPARATION = 900.0
TRAINING = 1800.0
FINISHING = 600.0
LONGEST = 30 * 86400.0  # the quota on a job's runtime (autopilot-quotas)


@dataclass(frozen=True)
class Child:
    """A job that the service runs for ours. Times are seconds after the job's creation."""

    kind: str
    name: str
    start: float
    end: float
    instance_type: str
    instance_count: int = 1


@dataclass(frozen=True)
class Slot:
    """The place of a candidate: its name, when it is trained, and the child jobs behind it."""

    name: str
    start: float
    end: float
    steps: tuple[Child, ...]


@dataclass(frozen=True)
class Timeline:
    """What happens when, if nobody interferes.

    Parameters
    ----------
    phases
        Secondary status from which second on, in order.
    slots
        Candidates in order of their start.
    end
        When the job is done.
    reached
        Secondary status that it ends with: ``Completed``, or the limit that was reached.
    """

    phases: tuple[tuple[float, str], ...]
    slots: tuple[Slot, ...]
    end: float
    reached: str
    children: tuple[Child, ...] = field(default=())


def plan_timeline(
    job: str,
    mode: str,
    kind: str,
    *,
    candidates: int,
    limited: bool,
    runtime: float | None,
    per_candidate: float | None,
) -> Timeline:
    """Lay out a job.

    Parameters
    ----------
    job, mode, kind
        Name; ``ENSEMBLING`` or ``HYPERPARAMETER_TUNING``; ``table``, ``image``, ``text`` or ``series``.
    candidates
        How many are to be trained; ``limited`` if that is the request's own limit.
    runtime, per_candidate
        ``MaxAutoMLJobRuntimeInSeconds`` and ``MaxRuntimePerTrainingJobInSeconds``.
    """
    limit = min(runtime or LONGEST, LONGEST)
    before = min(PREPARATION, 0.2 * limit)
    training = min(TRAINING, per_candidate or LONGEST, 0.25 * limit)
    instance = "ml.g4dn.xlarge" if kind == "image" else "ml.m5.4xlarge"
    tuning = mode == "HYPERPARAMETER_TUNING" and kind == "table"
    shared = _preparation(job, before) if tuning else ()
    slots = []
    for number in range(candidates):
        start = before + (number // PARALLEL) * training
        # Not all alike: the last of a wave needs the whole time, the others a little less.
        end = start + training * (1.0 - 0.05 * ((candidates - 1 - number) % PARALLEL))
        if end > limit:
            break
        slots.append(_slot(job, number, start, end, shared, instance, tuning=tuning))
    trained = max((slot.end for slot in slots), default=limit)
    cut = len(slots) < candidates
    end = limit if cut else min(trained + FINISHING, limit)
    reached = "MaxAutoMLJobRuntimeReached" if cut else "MaxCandidatesReached" if limited and tuning else "Completed"
    return Timeline(_phases(before, trained, end, tuning=tuning), tuple(slots), end, reached, shared)


def _phases(before: float, trained: float, end: float, *, tuning: bool) -> tuple[tuple[float, str], ...]:
    last = max(end - trained, 0.0)
    closing = ((trained, "GeneratingExplainabilityReport"), (trained + last / 2, "GeneratingModelInsightsReport"))
    if tuning:
        opening = ((0.0, "Starting"), (before * 0.1, "AnalyzingData"), (before * 0.4, "FeatureEngineering"))
        return (*opening, (before, "ModelTuning"), *closing)
    return ((0.0, "Starting"), (before * 0.2, "PreTraining"), (before, "TrainingModels"), *closing)


def _preparation(job: str, before: float) -> tuple[Child, ...]:
    split = Child("processing", _name(job, "db-1"), before * 0.1, before * 0.4, "ml.m5.4xlarge")
    features = Child("training", _name(job, "dpp0-1"), before * 0.4, before * 0.8, "ml.m5.4xlarge")
    applied = Child("transform", _name(job, "dpp0-csv-1"), before * 0.8, before, "ml.m5.4xlarge")
    return (split, features, applied)


def _slot(
    job: str, number: int, start: float, end: float, shared: tuple[Child, ...], instance: str, *, tuning: bool
) -> Slot:
    if tuning:
        name = f"{job}TA-{number + 1:03d}-{_digest(job, str(number))[:8]}"
        return Slot(name, start, end, (*shared, Child("training", name, start, end, instance)))
    name = f"{job}-trial-t{number + 1}-1"
    return Slot(name, start, end, (Child("training", _name(job, f"t{number + 1}-1"), start, end, instance),))


def _name(job: str, part: str) -> str:
    return f"{job}-{part}-{_digest(job, part)}"[:63]


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]
