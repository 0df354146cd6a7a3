"""How a comparison is watched: a table that moves on a terminal, lines elsewhere, a table in a notebook."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from automl_bridge.budget import format_duration
from automl_bridge.reports.cost_line import dollars
from automl_bridge.reports.live import HEARTBEAT, in_notebook
from automl_bridge.reports.terminal import INDENT
from automl_bridge.reports.words import MISSING, plain, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.live import Live

    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.runs.experiments import Experiment
    from automl_bridge.runs.record import RunRecord

    Books = Callable[[str], PriceBook]

__all__ = ["CompareWatcher", "LiveRow", "compare_watcher", "comparing", "live_row"]

HEADINGS = ("backend", "state", "time", "trials", "best so far", "dollars so far")
_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}


class LiveRow(NamedTuple):
    """How far one run is, written out; ``key`` names it."""

    key: str
    state: str
    time: str
    trials: str
    best: str
    spent: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        return self.key, self.state, self.time, self.trials, self.best, self.spent


def live_row(record: RunRecord, books: Books, now: datetime, *, seeds: bool = False) -> LiveRow:
    """Say how far a run is.

    Parameters
    ----------
    record
        The run.
    books
        Gives prices by backend.
    now
        The time.
    seeds
        Whether its seed belongs to its name.
    """
    end = record.updated if record.state.is_final else now
    progress = record.progress
    trials = record.outcome.trials if record.outcome else progress.trials if progress else ()
    best = record.score if record.score is not None else progress.best if progress else None
    name = record.backend + (" SANDBOX" if record.sandbox else "")
    return LiveRow(
        key=f"{name}, seed {record.spec.seed}" if seeds else name,
        state=_state(record),
        time=format_duration(max(0.0, (end - record.created).total_seconds())),
        trials=str(sum(trial.counts for trial in trials)) if trials else MISSING,
        best=f"{score(best)}{' holdout' if record.score is not None else ''}" if best is not None else MISSING,
        spent=_spent(record, books),
    )


def _state(record: RunRecord) -> str:
    said = record.progress.message if record.progress and not record.state.is_final else ""
    state = str(record.state)
    return f"{state}: {plain(' '.join(said.split()))[:40]}" if said and state == "running" else state


def _spent(record: RunRecord, books: Books) -> str:
    from automl_bridge.costs.cost import cost_of

    usage = record.usage if record.usage.items else record.progress.usage if record.progress else None
    if usage is None:
        return MISSING
    cost = cost_of(usage, books(record.backend))
    if cost.usd is not None:
        return dollars(cost.usd)
    return f"over {dollars(cost.known_usd)}" if cost.known_usd else "unknown"


class CompareWatcher(Protocol):
    """Shows how far the runs of a comparison are."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        ...


class _Runs:
    """The runs of an experiment that were heard of, in its order."""

    def __init__(self, experiment: Experiment, books: Books) -> None:
        self._order = {run: place for place, run in enumerate(experiment.runs)}
        self._seeds = len({member.seed for member in experiment.members}) > 1
        self._records: dict[str, RunRecord] = {}
        self._books = books
        self.refused = [one for one in experiment.members if one.run is None]

    def row(self, record: RunRecord) -> LiveRow:
        """Take note of ``record``, and say how far it is."""
        self._records[record.id] = record
        return live_row(record, self._books, datetime.now(UTC), seeds=self._seeds)

    def rows(self) -> list[LiveRow]:
        """Say how far all are."""
        known = sorted(self._records.values(), key=lambda record: self._order.get(record.id, 0))
        return [live_row(record, self._books, datetime.now(UTC), seeds=self._seeds) for record in known]


class TableWatcher:
    """A table that is drawn anew, and gone at the end: what came of it stands in another one."""

    def __init__(self, console: Console, experiment: Experiment, books: Books) -> None:
        self._console, self._runs = console, _Runs(experiment, books)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(get_renderable=self._render, console=self._console, transient=True, refresh_per_second=4)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        self._runs.row(record)

    def _render(self) -> RenderableType:
        return live_table(self._runs.rows())


def live_table(rows: Sequence[LiveRow]) -> RenderableType:
    """Lay rows out as a table."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=place != 1, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row.cells))
    return Padding(table, (0, 0, 0, len(INDENT)), expand=False)


class LineWatcher:
    """A line whenever the state of a run changes, and now and then in between."""

    def __init__(
        self, console: Console, experiment: Experiment, books: Books, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console, self._runs, self._clock = console, _Runs(experiment, books), clock
        self._said: dict[str, tuple[str, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to close."""

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is, if there is news."""
        row, state = self._runs.row(record), str(record.state)
        before = self._said.get(record.id)
        quiet = state in {"staging", "submitting", "collecting", "cleaning"}
        if before is not None and (quiet or before[0] == state) and self._clock() - before[1] < HEARTBEAT:
            return
        self._said[record.id] = (state, self._clock())
        shown = [row.key.ljust(20), row.state.ljust(11), row.time.rjust(8)]
        shown += [f"best {row.best}"] if row.best != MISSING else []
        shown += [row.spent] if row.spent != MISSING else []
        self._console.print(INDENT + "  ".join(shown), markup=False, soft_wrap=True)


class NotebookWatcher:
    """A table that updates in place."""

    def __init__(self, experiment: Experiment, books: Books) -> None:
        self._runs = _Runs(experiment, books)
        self._handle: Any = None
        self._shown = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Show the last state of all of them."""
        self._show()

    def update(self, record: RunRecord) -> None:
        """Show how far ``record`` is."""
        self._runs.row(record)
        if time.monotonic() - self._shown > 0.5:
            self._show()

    def _show(self) -> None:
        import importlib

        from automl_bridge.reports.comparison_html import live_html

        # Not a dependency: whoever is in a notebook has it.
        shown = importlib.import_module("IPython.display")
        content = shown.HTML(live_html(HEADINGS, [row.cells for row in self._runs.rows()]))
        self._shown = time.monotonic()
        if self._handle is None:
            self._handle = shown.display(content, display_id=True)
        else:
            self._handle.update(content)


def compare_watcher(console: Console, experiment: Experiment, books: Books) -> CompareWatcher:
    """Choose how to show a comparison on ``console``."""
    if in_notebook():
        return NotebookWatcher(experiment, books)
    if console.is_terminal and not console.is_dumb_terminal:
        return TableWatcher(console, experiment, books)
    return LineWatcher(console, experiment, books)


@contextlib.contextmanager
def comparing(
    experiment: Experiment, books: Books, *, progress: bool | None = None
) -> Iterator[Callable[[RunRecord], None]]:
    """Yield what a caller from Python passes on as ``on_progress``.

    Parameters
    ----------
    experiment, books
        What is watched, and prices by backend.
    progress
        Whether to show it; None: in notebooks only.
    """
    if progress is False or (progress is None and not in_notebook()):
        yield lambda _: None
        return
    from rich.console import Console

    with compare_watcher(Console(stderr=True, highlight=False, emoji=False), experiment, books) as watcher:
        yield watcher.update
