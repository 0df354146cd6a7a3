"""A comparison as JSON's types: what is not known is None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl_bridge.reports.estimate import cost_document, estimate_document

if TYPE_CHECKING:
    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.rows import RunRow

__all__ = ["comparison_document"]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Write a comparison down for programs."""
    spec, best = comparison.spec, comparison.best
    content: dict[str, Any] = {
        "comparison": comparison.id,
        "state": "done" if comparison.complete else "waiting",
        "task": str(spec.task),
        "target": list(spec.target),
        "metric": spec.metric,
        "rows": spec.profile.rows,
        "seeds": list(comparison.seeds),
        "budget": spec.budget.model_dump(mode="json"),
        "max_cost_usd": comparison.experiment.max_cost_usd,
        "cap": spec.cap,
        "sandbox": comparison.sandbox,
        "best": best.backend if best is not None else None,
        "score": best.score if best is not None else None,
        "verdict": str(comparison.verdict),
        "headline": comparison.verdict.headline,
        "standings": [one.model_dump(mode="json") for one in comparison.standings],
        "pairs": [one.model_dump(mode="json") for one in comparison.pairs],
        "runs": [_run(row) for row in comparison.rows],
        "notes": list(comparison.notes),
    }
    known: dict[str, Any] = _known(content)
    return known


def _known(value: Any) -> Any:
    """Return ``value`` with None for what is no number: a NaN has no JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list) else value


def _run(row: RunRow) -> dict[str, Any]:
    plain = row.model_dump(mode="json", exclude={"run", "cost", "estimate", "trials"})
    return {
        "run_id": row.run,
        **plain,
        "cost_usd": row.billed_usd,
        "estimate_usd": row.estimate_usd,
        "cost": cost_document(row.cost) if row.cost is not None else None,
        "estimate": estimate_document(row.estimate),
        "trials": [trial.model_dump(mode="json") for trial in row.trials],
    }
