"""Watching cost caps that no service guarantees: what a running job has cost so far, and whether it must be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.costs.cap import Bounds, Sight, must_stop
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.usage import Usage
from automl_bridge.runs.states import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.backend import Progress
    from automl_bridge.costs.cost import Cost
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.runs.store import RunStore

__all__ = ["CapWatch", "running"]

_UNKNOWN = Usage(known=False)


class CapWatch:
    """Watches the caps of one engine.

    Parameters
    ----------
    prices
        Gives the prices of a backend by its name; None watches nothing.
    """

    def __init__(self, prices: Callable[[str], PriceBook] | None) -> None:
        self._prices = prices
        self._seen: dict[str, Sight] = {}
        self._bounds: dict[str, Bounds] = {}

    def watches(self, run: RunRecord) -> bool:
        """Whether a run has a cap that must be watched, and has not been stopped by it."""
        asked = run.spec.budget.max_cost_usd is not None and run.plan.cap.kind == "watched"
        return asked and not run.capped and self._prices is not None

    def reason(self, run: RunRecord, progress: Progress, now: float) -> str | None:
        """Return why a running job must be stopped now, as a sentence; None if it may go on."""
        if not self.watches(run) or progress.state.is_final or run.state is not RunState.RUNNING:
            return None
        assert self._prices is not None
        book = self._prices(run.backend)
        cost = cost_of(progress.usage or _UNKNOWN, book)
        sight, before = Sight(now, cost.usd, cost.known_usd), self._seen.get(run.id)
        if run.id not in self._bounds:
            self._bounds[run.id] = _bounds(run, book)
        self._seen[run.id] = sight
        if not must_stop(self._bounds[run.id], sight, before):
            return None
        spent = (
            f"at ${cost.usd:,.2f}" if cost.usd is not None else f"at an unknown cost, ${cost.known_usd:,.2f} or more,"
        )
        return f"stopped {spent} so that it keeps its cost cap of ${self._bounds[run.id].cap_usd:,.2f}"


def _bounds(run: RunRecord, book: PriceBook) -> Bounds:
    """Return what the plan says of a job's cost; what it predicts with an unknown price counts as training does."""
    cap, usage = run.spec.budget.max_cost_usd, run.plan.usage
    assert cap is not None
    began = run.created.timestamp()
    if usage is None:
        return Bounds(cap, began=began)
    worst = cost_of(usage.worst or usage.high, book)
    seconds = run.plan.duration[1] if run.plan.duration else 0.0
    training = sum(line.usd or 0.0 for line in worst.lines if line.part == "training")
    return Bounds(cap, training / seconds if seconds else 0.0, _reserve(cost_of(usage.high, book)), began)


def _reserve(cost: Cost) -> float:
    dearest = max((line.usd_per_unit or 0.0 for line in cost.lines), default=0.0)
    lines = [line for line in cost.lines if line.part == "prediction"]
    return sum(line.quantity * dearest if line.usd is None else line.usd for line in lines)


def running(store: RunStore) -> list[RunRecord]:
    """Return the runs whose jobs run, as far as the store knows."""
    if store.database.is_missing():
        return []
    from sqlalchemy import select

    from automl_bridge.runs.tables import runs

    query = select(runs.c.id).where(runs.c.state == str(RunState.RUNNING))
    with store.database.reading() as connection:
        ids = list(connection.execute(query).scalars()) if connection is not None else []
    return list(store.get_many(ids).values())
