"""How a run is watched: a line that moves on a terminal, lines now and then elsewhere, a table in a notebook."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from automl_bridge.budget import format_duration
from automl_bridge.reports.build import progress_view, run_view
from automl_bridge.reports.terminal import INDENT, LABEL, ProgressLine, leaderboard, print_header

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
    "watcher_for",
    "watching",
]

HEARTBEAT = 30.0
"""Seconds after which a log gets a line even though nothing has happened."""


class Watcher(Protocol):
    """Shows a run while it goes on."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        ...


class TerminalWatcher:
    """A header, the leaderboard as it grows and a line that moves; all but the header goes when it ends."""

    def __init__(self, console: Console, *, header: bool = True) -> None:
        self.console, self.header = console, header
        self._live: Live | None = None
        self._record: RunRecord | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        self._record = record
        if self.header:
            print_header(self.console, run_view(record))
            self.header = False
        if self._live is None:
            from rich.live import Live

            self._live = Live(get_renderable=self._render, console=self.console, transient=True, refresh_per_second=4)
            self._live.start()

    def _render(self) -> RenderableType:
        from rich.console import Group

        if self._record is None:
            return ""
        view = run_view(self._record)
        parts: list[RenderableType] = [ProgressLine(progress_view(self._record))]
        if view.leaderboard:
            parts.append(leaderboard(view))
        return Group(*parts)


class LineWatcher:
    """A line for each trial that ends, and one at least every `HEARTBEAT` seconds."""

    def __init__(self, console: Console, *, header: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.header, self.clock = console, header, clock
        self._seen = 0
        self._said = ""
        self._last: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to close."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is, if there is news."""
        if self.header:
            print_header(self.console, run_view(record))
            self.header = False
        trials = record.progress.trials if record.progress else ()
        said = progress_view(record).parts[0]
        now = self.clock()
        due = self._last is None or now - self._last >= HEARTBEAT
        if len(trials) > self._seen or said != self._said or due:
            self._seen, self._said, self._last = len(trials), said, now
            self._print(record)

    def _print(self, record: RunRecord) -> None:
        view = progress_view(record)
        moment = datetime.now(UTC)
        line = f"{INDENT}{view.name.ljust(LABEL)}" + "  ".join(view.parts)
        elapsed = format_duration(view.elapsed(moment))
        limit = f" / {format_duration(view.limit)}" if view.limit else ""
        self.console.print(f"{line}  {elapsed}{limit}", markup=False, soft_wrap=True)


class NotebookWatcher:
    """A table that updates in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last table where it is."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        import importlib

        from automl_bridge.reports.html import to_html

        # Not a dependency: whoever is in a notebook has it.
        shown = importlib.import_module("IPython.display")
        content = shown.HTML(to_html(run_view(record)))
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
