"""What a run cost, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.costs.local import local_cost

if TYPE_CHECKING:
    from automl_bridge.costs.usage import Usage

__all__ = ["cost_line", "dollars"]


def cost_line(usage: Usage | None, *, usd_per_hour: float | None = None) -> str | None:
    """Say what ``usage`` cost; None where that is not known, which is not the same as nothing.

    Parameters
    ----------
    usage
        What was metered.
    usd_per_hour
        What an hour of this machine costs, as configured; None imputes it.
    """
    if usage is None or not usage.known:
        return None
    cost = local_cost(usage, usd_per_hour)
    return None if cost is None else f"{dollars(cost.usd)} of this machine ({cost.basis})"


def dollars(amount: float) -> str:
    """Write US dollars: cents from one dollar on, below that two digits that say something."""
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= 0.1:
        return f"${amount:.2f}"
    return f"${amount:.3f}" if amount >= 0.001 else "under $0.001"
