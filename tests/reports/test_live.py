"""How a run is watched, where somebody looks and where nobody does."""

from __future__ import annotations

import io
import sys
import types

from rich.console import Console

from automl_bridge.backend import Progress, Trial
from automl_bridge.reports import live


def _console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    buffer = io.StringIO()
    return Console(file=buffer, force_terminal=terminal, width=100, color_system=None, highlight=False), buffer


def test_a_log_gets_a_line_for_news_and_a_heartbeat_only(running):
    console, buffer = _console(terminal=False)
    time = [0.0]
    with live.LineWatcher(console, clock=lambda: time[0]) as watcher:
        watcher.update(running)
        watcher.update(running)
        time[0] += live.HEARTBEAT - 1
        watcher.update(running)
        first = buffer.getvalue()
        time[0] += 1
        watcher.update(running)
        beat = buffer.getvalue()
        trials = (Trial(id="4", model="wide", score=0.9), *running.progress.trials)
        progress = running.progress.model_copy(update={"trials": trials, "best": 0.9})
        watcher.update(running.model_copy(update={"progress": progress}))
    said = [line.split("  ")[1:5] for line in first.splitlines() if line.startswith("  autokeras")]
    assert said[0] == ["autokeras", "trial 1", "0.812", "dense 2×128, periodic numbers"]
    assert said[2] == ["autokeras", "trial 3", "failed", "ran out of memory at epoch 2"]
    assert first.count("epoch 11/40") == 1
    assert beat.count("epoch 11/40") == 2
    news = buffer.getvalue()[len(beat) :]
    assert news.startswith("  autokeras  trial 4  0.900  wide  ")
    assert news.count("\n") == 1
    assert buffer.getvalue().count("set aside before training") == 1
    assert "\x1b" not in buffer.getvalue()


def test_a_terminal_gets_one_header_and_a_line_that_goes_away(running):
    console, buffer = _console(terminal=True)
    with live.TerminalWatcher(console) as watcher:
        watcher.update(running)
        watcher.update(running)
    shown = buffer.getvalue()
    assert shown.count("set aside before training") == 1
    assert "dense 2×128" in shown
    # The last thing written erases what moved: up a line and clear it.
    assert shown.endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in shown


def test_a_watcher_that_saw_nothing_says_nothing():
    console, buffer = _console(terminal=True)
    with live.TerminalWatcher(console):
        pass
    assert buffer.getvalue() == ""


def test_a_terminal_a_pipe_and_a_dumb_terminal_each_get_their_own(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(live.watcher_for(_console(terminal=True)[0]), live.TerminalWatcher)
    assert isinstance(live.watcher_for(_console(terminal=False)[0]), live.LineWatcher)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(live.watcher_for(_console(terminal=True)[0]), live.LineWatcher)


class _Notebook:
    """Stands in for IPython: what a kernel shows, in order."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.IPython = types.ModuleType("IPython")
        self.display_module = types.ModuleType("IPython.display")
        shell = types.SimpleNamespace(config={"IPKernelApp": {}})
        self.IPython.get_ipython = lambda: shell
        self.display_module.HTML = lambda text: text
        self.display_module.display = self._display

    def _display(self, content: str, *, display_id: bool) -> types.SimpleNamespace:
        assert display_id
        self.shown.append(("new", content))
        return types.SimpleNamespace(update=lambda content: self.shown.append(("update", content)))


def test_a_notebook_gets_one_table_that_updates_in_place(monkeypatch, running, finished):
    notebook = _Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook.IPython)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook.display_module)
    with live.watching() as on_progress:
        assert on_progress is not None
        on_progress(running)
        on_progress(finished)
    assert [how for how, _ in notebook.shown] == ["new", "update"]
    assert "trial 4/∞" in notebook.shown[0][1]
    assert "0.824 [0.793, 0.853]" in notebook.shown[1][1]


def test_outside_a_notebook_python_callers_are_left_in_peace():
    with live.watching() as on_progress:
        assert on_progress is None
    with live.watching(progress=False) as on_progress:
        assert on_progress is None


def test_progress_can_be_asked_for(capsys, running):
    with live.watching(progress=True) as on_progress:
        assert on_progress is not None
        on_progress(running)
    said = capsys.readouterr()
    assert said.out == ""
    assert "trial 4/∞" in said.err


def test_best_is_the_trial_that_has_it(running):
    progress = Progress(state=running.progress.state, trial=3, best=0.7911, trials=running.progress.trials)
    view = live.progress_view(running.model_copy(update={"progress": progress}))
    assert view.parts[-1] == "best 0.791 (trial 2)"


def test_trials_that_are_not_numbered_are_not_given_numbers(running):
    trials = (Trial(id="ab-x7", score=0.9),)
    progress = running.progress.model_copy(update={"trials": trials, "best": 0.9})
    view = live.progress_view(running.model_copy(update={"progress": progress}))
    assert view.parts[-1] == "best 0.900"


def test_the_baseline_has_a_line_of_its_own_below_the_run_that_is_watched(running, baseline):
    console, buffer = _console(terminal=True)
    watched = running.model_copy(update={"baseline_run": baseline.id})
    with live.TerminalWatcher(console) as watcher:
        watcher.update(baseline)
        watcher.update(watched)
    last = buffer.getvalue().rpartition("  autokeras")[2]
    assert "  baseline   succeeded" in last
    assert "dense 2×128" in last
