"""What something costs, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_bridge.costs.cost import Cost
    from automl_bridge.costs.prices import PriceBook

__all__ = ["book_of", "dollars", "said_cost", "said_error", "said_part"]


def book_of(backend: str) -> PriceBook:
    """Return the prices of a backend by the configuration that holds here."""
    from automl_bridge.config import load_config
    from automl_bridge.registry import price_book

    return price_book(backend, load_config())


def said_cost(cost: Cost) -> str:
    """Say dollars, what they are for and where the prices come from; what is unknown is said first."""
    if cost.usd is None:
        least = f", at least {dollars(cost.known_usd)}" if cost.known_usd else ""
        return f"unknown{least} ({'; '.join(cost.unknown)})"
    if cost.local:
        return f"{dollars(cost.usd)} of this machine ({cost.basis})"
    parts = cost.parts
    estimated = {line.part for line in cost.lines if line.estimated}
    split = ", ".join(
        f"{said_part(part)} {'about ' if part in estimated else ''}{dollars(usd)}"
        for part, usd in parts.items()
        if usd is not None
    )
    words = [split] if len(parts) > 1 else []
    return f"{dollars(cost.usd)} ({'; '.join([*words, *filter(None, [cost.basis])]) or 'nothing was billed'})"


def said_part(part: str) -> str:
    """Return the words for a part of a bill."""
    return "machines starting and idle" if part == "idle" else part


def said_error(cost: Cost, estimate: Cost | None) -> str:
    """Say what was expected, and by how much the bill differs from it; nothing where that is unknown."""
    expected = estimate.usd if estimate is not None else None
    if expected is None:
        return ""
    if cost.usd is None or not expected:
        return f"estimated {dollars(expected)}"
    return f"estimated {dollars(expected)} ({100 * (cost.usd / expected - 1):+.0f} %)"


def dollars(amount: float) -> str:
    """Write US dollars: cents from one dollar on, below that two digits that say something."""
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= 0.1:
        return f"${amount:.2f}"
    if not amount:
        return "$0.00"
    return f"${amount:.3f}" if amount >= 0.001 else "under $0.001"
