"""One row for each backend and seed: what came of the run, what it cost and how long it took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import Field

from automl_bridge.capabilities import Feature
from automl_bridge.costs.cost import LOCAL_REGION, Cost
from automl_bridge.costs.estimate import Estimate
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.backend import Trial
    from automl_bridge.runs.experiments import Member
    from automl_bridge.runs.record import Event, RunRecord
    from automl_bridge.session import Session

__all__ = ["RunRow", "row_of"]

WAITING = "waiting"


class RunRow(Frozen):
    """What came of one backend with one seed.

    Parameters
    ----------
    backend, seed, run
        Which one; ``run`` is None where the backend refused the job.
    state
        State of the run; ``refused``, or ``waiting`` where something keeps it from going on.
    reason, hint
        Why there is no score, and what can be done about it.
    score, low, high
        The metric on the holdout and its 95 % interval, for this run alone.
    scores
        All metrics on the holdout.
    trials
        The leaderboard.
    seconds, training_seconds, predict_seconds
        From its creation to its end; of the training job; of predicting the holdout. By the wall clock here, but on
        this machine as the worker metered them, without the time spent waiting for its turn.
    cost, estimate
        The bill and what the plan expected, by the prices of the day.
    objective, exact
        What was optimised, and whether that is the metric.
    cap, cap_usd
        What stands behind its share of the cost cap, and the share.
    local, sandbox
        Whether it ran on this machine, and whether a stand-in ran it in place of the service.
    versions, notes, created, stopped_by, verified
        As in the run's record; how the backend was verified.
    """

    backend: str
    seed: int
    run: str | None = None
    state: str
    reason: str = ""
    hint: str | None = None
    score: float | None = None
    low: float | None = None
    high: float | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    trials: tuple[Any, ...] = ()
    seconds: float | None = None
    training_seconds: float | None = None
    predict_seconds: float | None = None
    cost: Cost | None = None
    estimate: Estimate | None = None
    objective: str | None = None
    exact: bool = True
    cap: str = "none"
    cap_usd: float | None = None
    local: bool = False
    sandbox: bool = False
    versions: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    created: str | None = None
    stopped_by: str | None = None
    verified: str = ""

    @property
    def billed_usd(self) -> float | None:
        """The bill in US dollars; None if unknown."""
        return self.cost.usd if self.cost is not None else None

    @property
    def estimate_usd(self) -> float | None:
        """What was likely, in US dollars; None if unknown."""
        return self.estimate.likely.usd if self.estimate is not None else None


def row_of(session: Session, member: Member, records: Mapping[str, RunRecord], blocked: Exception | None) -> RunRow:
    """Return the row of a member.

    Parameters
    ----------
    session
        Gives prices and logs.
    member, records
        Who, and the runs by id, earlier attempts included.
    blocked
        What keeps its backend from going on.
    """
    if member.run is None or member.run not in records:
        refusal = member.refusal
        message, hint = (refusal.message, refusal.hint) if refusal else ("it was not started", None)
        return RunRow(backend=member.backend, seed=member.seed, state="refused", reason=message, hint=hint)
    run = records[member.run]
    book = session.price_book(run.backend)
    earlier = [records[one] for one in member.earlier if one in records]
    cost = _sum([one.cost(book, later=False) for one in (run, *earlier)])
    times = _times(session.events(run.id), run, run.cost(book, later=False))
    kind = _class_of(run.backend)
    state, reason, hint = _ending(run, blocked)
    interval = run.interval
    return RunRow(
        backend=run.backend,
        seed=member.seed,
        run=run.id,
        state=state,
        reason=reason,
        hint=hint,
        score=run.score if run.score is not None and math.isfinite(run.score) else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        scores=run.scores,
        trials=_trials(run),
        **times,
        cost=cost if run.state.is_final else None,
        estimate=run.estimate(book),
        objective=run.plan.objective.name if run.plan.objective else None,
        exact=run.plan.objective.exact if run.plan.objective else True,
        cap=run.plan.cap.kind,
        cap_usd=run.spec.budget.max_cost_usd,
        local=kind is not None and kind.capabilities.supports(Feature.LOCAL_PREDICTION),
        sandbox=run.sandbox,
        versions=run.versions,
        notes=tuple(dict.fromkeys((*run.plan.notes, *run.notes))),
        created=run.created.isoformat(timespec="seconds"),
        stopped_by=run.outcome.stopped_by if run.outcome else None,
        verified=kind.verified if kind is not None else "",
    )


def _sum(costs: Sequence[Cost]) -> Cost:
    lines = tuple(line for cost in costs for line in cost.lines)
    return Cost(lines=lines, metered=all(cost.metered for cost in costs))


def _class_of(backend: str) -> Any:
    from automl_bridge.errors import UsageError
    from automl_bridge.registry import load_class

    try:
        return load_class(backend, installed=False)
    except UsageError:
        return None


def _trials(run: RunRecord) -> tuple[Trial, ...]:
    return run.outcome.trials if run.outcome is not None else run.progress.trials if run.progress else ()


def _ending(run: RunRecord, blocked: Exception | None) -> tuple[str, str, str | None]:
    if run.failure is not None:
        # The first line says what it was; the others are a log's.
        first = (run.failure.message.strip() or "no reason was given").splitlines()[0]
        hint = f"automl-bridge runs show {run.id[:8]} tells more" if run.failure.message.strip() != first else None
        return str(run.state), f"{run.failure.kind}: {' '.join(first.split())}", hint
    if not run.state.is_final:
        message = getattr(blocked, "message", None) or (str(blocked) if blocked else "it has not ended")
        return WAITING if blocked else str(run.state), message, getattr(blocked, "hint", None)
    if run.score is None:
        why = next((note for note in run.notes if "holdout" in note), "it was stopped before it had a model")
        return str(run.state), why, None
    if not math.isfinite(run.score):
        return str(run.state), f"{run.spec.metric} is not defined on these holdout rows", None
    return str(run.state), "", None


def _times(events: Sequence[Event], run: RunRecord, cost: Cost) -> dict[str, float | None]:
    """Return the seconds of a run's parts."""
    began = {event.message: event.time for event in reversed(events) if event.kind == "state"}

    def between(first: str, last: str) -> float | None:
        return (began[last] - began[first]).total_seconds() if first in began and last in began else None

    training, predicting = between("submitting", "collecting"), between("scoring", "cleaning")
    metered = _hours(cost, "training")
    if metered is not None:
        training = metered * 3600
    return {
        "seconds": run.elapsed if run.state.is_final else None,
        "training_seconds": training,
        "predict_seconds": predicting,
    }


def _hours(cost: Cost, part: str) -> float | None:
    """Return the hours of this machine that were metered for a part; None where it is no local run."""
    if not cost.lines or any(line.region != LOCAL_REGION or not line.unit.endswith("hour") for line in cost.lines):
        return None
    return sum(line.quantity for line in cost.lines if line.part == part)
