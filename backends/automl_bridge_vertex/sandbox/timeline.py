"""How long a job takes and what it costs: in simulated seconds, and milli node hours within the budget.

Nothing of it is documented but that the cost does not exceed the budget; the README says what is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timeline", "plan_batch", "plan_training"]

QUEUED = 20.0
PENDING = 160.0
CHECKING = 300.0  # the data is looked at, and refused if it has to be
PREPARATION = 600.0
EVALUATION = 300.0
LEAST = {"table": 700.0, "series": 800.0, "image": 8000.0}  # milli node hours that the smallest data takes
PER_UNIT = {"table": 25.0, "series": 40.0, "image": 2.0}  # more for each MB, or image


@dataclass(frozen=True)
class Timeline:
    """When a job's states change, in seconds after its creation, and what it costs."""

    pending: float
    running: float
    checked: float
    end: float
    cost: int = 0
    converged: bool = False


def plan_training(kind: str, *, budget: int, size: float, nodes: int, stops_early: bool) -> Timeline:
    """Lay out a training.

    Parameters
    ----------
    kind
        ``table``, ``series`` or ``image``.
    budget
        Milli node hours.
    size
        Megabytes of a table, or how many images.
    nodes
        That work at once: a node hour is an hour of one of them.
    stops_early
        Whether it may stop when it no longer gets better.
    """
    needed = round(LEAST[kind] + PER_UNIT[kind] * size)
    if kind == "image" and nodes == 1:
        needed //= 8
    cost = min(budget, needed) if stops_early else budget
    running = QUEUED + PENDING
    end = running + PREPARATION + cost * 3.6 / nodes + EVALUATION
    return Timeline(QUEUED, running, running + CHECKING, end, cost, cost < budget)


def plan_batch(rows: float) -> Timeline:
    """Lay out a batch prediction of about ``rows`` rows."""
    running = QUEUED + PENDING
    return Timeline(QUEUED, running, running + 60.0, running + 600.0 + rows * 0.01)
