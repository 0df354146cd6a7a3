"""The result of a comparison on a terminal, and the same as plain lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl_bridge.reports.cost_line import dollars
from automl_bridge.reports.terminal import INDENT, Field
from automl_bridge.reports.words import MISSING, plain, plural, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.comparison.experiment import Prepared
    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.standings import Standing

__all__ = ["comparison_text", "print_comparison", "print_estimate", "scored", "spent", "total_said", "versus"]


def scored(one: Standing) -> str:
    """Write a score with its interval."""
    if one.score is None:
        return MISSING
    spread = f" [{score(one.low)}, {score(one.high)}]" if one.low is not None and one.low == one.low else ""
    return score(one.score) + spread


def spent(usd: float | None, least: float = 0.0, *, due: bool = True) -> str:
    """Write dollars; of an unknown sum what it comes to at least; where nothing was due there is a dash."""
    if usd is not None:
        return dollars(usd)
    if least:
        return f"over {dollars(least)}"
    return "unknown" if due else MISSING


def versus(one: Standing) -> str:
    """Write dollars a point over the baseline, and whether the point is there at all."""
    if not one.versus_baseline:
        return MISSING
    amount = dollars(one.usd_per_point) if one.usd_per_point is not None else MISSING
    if one.versus_baseline == "worse":
        return "worse than it"
    return f"{amount} (within noise)" if one.versus_baseline == "noise" else amount


def print_estimate(console: Console, prepared: Prepared) -> None:
    """Print what each backend would cost a run, and what all runs come to."""
    from automl_bridge.reports.estimate import print_estimates

    firsts = {one.member.backend: one.estimate for one in reversed(prepared.planned)}
    rows = [firsts[name] for name in dict.fromkeys(one.member.backend for one in prepared.planned)]
    print_estimates(console, rows)
    for label, part in _totals(prepared):
        console.print(Field(label, [part], width=13))
    console.print()


def _totals(prepared: Prepared) -> list[tuple[str, str]]:
    fresh = [one.estimate for one in prepared.planned if one.plan is not None]
    if not fresh:
        return []
    likely = sum(one.estimate.likely.known_usd for one in fresh if one.estimate is not None)
    part = sum(one.likely_usd is None for one in fresh)
    said = f"likely {dollars(likely)}" + (f" and what is unknown of {plural(part, 'run')}" if part else "")
    worst = sum(one.estimate.worst.known_usd for one in fresh if one.estimate is not None and one.estimate.worst)
    part = sum(one.worst_usd is None for one in fresh)
    said += f"; worst case {dollars(worst)}" + (f" and what is unknown of {plural(part, 'run')}" if part else "")
    told = [("all", f"{plural(len(fresh), 'run')}: {said}")]
    cap = prepared.experiment.max_cost_usd
    if cap is not None:
        caps = [(one.member, one.plan.cap) for one in prepared.planned if one.plan is not None]
        shares = {member.backend: member.cap_usd or 0.0 for member, _ in caps}
        kinds = {member.backend: kind.kind for member, kind in caps}
        split = ", ".join(f"{name} {dollars(usd)} {kinds[name]}" for name, usd in shares.items())
        each = " a run" if any(member.seed != caps[0][0].seed for member, _ in caps) else ""
        told.append(("cap", f"{dollars(cap)} over all, split by the worst cases{each}: {split}"))
    return told


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the table, the failures, and the verdict."""
    metric = comparison.spec.metric
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("backend", f"holdout {metric}"):
        table.add_column(heading, no_wrap=True)
    for heading in ("billed", "estimate", "$ per point over baseline"):
        table.add_column(heading, justify="right", overflow="fold")
    for one in comparison.standings:
        name = one.backend + (" SANDBOX" if one.sandbox else "")
        if one.score is None:
            due = one.state not in {"refused", "waiting"}
            table.add_row(
                Text(name),
                Text(one.state, "red"),
                spent(one.billed_total_usd, one.known_total_usd, due=due),
                MISSING,
                MISSING,
            )
            continue
        cells = (
            scored(one),
            spent(one.billed_usd, one.known_usd),
            spent(one.estimate_usd, one.known_estimate_usd),
            versus(one),
        )
        table.add_row(Text(name), *(Text(cell) for cell in cells))
    console.print(Padding(table, (0, 0, 0, len(INDENT)), expand=False))
    console.print()
    for label, parts in _fields(comparison):
        console.print(Field(label, parts, joint=None))


def _fields(comparison: Comparison) -> list[tuple[str, Sequence[str]]]:
    fields: list[tuple[str, Sequence[str]]] = [("verdict", [plain(str(comparison.verdict))])]
    for one in comparison.standings:
        if one.reason:
            hint = [f"what you can do: {plain(one.hint)}"] if one.hint else []
            fields.append((one.backend, [plain(" ".join(one.reason.split())), *hint]))
    whole = total_said(comparison)
    runs = plural(sum(row.run is not None for row in comparison.rows), "run")
    fields.append(("cost", [f"{whole} for {runs}"]))
    return fields


def total_said(comparison: Comparison) -> str:
    """Write what all runs cost together."""
    due = [one for one in comparison.standings if one.state != "refused"]
    known = dollars(sum(one.known_total_usd for one in due))
    return known if all(one.billed_total_usd is not None for one in due) else f"unknown, at least {known},"


def comparison_text(comparison: Comparison, width: int = 100) -> str:
    """Write the result as plain text."""
    buffer = io.StringIO()
    print_comparison(Console(file=buffer, width=width, no_color=True, highlight=False, emoji=False), comparison)
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())
