"""Who takes part, with which plan and which share of the cap; a backend that says no is kept with its reason."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.budget import Budget
from automl_bridge.comparison.split import Need, least_cap, shares
from automl_bridge.errors import AutoMLBridgeError, BudgetError, UnsupportedError, UsageError
from automl_bridge.runs.estimating import BackendEstimate, refused
from automl_bridge.runs.experiments import Member, Refusal
from automl_bridge.session import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.backend import Plan
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.spec import JobSpec

__all__ = ["Planned", "plan_all", "run_id", "spec_of", "spent_on"]

_ROOM = 20
"""So many times what it likely takes is the baseline's share of a cap."""


class Planned(NamedTuple):
    """A member, what it would cost, and its plan; no plan where it is refused, or where its run exists."""

    member: Member
    estimate: BackendEstimate
    plan: Plan | None = None


def run_id(experiment: str, backend: str, seed: int, attempt: int = 0) -> str:
    """Return the id of a run of an experiment: the same question, the same id, so that none is started twice."""
    text = f"{experiment}/{backend}/{seed}/{attempt}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def spec_of(base: JobSpec, experiment: str, member: Member, cap_usd: float | None) -> JobSpec:
    """Return the spec of one member's run."""
    attempt = len(member.earlier)
    changes: dict[str, object] = {
        "name": f"ab-{run_id(experiment, member.backend, member.seed, attempt)}",
        "seed": member.seed,
    }
    budget = base.budget
    if member.backend == BASELINE:
        # It takes seconds, and optimises what it has.
        budget, changes["objective"] = Budget(), "nearest"
    if cap_usd is not None:
        own = budget.max_cost_usd
        budget = budget.model_copy(update={"max_cost_usd": cap_usd if own is None else min(cap_usd, own)})
    if budget.max_cost_usd is None:
        changes["cap"] = "any"
    return base.model_copy(update={**changes, "budget": budget})


def plan_all(
    session: Session,
    base: JobSpec,
    experiment: str,
    members: Sequence[Member],
    *,
    max_cost_usd: float | None = None,
    existing: Mapping[str, RunRecord] | None = None,
) -> list[Planned]:
    """Plan every member that has no run yet.

    Parameters
    ----------
    session
        Gives backends, prices, and what past runs teach.
    base
        The job.
    experiment
        Id of the experiment.
    members
        Who takes part. A member whose run is in ``existing`` is left as it is.
    max_cost_usd
        Cap over all of them.
    existing
        Runs of the experiment that are in the store, by id.

    Raises
    ------
    BudgetError
        If the cap is too little; names the least that would do.
    """
    known = existing or {}
    planned = []
    for member in members:
        run = known.get(member.run) if member.run is not None else None
        planned.append(_kept(session, member, run) if run else _planned(session, base, experiment, member))
    if max_cost_usd is None:
        return planned
    spent = sum(spent_on(session, record) for record in known.values())
    return _with_shares(session, base, experiment, planned, max_cost_usd, spent)


def _kept(session: Session, member: Member, run: RunRecord) -> Planned:
    estimate = run.estimate(session.price_book(run.backend))
    said = f"its run {run.id[:8]} is in the store: {run.state}"
    changes = {"estimate": estimate, "cap": run.plan.cap, "duration": run.plan.duration, "bound": said}
    return Planned(member, BackendEstimate(backend=member.backend, **changes))


def _planned(session: Session, base: JobSpec, experiment: str, member: Member, cap_usd: float | None = None) -> Planned:
    spec = spec_of(base, experiment, member, cap_usd)
    try:
        plan, estimate = _plan(session, spec, member.backend)
    except Exception as error:
        if not isinstance(error, UsageError) and member.backend == BASELINE:
            raise
        return Planned(_refused(member, error), refused(member.backend, error))
    run = spec.name.removeprefix("ab-")
    changes = {"run": run, "cap_usd": spec.budget.max_cost_usd, "refusal": None}
    return Planned(member.model_copy(update=changes), estimate, plan)


def _plan(session: Session, spec: JobSpec, backend: str) -> tuple[Plan, BackendEstimate]:
    """Plan a spec; a cap that nothing stands behind is refused.

    Raises
    ------
    UnsupportedError
        If the backend takes the job, but keeps no cap.
    """
    plan, estimate = session.plan_spec(spec, backend)
    if spec.budget.max_cost_usd is not None and plan.cap.kind == "none":
        raise UnsupportedError(
            f"{backend} keeps no cost cap: neither it nor our engine could stop it in time",
            hint=f"compare without --max-cost, or without {backend}",
        )
    return plan, estimate


def _refused(member: Member, error: Exception) -> Member:
    if isinstance(error, AutoMLBridgeError):
        why = Refusal(message=error.message, hint=error.hint, limit=error.limit, source=error.source)
    else:
        why = Refusal(message=f"{type(error).__name__}: {error}")
    return member.model_copy(update={"run": None, "cap_usd": None, "refusal": why})


def spent_on(session: Session, run: RunRecord) -> float:
    """Return what a run has cost, or may still cost: its bill once it has ended and is known, else its cap."""
    cost = run.cost(session.price_book(run.backend))
    cap = run.spec.budget.max_cost_usd or 0.0
    if run.state.is_final and cost.usd is not None:
        return cost.usd
    return max(cap, cost.known_usd)


def _with_shares(
    session: Session, base: JobSpec, experiment: str, planned: list[Planned], total: float, spent: float
) -> list[Planned]:
    """Plan again, each with its share; who takes no cap at all is refused."""
    result, needs, places = list(planned), [], []
    asked: dict[str, Need | Exception] = {}
    for place, one in enumerate(planned):
        if one.plan is None and one.member.run is not None:
            continue  # its run exists, and has its cap
        name = one.member.backend
        if name not in asked:
            asked[name] = _need(session, base, experiment, one, total)
        answer = asked[name]
        if isinstance(answer, Need):
            needs.append(answer)
            places.append(place)
        else:
            result[place] = Planned(_refused(one.member, answer), refused(name, answer))
    given = shares(total, needs, [planned[place].member.backend for place in places], spent=spent)
    for place, share in zip(places, given, strict=True):
        result[place] = _planned(session, base, experiment, planned[place].member, share)
    return result


def _need(session: Session, base: JobSpec, experiment: str, one: Planned, total: float) -> Need | Exception:
    """Return what a backend takes, or why it would not take any cap."""
    first = _error(session, base, experiment, one.member, total)
    if first is not None and not isinstance(first, BudgetError):
        return first
    least = least_cap(lambda cap: _error(session, base, experiment, one.member, cap) is None, total)
    estimate = one.estimate.estimate
    worst = estimate.worst.usd if estimate is not None and estimate.worst is not None else None
    if worst is not None:
        return Need(least, max(least, worst))
    # Where a price is unknown, what the others come to says how large it is.
    costs = (estimate.worst, estimate.high, estimate.likely) if estimate is not None else ()
    guesses = [cost.known_usd for cost in costs if cost is not None]
    if one.member.backend == BASELINE:
        # It takes seconds, nothing bounds it, and nobody wants to give it dollars.
        return Need(least, max([least, *(_ROOM * usd for usd in guesses)]))
    return Need(least, max([least, *(2 * usd for usd in guesses)]), bounded=False)


def _error(session: Session, base: JobSpec, experiment: str, member: Member, cap_usd: float) -> Exception | None:
    try:
        _plan(session, spec_of(base, experiment, member, cap_usd), member.backend)
    except Exception as error:  # noqa: BLE001 - it is asked about, and said in its place
        return error
    return None
