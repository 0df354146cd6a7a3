"""Costs and estimates for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_bridge.costs.cost import Cost
    from automl_bridge.costs.estimate import Estimate

__all__ = ["cost_document", "estimate_document"]


def cost_document(cost: Cost) -> dict[str, Any]:
    """Write a cost down for ``--json``; what is not known is null, and ``unknown`` says why."""
    return {
        "usd": cost.usd,
        "known_usd": cost.known_usd,
        "parts": cost.parts,
        "unknown": list(cost.unknown),
        "imputed": cost.imputed,
        "price_date": cost.price_date,
        "lines": [line.model_dump(mode="json") for line in cost.lines],
    }


def estimate_document(estimate: Estimate | None) -> dict[str, Any] | None:
    """Write an estimate down for ``--json``; null where the plan expects nothing."""
    if estimate is None:
        return None
    return {
        "low_usd": estimate.low.usd,
        "likely_usd": estimate.likely.usd,
        "high_usd": estimate.high.usd,
        "worst_usd": estimate.worst.usd if estimate.worst is not None else None,
        "parts": estimate.likely.parts,
        "unknown": list(estimate.likely.unknown),
        "imputed": estimate.likely.imputed,
        "price_date": estimate.likely.price_date,
        "basis": estimate.likely.basis,
        "correction": estimate.correction,
        "learned_from": estimate.learned_from,
    }
