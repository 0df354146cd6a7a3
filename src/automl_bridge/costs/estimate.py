"""Estimate: what a job is expected to cost, from the usage that its plan expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.costs.cost import Cost, cost_of
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from datetime import date

    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.costs.usage import UsageRange

__all__ = ["Estimate", "estimate_of"]


class Estimate(Frozen):
    """Expected cost of a job.

    Parameters
    ----------
    low, likely, high
        What it may come to at least, likely and at most, as things usually go.
    worst
        What it may come to if everything goes on until a limit ends it; None where nothing bounds it.
    correction, learned_from
        By what the backend's own guess was multiplied, and from how many past runs that was learned.
    """

    low: Cost
    likely: Cost
    high: Cost
    worst: Cost | None = None
    correction: float = 1.0
    learned_from: int = 0


def estimate_of(usage: UsageRange | None, book: PriceBook, on: date | None = None) -> Estimate | None:
    """Price an expected usage; None where the plan expects none, which is not the same as free.

    Parameters
    ----------
    usage
        Expected usage of a plan.
    book, on
        The prices, and the day whose prices hold.
    """
    if usage is None:
        return None
    return Estimate(
        low=cost_of(usage.low, book, on),
        likely=cost_of(usage.likely, book, on),
        high=cost_of(usage.high, book, on),
        worst=cost_of(usage.worst, book, on) if usage.worst is not None else None,
        correction=usage.correction,
        learned_from=usage.learned_from,
    )
