"""A `RunView` on a terminal, and the same as plain lines: without colour, 80 columns are enough."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from automl_bridge.budget import format_duration
from automl_bridge.reports.words import MISSING, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from automl_bridge.reports.view import Entry, LeaderRow, ProgressView, RunView

__all__ = [
    "INDENT",
    "LABEL",
    "Field",
    "Line",
    "ProgressLine",
    "clock",
    "leaderboard",
    "print_entry",
    "print_error",
    "print_header",
    "print_view",
    "to_text",
]

INDENT = "  "
LABEL = 11
"""Columns of a label: ``holdout`` and its kind line up."""
GAP = "   "
STYLES = {"plain": "", "good": "green", "warn": "yellow", "bad": "red"}


class Line:
    """Parts beside each other with ``joint`` between them; broken between parts where the width ends."""

    def __init__(self, parts: Sequence[str], *, joint: str = " · ", style: str = "") -> None:
        self.parts, self.joint, self.style = parts, joint, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out."""
        for line in _flow(self.parts, self.joint, options.max_width - len(INDENT)):
            for text in Text(line, self.style).wrap(console, options.max_width - len(INDENT)):
                yield Text(INDENT) + text


class Field:
    """A label and what is said, with a hanging indent.

    Parameters
    ----------
    label, parts
        What it is about, and what is said.
    width
        Columns of the label.
    joint
        What stands between two parts of a line; None puts each on a line of its own.
    """

    def __init__(
        self, label: str, parts: Sequence[str], *, style: str = "", width: int = LABEL, joint: str | None = GAP
    ) -> None:
        self.label, self.parts, self.style, self.width, self.joint = label, parts, style, width, joint

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out."""
        width = max(20, options.max_width - len(INDENT) - self.width)
        lead = Text(INDENT + self.label.ljust(self.width), self.style or "bold")
        lines = self.parts if self.joint is None else _flow(self.parts, self.joint, width)
        for line in lines:
            for text in Text(line, self.style).wrap(console, width):
                text.rstrip()
                yield Text.assemble(lead, text)
                lead = Text(" " * len(lead))


def _flow(parts: Sequence[str], joint: str, width: int) -> list[str]:
    """Join parts into lines no longer than ``width`` where the parts allow."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + cell_len(joint) + cell_len(part) <= width:
            lines[-1] += joint + part
        else:
            lines.append(part)
    return lines


class ProgressLine:
    """One line that says how far a run is, with a bar in what room is left."""

    def __init__(self, view: ProgressView, now: datetime | None = None) -> None:
        self.view, self.now = view, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out for the time it is now: it moves between two reports of the backend."""
        now = self.now or datetime.now(UTC)
        head = f"{INDENT}{self.view.name.ljust(LABEL)}" + "  ".join(self.view.parts)
        time = clock(self.view, now)
        room = options.max_width - cell_len(head) - cell_len(time) - 4
        done = self.view.done(now)
        line = Text(head, no_wrap=True, overflow="ellipsis")
        line.stylize("bold", len(INDENT), len(INDENT) + len(self.view.name))
        if done is not None and room >= 6:
            width = min(room, 24)
            filled = round(done * width)
            full, empty = ("█", "░") if console.encoding.startswith("utf") else ("#", ".")
            line.append("  " + full * filled, "green").append(empty * (width - filled), "dim")
        line.append(f"  {time}", "dim")
        yield line


def clock(view: ProgressView, now: datetime) -> str:
    """Write how long it has taken, and of how long: ``1m 31s / 2m 00s``."""
    elapsed = format_duration(view.elapsed(now))
    return f"{elapsed} / {format_duration(view.limit)}" if view.limit else elapsed


def leaderboard(view: RunView, *, boxed: bool = True) -> RenderableType:
    """Lay out the trials; without ``boxed`` there are no rules, for pipes and logs."""
    table = Table(
        box=box.ROUNDED if boxed else None,
        border_style="dim",
        header_style="bold",
        pad_edge=boxed,
        padding=(0, 1) if boxed else (0, 2, 0, 0),
    )
    table.add_column("rank", no_wrap=True)
    table.add_column("model", ratio=1, overflow="fold")
    columns = {"score": view.score_heading, "epochs": "epochs", "time": "time"}
    if all(row.epochs == MISSING for row in view.leaderboard):
        del columns["epochs"]
    for name, heading in columns.items():
        table.add_column(heading, justify="right", no_wrap=name != "score")
    for row in view.leaderboard:
        figures = (Text(getattr(row, name)) for name in columns)
        table.add_row(Text(row.rank), _model(row), *figures, style="dim" if row.failed else "")
    parts: list[RenderableType] = [table]
    if view.hidden:
        parts.append(Text(f"and {view.hidden} more; --json lists all", "dim"))
    return _indented(Group(*parts))


def _model(row: LeaderRow) -> Text:
    model = Text(row.model)
    if row.message:
        model.append(f"\n{row.message}", "red" if row.failed else "dim")
    return model


def _indented(content: RenderableType) -> RenderableType:
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, len(INDENT)), expand=False)


def print_view(console: Console, view: RunView, *, header: bool = True) -> None:
    """Print all that is said about a run; without ``header`` only what came of it."""
    boxed = console.is_terminal
    if header:
        print_header(console, view.header, view.notes)
    if view.progress is not None:
        console.print(ProgressLine(view.progress))
    if view.leaderboard:
        console.print(leaderboard(view, boxed=boxed))
        if not boxed:
            console.print()
    for entry in view.entries:
        print_entry(console, entry)
    for remark in view.remarks:
        console.print(Field("note", [remark], style="yellow"))


def print_header(console: Console, header: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Print what is learned from what, and the notes, once."""
    console.print()
    for parts in header:
        console.print(Line(parts))
    for note in notes:
        console.print(Field("note", [plain(note)], style="yellow"))
    console.print()


def print_entry(console: Console, entry: Entry) -> None:
    """Print one labelled line."""
    style = STYLES[entry.tone]
    if not entry.copyable:
        console.print(Field(entry.label, entry.parts, style=style))
        return
    label = Text(INDENT + entry.label.ljust(LABEL), "bold")
    console.print(Text.assemble(label, (GAP.join(entry.parts), style)), soft_wrap=True)


def to_text(view: RunView, width: int = 80) -> str:
    """Write all that is said about a run as plain text."""
    buffer = io.StringIO()
    print_view(Console(file=buffer, width=width, no_color=True, highlight=False, emoji=False), view)
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())


def print_error(console: Console, content: Mapping[str, object]) -> None:
    """Print an error: what is wrong, whose limit it is, what can be done, and where more is written."""
    console.print(_labelled("error:", str(content["message"]), "bold red"))
    for key, label in (("source", "source:"), ("limit", "limit:"), ("hint", "what you can do:")):
        if content.get(key):
            console.print(_labelled(label, str(content[key]), "bold", deep=True))
    if content.get("log"):
        # A path to copy is not wrapped.
        console.print(Text.assemble(INDENT + " " * 7, ("log:", "bold"), f" {content['log']}"), soft_wrap=True)


class _labelled:  # noqa: N801 - a function in all but the protocol that rich calls
    """A line of an error; long ones hang under their own beginning."""

    def __init__(self, label: str, text: str, style: str, *, deep: bool = False) -> None:
        self.label, self.text, self.style = label, text, style
        self.indent = INDENT + (" " * 7 if deep else "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out."""
        hang = len(INDENT) + 7
        width = max(20, options.max_width - hang)
        text = Text(f"{self.label} {plain(self.text)}")
        text.stylize(self.style, 0, len(self.label))
        lead = self.indent
        for line in text.wrap(console, width):
            line.rstrip()
            yield Text(lead) + line
            lead = " " * hang
