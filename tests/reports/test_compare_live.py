"""How a comparison is watched."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from automl_bridge.backend import JobState, Progress
from automl_bridge.costs.prices import Price, PriceBook
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.reports.compare_live import LineWatcher, TableWatcher, live_row
from automl_bridge.runs.experiments import Experiment, Member
from automl_bridge.runs.states import RunState

HOUR = UsageItem(sku="thing", quantity=1.5, unit="hour", region="here")
BOOK = PriceBook([
    Price(provider="t", service="t", sku="thing", region="here", unit="hour", usd=2.0, source_url="x",
          source_date="2026-01-02", confidence="high")
])  # fmt: skip


def books(_backend):
    return BOOK


def progress(**more):
    return Progress(state=JobState.RUNNING, **more)


@pytest.fixture
def experiment(finished, baseline):
    members = [Member(backend=one.backend, seed=0, run=one.id) for one in (baseline, finished)]
    return Experiment(
        id="0" * 12, created=finished.created, spec=finished.spec, dataset="/data", members=tuple(members)
    )


def console():
    return Console(file=io.StringIO(), width=100, highlight=False, emoji=False)


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        (Usage(items=(HOUR,)), "$3.00"),
        (Usage(items=(HOUR, HOUR.model_copy(update={"sku": "other"}))), "over $3.00"),
        (Usage(items=(HOUR,), known=False), "over $3.00"),
        (None, "–"),
    ],
)
def test_dollars_so_far_are_what_was_metered_and_never_a_zero_for_unknown(make_record, usage, wanted):
    row = live_row(make_record(progress=progress(usage=usage)), books, datetime.now(UTC))
    assert row.spent == wanted


def test_a_row_says_state_time_best_and_who(running, finished):
    row = live_row(running, books, running.created + timedelta(seconds=90), seeds=True)
    assert row.cells == ("autokeras, seed 0", "running", "1m 30s", "3", "0.812", "–")
    ended = live_row(finished, books, finished.created + timedelta(hours=9))
    assert (ended.state, ended.time, ended.best) == ("succeeded", "1m 58s", "0.824 holdout")
    assert live_row(finished.model_copy(update={"sandbox": True}), books, datetime.now(UTC)).key == "autokeras SANDBOX"


def test_words_of_a_service_stay_on_one_line(make_record):
    record = make_record(progress=progress(message="waiting\nfor \x1b[31mmachines " + "x" * 80))
    state = live_row(record, books, datetime.now(UTC)).state
    assert "\n" not in state
    assert "\x1b" not in state
    assert len(state) < 60


def test_without_a_terminal_a_line_is_said_when_the_state_changes(experiment, running, finished):
    out, now = console(), [0.0]
    with LineWatcher(out, experiment, books, clock=lambda: now[0]) as watcher:
        for record in (running, running, finished, finished):
            watcher.update(record)
        now[0] = 31.0
        watcher.update(running)
    lines = out.file.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["running", "succeeded", "running"]


def test_on_a_terminal_the_table_is_gone_at_the_end(experiment, running, baseline):
    out = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with TableWatcher(out, experiment, books) as watcher:
        watcher.update(running)
        watcher.update(baseline)
        watcher._live.refresh()
    shown = out.file.getvalue()
    assert "dollars so far" in shown
    assert shown.index("baseline") < shown.rindex("autokeras")
    assert RunState.SUCCEEDED.value in shown
