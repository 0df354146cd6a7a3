"""Usage: metered quantities, never money."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from automl_bridge.spec import Frozen

__all__ = ["Part", "Usage", "UsageItem", "UsageRange"]

Part = Literal["training", "prediction", "storage", "hosting", "idle", "other"]
"""``idle``: machines that start, or stand by before they are given back."""


class UsageItem(Frozen):
    """A quantity of one thing that is billed.

    Parameters
    ----------
    sku
        What is billed, as the price book names it.
    quantity
        How much of it, in `unit`; never negative.
    unit
        ``machine-hour``, ``instance-hour``, ``node-hour``, ``GB-month``, ….
    part
        What it was used for.
    region
        Where, as the provider names it; None for this machine.
    estimated
        Whether it is billed but nothing meters it, so that its quantity is an estimate even when all is over.
    """

    sku: str
    quantity: float = Field(ge=0)
    unit: str
    part: Part = "training"
    region: str | None = None
    estimated: bool = False


class Usage(Frozen):
    """What a job used. `known` is False where the service did not say: unknown is not zero."""

    items: tuple[UsageItem, ...] = ()
    known: bool = True

    def __add__(self, other: Usage) -> Usage:
        """Return both usages together; unknown if either is."""
        return Usage(items=self.items + other.items, known=self.known and other.known)


class UsageRange(Frozen):
    """Expected usage of a job: what it may take at least, likely, at most, and in the worst case.

    Parameters
    ----------
    low, likely, high
        As things usually go.
    worst
        If everything goes on until a limit ends it; None where nothing bounds it.
    correction, learned_from
        By what the backend's own guess was multiplied, and from how many past runs that was learned.
    """

    low: Usage
    likely: Usage
    high: Usage
    worst: Usage | None = None
    correction: float = Field(default=1.0, gt=0)
    learned_from: int = 0
