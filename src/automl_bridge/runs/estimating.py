"""What a job would cost at a backend, from its plan alone; a backend that cannot do it says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Cap
from automl_bridge.budget import format_duration
from automl_bridge.capabilities import Feature
from automl_bridge.costs.estimate import Estimate, estimate_of
from automl_bridge.errors import AutoMLBridgeError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from automl_bridge.backend import Backend, Plan
    from automl_bridge.costs.learning import Lesson
    from automl_bridge.costs.prices import PriceBook

__all__ = ["BackendEstimate", "estimated", "refused"]


class BackendEstimate(Frozen):
    """What a job would cost at one backend.

    Parameters
    ----------
    backend
        Its name.
    able
        Whether it can do the job.
    reason, hint
        Why not, and what can be done about it.
    estimate
        Expected cost; None where the plan expects nothing.
    duration
        Expected seconds: least and most.
    cap
        What stands behind the cost: the cap that was asked for; one that could be, where a limit bounds the cost
        already; none where nothing does, and then it says what one would be.
    unbounded
        Whether nothing but the job's own end bounds the cost.
    bound
        What bounds the cost, in words.
    local
        Whether it works on this machine.
    past_runs, past_error, past_sandbox
        Runs in the store whose bills are known, the median relative error of their estimates, and whether they
        were a sandbox's.
    notes
        Sentences of the plan that the reader should see before anything is spent.
    """

    backend: str
    able: bool = True
    reason: str = ""
    hint: str | None = None
    estimate: Estimate | None = None
    duration: tuple[float, float] | None = None
    cap: Cap = Cap(kind="none", because="")
    bound: str = ""
    unbounded: bool = False
    local: bool = False
    past_runs: int = 0
    past_error: float | None = None
    past_sandbox: bool = False
    notes: tuple[str, ...] = ()

    @property
    def likely_usd(self) -> float | None:
        """Likely cost in US dollars; None if unknown."""
        return self.estimate.likely.usd if self.estimate is not None else None

    @property
    def worst_usd(self) -> float | None:
        """Worst case in US dollars; None if unknown, or if nothing bounds it."""
        worst = self.estimate.worst if self.estimate is not None else None
        return worst.usd if worst is not None else None


def refused(name: str, error: Exception) -> BackendEstimate:
    """Return the row of a backend that cannot do the job."""
    if isinstance(error, AutoMLBridgeError):
        return BackendEstimate(backend=name, able=False, reason=error.message, hint=error.hint)
    return BackendEstimate(backend=name, able=False, reason=f"{type(error).__name__}: {error}")


def estimated(plan: Plan, backend: Backend, book: PriceBook, lesson: Lesson) -> BackendEstimate:
    """Return the row of a backend that can do the job.

    Parameters
    ----------
    plan, backend
        What it would do.
    book
        The prices.
    lesson
        What past runs taught.
    """
    local = backend.capabilities.supports(Feature.LOCAL_PREDICTION)
    row = BackendEstimate(
        backend=plan.backend,
        estimate=estimate_of(plan.usage, book),
        duration=plan.duration,
        local=local,
        past_runs=lesson.runs,
        past_error=lesson.error,
        past_sandbox=lesson.sandbox,
        notes=plan.notes,
    )
    row = row.model_copy(update={"unbounded": _unbounded(plan, row)})
    cap = _cap(plan, backend, row)
    if not row.unbounded:
        return row.model_copy(update={"cap": cap, "bound": _bound(plan, row)})
    # A cap that could be is none: it would stand beside a cost that nothing bounds.
    way = "set --max-time or --max-cost" + (f" ({cap.kind})" if cap.kind != "none" else "")
    none = Cap(kind="none", because=f"no limit is set: {way.removeprefix('set ')} would be one")
    return row.model_copy(update={"cap": none, "bound": f"nothing but its own end: {way}"})


def _unbounded(plan: Plan, row: BackendEstimate) -> bool:
    """Return whether no limit was asked for, and the backend has none of its own: its worst case is no quantity."""
    budget = plan.spec.budget
    worst = row.estimate.worst if row.estimate is not None else None
    return budget.max_cost_usd is None and budget.max_time is None and (worst is None or not worst.metered)


def _cap(plan: Plan, backend: Backend, row: BackendEstimate) -> Cap:
    """Return the plan's cap; where none was asked for, the one that could be."""
    if plan.spec.budget.max_cost_usd is not None:
        return plan.cap
    if backend.capabilities.supports(Feature.GUARANTEED_CAP):
        return Cap(kind="guaranteed", because="max_cost would be kept by a limit of its own")
    if row.estimate is None or row.estimate.worst is None:
        return plan.cap
    return Cap(kind="watched", because="max_cost would be watched while the job runs")


def _bound(plan: Plan, row: BackendEstimate) -> str:
    budget = plan.spec.budget
    if budget.max_cost_usd is not None:
        return plan.cap.because
    if plan.limits_sent and not row.local:
        return " · ".join(f"{name} {value}" for name, value in plan.limits_sent.items())
    own = [f"your --max-time {format_duration(budget.max_time)}"] if budget.max_time is not None else []
    own += [f"your --max-trials {budget.max_trials}"] if budget.max_trials is not None else []
    return ", ".join(own) or "its own end"
