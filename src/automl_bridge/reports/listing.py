"""Tables of runs, of checks and of what each backend can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl_bridge.reports import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from automl_bridge.backend import Check
    from automl_bridge.runs.record import RunRecord

__all__ = ["checks_table", "matrix", "runs_table", "since"]

STATES = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}
MARKS = {True: ("✔", "green"), False: ("✘", "red"), None: ("?", "yellow")}


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _indented(content: RenderableType) -> RenderableType:
    return Padding(content, (0, 0, 0, 2), expand=False)


def since(record: RunRecord) -> str:
    """Write when a run was made, in the reader's own time zone."""
    return record.created.astimezone().strftime("%Y-%m-%d %H:%M")


def runs_table(records: Sequence[RunRecord]) -> RenderableType:
    """Lay out runs, a line each."""
    table = _table("run", "state", "backend", "data", "target", "score", "made")
    for record in records:
        spec = record.spec
        score = words.MISSING if record.score is None else f"{words.score(record.score)} {spec.metric}"
        state = Text(str(record.state), STATES.get(str(record.state), "cyan"))
        backend = record.backend + (" SANDBOX" if record.sandbox else "")
        cells = (words.short_id(record.id), backend, spec.profile.name, ", ".join(spec.target), score, since(record))
        first, *rest = (Text(words.plain(cell)) for cell in cells)
        table.add_row(first, state, *rest)
    return _indented(table)


def checks_table(checks: Iterable[Check]) -> RenderableType:
    """Lay out checks, a line each: whether it is well, what was looked at, what was found."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        mark, style = MARKS[check.ok]
        table.add_row(Text(mark, style), Text(check.name), Text(check.detail, "" if check.ok else style))
    return Padding(table, (0, 0, 0, 4), expand=False)


def matrix(columns: Sequence[str], lines: Iterable[tuple[str, Sequence[str | None]]]) -> RenderableType:
    """Lay out what each backend can do: a tick, or a cross whose reason stands below.

    Parameters
    ----------
    columns
        Names of the backends.
    lines
        For each task or feature its name, and per backend None if it can, else the reason why not.
    """
    table = _table("", *columns)
    table.columns[0].min_width = 25
    for name, reasons in lines:
        marks = (MARKS[reason is None] for reason in reasons)
        table.add_row(Text(name), *(Text(mark, style) for mark, style in marks))
    return _indented(table)
