"""A plan in words: what ``--dry-run`` prints, before anything is sent or paid for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from automl_bridge.budget import format_duration
from automl_bridge.costs.estimate import estimate_of
from automl_bridge.reports.build import header
from automl_bridge.reports.cost_line import book_of, dollars, said_cost
from automl_bridge.reports.estimate import estimate_document
from automl_bridge.reports.terminal import Field, print_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from automl_bridge.backend import Plan
    from automl_bridge.costs.estimate import Estimate
    from automl_bridge.costs.prices import PriceBook

__all__ = ["plan_document", "plan_fields", "print_plan"]

LABEL = 15
"""Columns of a label: ``would create`` and its kind line up."""
_PLAIN_LIST = re.compile(r"\[\n([^\[\]{}]*?)\n *\]")


def plan_fields(plan: Plan, book: PriceBook | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """Say what the plan comes to: label and parts; by the prices of the configuration where no book is given."""
    made = tuple(f"{r.kind} {r.name}{'' if r.temporary else ' (kept)'}" for r in plan.resources)
    fields = [("backend", (plan.backend,)), ("would create", made or ("nothing at a service",))]
    if plan.limits_sent:
        fields.append(("limits sent", tuple(f"{name} {value}" for name, value in plan.limits_sent.items())))
    if plan.objective is not None:
        match = "exact" if plan.objective.exact else f"nearest to {plan.spec.metric}"
        fields.append(("objective", (f"{plan.objective.name} ({match})",)))
    if plan.duration is not None:
        least, most = (format_duration(seconds) for seconds in plan.duration)
        fields.append(("time", (least if least == most else f"{least} to {most}",)))
    estimate = estimate_of(plan.usage, book or book_of(plan.backend))
    if estimate is not None:
        fields.append(("cost", _cost(estimate)))
    if plan.spec.budget.max_cost_usd is not None:
        cap = f"{dollars(plan.spec.budget.max_cost_usd)}, {plan.cap.kind}: {plan.cap.because}"
        fields.append(("cap", (cap,)))
    return fields


def _cost(estimate: Estimate) -> tuple[str, ...]:
    worst = estimate.worst
    if worst is not None and worst.usd is not None:
        bound = f"worst case {dollars(worst.usd)}"
    elif worst is None or not worst.metered:
        bound = "no worst case: nothing but its own end bounds it"
    else:
        bound = f"worst case unknown: {'; '.join(worst.unknown)}"
    return f"likely {said_cost(estimate.likely)}", bound


def print_plan(console: Console, plan: Plan, notes: Sequence[str] = (), book: PriceBook | None = None) -> None:
    """Print the plan and the very request, and ``notes`` that came up before it."""
    print_header(console, header(plan.spec), notes)
    for label, parts in plan_fields(plan, book):
        console.print(Field(label, parts, width=LABEL))
    for note in plan.notes:
        console.print(Field("note", [note], style="yellow", width=LABEL))
    console.print(Field("request", _request(plan), width=LABEL, joint=None))


def _request(plan: Plan) -> list[str]:
    """Write the request as JSON, a list of plain values on one line; the job itself is described above it."""
    job = plan.spec.model_dump(mode="json")
    request = {
        name: "(the job above; --json has it)" if value == job else value for name, value in plan.request.items()
    }
    text = json.dumps(request, indent=2, ensure_ascii=False, default=str)
    flat = _PLAIN_LIST.sub(lambda found: "[" + ", ".join(part.strip() for part in found[1].split(",\n")) + "]", text)
    return flat.splitlines()


def plan_document(plan: Plan, notes: Sequence[str] = (), book: PriceBook | None = None) -> dict[str, Any]:
    """Write the plan down for ``--json``; by the prices of the configuration where no book is given."""
    estimate = estimate_of(plan.usage, book or book_of(plan.backend))
    return {
        "run_id": None,
        "state": "planned",
        "score": None,
        "backend": plan.backend,
        "task": str(plan.spec.task),
        "target": list(plan.spec.target),
        "metric": plan.spec.metric,
        "rows": plan.spec.profile.rows,
        "notes": [*notes, *plan.notes],
        "estimate_usd": estimate.likely.usd if estimate else None,
        "estimate": estimate_document(estimate),
        "plan": plan.model_dump(mode="json", exclude={"spec"}),
    }
