"""How a run is watched: a line that moves on a terminal, lines now and then elsewhere, a table in a notebook."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from automl_bridge.reports.build import header, progress_view, rows, run_view, trial_numbers
from automl_bridge.reports.terminal import INDENT, LABEL, ProgressLine, clock, leaderboard, print_header
from automl_bridge.reports.view import ProgressView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
        self._said: dict[str, tuple[bool, float]] = {}
        self._trials: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to close."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is, if there is news."""
        if self.header:
            print_header(self.console, header(record.spec, sandbox=record.sandbox), record.plan.notes)
            self.header = False
        now, ended = self.clock(), record.state.is_final
        told = self._tell_trials(record)
        seen = self._said.get(record.id)
        if seen is None or ended > seen[0] or (now - seen[1] >= HEARTBEAT and not told):
            self._print(record, progress_view(record).parts)
            told = True
        if told:
            self._said[record.id] = (ended, now)

    def _tell_trials(self, record: RunRecord) -> bool:
        """Print the trials that have ended since; those of a run that is over already stand in its leaderboard."""
        trials = record.progress.trials if record.progress and record.state.value == "running" else ()
        numbers = trial_numbers(trials)
        fresh = [trial for trial in trials if trial.state.is_final and (record.id, trial.id) not in self._trials]
        for trial in sorted(fresh, key=lambda one: numbers.get(one.id, 0)):
            self._trials.add((record.id, trial.id))
            name = f"trial {numbers[trial.id]}" if trial.id in numbers else "trial"
            (row,) = rows([trial], record.spec.metric)
            self._print(record, (name, row.score, row.message or row.model))
        return bool(fresh)

    def _print(self, record: RunRecord, parts: Sequence[str]) -> None:
        view = progress_view(record)
        line = f"{INDENT}{view.name.ljust(LABEL)}" + "  ".join(parts)
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
