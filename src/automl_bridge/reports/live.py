"""How a run is watched: a line that moves on a terminal, lines now and then elsewhere, a table in a notebook."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from automl_bridge.reports.build import header, progress_view, run_view
from automl_bridge.reports.terminal import INDENT, LABEL, ProgressLine, clock, leaderboard, print_header
from automl_bridge.reports.view import ProgressView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType
    from rich.live import Live

    from automl_bridge.runs.record import RunRecord

__all__ = [
    "HEARTBEAT",
    "LineWatcher",
    "NotebookWatcher",
    "TerminalWatcher",
    "Watcher",
    "in_notebook",
    "starting",
    "watcher_for",
    "watching",
]

HEARTBEAT = 30.0
"""Seconds after which a log gets a line even though nothing has happened."""


class Watcher(Protocol):
    """Shows a run, and the baseline's run beside it, while they go on."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        ...


class _Seen:
    """The runs that were reported so far; the one that is watched comes first, its baseline after it."""

    def __init__(self) -> None:
        self._records: dict[str, RunRecord] = {}

    def add(self, record: RunRecord) -> None:
        """Take note of how far ``record`` is."""
        self._records[record.id] = record

    @property
    def records(self) -> list[RunRecord]:
        """All, a run before the one that is its baseline."""
        beside = {record.baseline_run for record in self._records.values()}
        return sorted(self._records.values(), key=lambda record: record.id in beside)


class TerminalWatcher:
    """A header, then a line a run that moves and the leaderboard as it grows; all but the header goes at the end."""

    def __init__(self, console: Console, *, header: bool = True) -> None:
        self.console, self.header = console, header
        self._seen = _Seen()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        self._seen.add(record)
        if self.header:
            print_header(self.console, header(record.spec, sandbox=record.sandbox), record.plan.notes)
            self.header = False
        if self._live is None:
            from rich.live import Live

            self._live = Live(get_renderable=self._render, console=self.console, transient=True, refresh_per_second=4)
            self._live.start()

    def _render(self) -> RenderableType:
        from rich.console import Group

        records = self._seen.records
        parts: list[RenderableType] = [ProgressLine(progress_view(record)) for record in records]
        parts.extend(leaderboard(view) for view in map(run_view, records[:1]) if view.leaderboard)
        return Group(*parts)


class LineWatcher:
    """A line for each trial that ends, and one at least every `HEARTBEAT` seconds."""

    def __init__(self, console: Console, *, header: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.header, self.clock = console, header, clock
        self._said: dict[str, tuple[int, bool, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to close."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is, if there is news."""
        if self.header:
            print_header(self.console, header(record.spec, sandbox=record.sandbox), record.plan.notes)
            self.header = False
        trials = len(record.progress.trials) if record.progress else 0
        now, ended = self.clock(), record.state.is_final
        seen = self._said.get(record.id)
        if seen is None or trials > seen[0] or ended > seen[1] or now - seen[2] >= HEARTBEAT:
            self._said[record.id] = (trials, ended, now)
            self._print(record)

    def _print(self, record: RunRecord) -> None:
        view = progress_view(record)
        line = f"{INDENT}{view.name.ljust(LABEL)}" + "  ".join(view.parts)
        self.console.print(f"{line}  {clock(view, datetime.now(UTC))}", markup=False, soft_wrap=True)


@contextlib.contextmanager
def starting(console: Console, name: str) -> Iterator[None]:
    """Show that something goes on before there is a run to watch: data is sent, or a short job is done at once."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    from rich.live import Live

    line = ProgressLine(ProgressView(name=name, parts=("working",), started=datetime.now(UTC)))
    with Live(line, console=console, transient=True, refresh_per_second=4):
        yield


class NotebookWatcher:
    """A table that updates in place."""

    def __init__(self) -> None:
        self._seen = _Seen()
        self._handle: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last table where it is."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        import importlib

        from automl_bridge.reports.html import to_html

        self._seen.add(record)
        # Not a dependency: whoever is in a notebook has it.
        shown = importlib.import_module("IPython.display")
        content = shown.HTML(to_html(run_view(self._seen.records[0])))
        if self._handle is None:
            self._handle = shown.display(content, display_id=True)
        else:
            self._handle.update(content)


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel; imports nothing."""
    import sys

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


def watcher_for(console: Console, *, header: bool = True) -> Watcher:
    """Choose how to show a run on ``console``."""
    if in_notebook():
        return NotebookWatcher()
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalWatcher(console, header=header)
    return LineWatcher(console, header=header)


@contextlib.contextmanager
def watching(progress: bool | None = None) -> Iterator[Callable[[RunRecord], None] | None]:  # noqa: FBT001 - scikit-learn-like keyword
    """Yield what a caller from Python passes on as ``on_progress``.

    Parameters
    ----------
    progress
        Whether to show progress; None: in notebooks only.
    """
    if progress is False or (progress is None and not in_notebook()):
        yield None
        return
    from rich.console import Console

    with watcher_for(Console(stderr=True, highlight=False, emoji=False)) as watcher:
        yield watcher.update
