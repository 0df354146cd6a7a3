"""Costs and estimates for people and for programs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from automl_bridge.budget import format_duration
from automl_bridge.costs.verify import OLD_DAYS
from automl_bridge.reports.cost_line import dollars
from automl_bridge.reports.words import MISSING, plain, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from automl_bridge.costs.cost import Cost
    from automl_bridge.costs.estimate import Estimate
    from automl_bridge.runs.estimating import BackendEstimate

__all__ = ["cost_document", "estimate_document", "estimates_document", "print_estimates"]

BOUND = "what bounds it"
WIDE = 140
"""Columns from which on there is room to say in the table what bounds the cost."""


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


def estimates_document(rows: Sequence[BackendEstimate], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Write the estimates of all backends down for ``--json``."""
    return {
        "estimates": [
            {
                "backend": row.backend,
                "able": row.able,
                "reason": row.reason or None,
                "hint": row.hint,
                "estimate_usd": row.likely_usd,
                "worst_usd": row.worst_usd,
                "estimate": estimate_document(row.estimate),
                "seconds": list(row.duration) if row.duration else None,
                "cap": row.cap.model_dump(mode="json"),
                "bound": row.bound or None,
                "price_age_days": _age(row),
                "past": {"runs": row.past_runs, "median_error": row.past_error, "sandbox": row.past_sandbox},
                "notes": list(row.notes),
            }
            for row in rows
        ],
        "notes": list(notes),
    }


def print_estimates(console: Console, rows: Sequence[BackendEstimate], notes: Sequence[str] = ()) -> None:
    """Print a line for each backend, and what a reader should know about all of them."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from automl_bridge.reports.terminal import Field

    headings = ("backend", "can it?", "time", "likely", "worst case", "cap", BOUND, "prices")
    wide = console.width >= WIDE
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        if wide or heading != BOUND:
            table.add_column(heading, overflow="fold", no_wrap=heading not in {BOUND, "prices"})
    for row in rows:
        cells = zip(headings, _cells(row), strict=True)
        table.add_row(*(Text(cell, style) for heading, (cell, style) in cells if wide or heading != BOUND))
    console.print()
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print()
    for row in () if wide else rows:
        said = [f"what bounds it: {plain(row.bound)}"] if row.able else [_refusal(row), plain(row.hint or "")]
        console.print(Field(row.backend, [one for one in said if one], style="" if row.able else "red", width=13))
    for row in rows:
        for why in _unknown(row):
            console.print(Field(row.backend, [why], style="yellow", width=13))
    for note in (*notes, *_remarks(rows)):
        console.print(Field("note", [plain(note)], style="yellow", width=13))


def _cells(row: BackendEstimate) -> list[tuple[str, str]]:
    if not row.able:
        return [(row.backend, ""), ("✘", "red"), *[(MISSING, "dim")] * 4, (_refusal(row), ""), (MISSING, "dim")]
    about = "about " if row.cap.kind == "watched" else ""
    expected = row.estimate
    likely, worst = (_usd(expected.likely), _usd(expected.worst, about)) if expected else ("unknown", "unknown")
    worst = "no bound" if row.unbounded else worst
    plain_cells = (_time(row), likely, worst, row.cap.kind, plain(row.bound), _prices(row))
    return [(row.backend, ""), ("✔", "green"), *((cell, "") for cell in plain_cells)]


def _refusal(row: BackendEstimate) -> str:
    return plain(" ".join(row.reason.split()))


def _usd(cost: Cost | None, about: str = "") -> str:
    """Write dollars; where a part is unknown, what the known ones come to at least, or that all is unknown."""
    if cost is None:
        return "unknown"
    if cost.usd is not None:
        return about + dollars(cost.usd)
    return f"over {dollars(cost.known_usd)}" if cost.known_usd else "unknown"


def _time(row: BackendEstimate) -> str:
    if row.duration is None:
        return MISSING
    least, most = (format_duration(seconds) for seconds in row.duration)
    return least if least == most else f"{least}–{most}"


def _prices(row: BackendEstimate) -> str:
    likely = row.estimate.likely if row.estimate is not None else None
    if likely is None or likely.price_date is None:
        return MISSING
    regions = ", ".join(sorted({line.region for line in likely.lines}))
    where = ("imputed" if likely.imputed else "as configured") if likely.local else regions
    age = _age(row) or 0
    old = f" ({age} days old)" if age > OLD_DAYS else ""
    return f"{where}, {likely.price_date}{old}"


def _age(row: BackendEstimate) -> int | None:
    """Return the days since the oldest price in it was read."""
    dated = row.estimate.likely.price_date if row.estimate is not None else None
    return (datetime.now(UTC).date() - date.fromisoformat(dated)).days if dated else None


def _unknown(row: BackendEstimate) -> tuple[str, ...]:
    """Say what an unknown estimate is for want of, and what the rest comes to; and so of a worst case."""
    if not row.able:
        return ()
    if row.estimate is None:
        return ("its plan expects no usage, so neither the likely cost nor the worst case is known",)
    likely, worst = row.estimate.likely, row.estimate.worst
    said = []
    if likely.unknown:
        least = f"; the rest comes to {dollars(likely.known_usd)}" if likely.known_usd else ""
        said.append(f"{'; '.join(likely.unknown)}{least}")
    if not row.unbounded and (worst is None or set(worst.unknown) - set(likely.unknown)):
        why = "its plan has none" if worst is None else "; ".join(worst.unknown)
        said.append(f"worst case: {why}")
    return tuple(said)


def _remarks(rows: Sequence[BackendEstimate]) -> list[str]:
    said = []
    if any(row.able and not row.local for row in rows):
        said.append("no service among these has been billed to a real account by this version")
    errors = [(row.past_error, row) for row in rows if row.past_error is not None]
    if errors:
        runs = sum(row.past_runs for _, row in errors)
        middle = median(error for error, row in errors for _ in range(row.past_runs))
        sandbox = " (sandbox)" if all(row.past_sandbox for _, row in errors) else ""
        said.append(f"past error of estimates: {plural(runs, 'run')}, median {100 * middle:.0f} %{sandbox}")
    return said
