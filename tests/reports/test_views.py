"""What is said about a run, and that each face says the same."""

from __future__ import annotations

import io
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from rich.console import Console

from automl_bridge.backend import Failure, JobState, Objective, Outcome, Progress, Trial
from automl_bridge.budget import Budget
from automl_bridge.costs.usage import Usage
from automl_bridge.reports.build import SHOWN, run_view
from automl_bridge.reports.html import to_html
from automl_bridge.reports.terminal import ProgressLine, print_error, print_view, to_text
from automl_bridge.runs.states import RunState
from automl_bridge.scoring_intervals import Difference
from automl_bridge.spec import ColumnProfile, Kind, Role
from automl_bridge.task import Task

WITHIN = Difference(metric="roc_auc", value=0.006, low=-0.01, high=0.02, within_noise=True)
BEYOND = Difference(metric="roc_auc", value=0.05, low=0.01, high=0.09, within_noise=False, better="a")


def _printed(renderable: object, width: int = 80) -> str:
    buffer = io.StringIO()
    Console(file=buffer, width=width, color_system=None, highlight=False).print(renderable)
    return buffer.getvalue()


def test_a_finished_run_says_what_the_storyboard_says(finished, baseline):
    text = to_text(run_view(finished, baseline=baseline, difference=WITHIN), width=120)
    assert (
        "tabular-classification · target status (good 72 %, bad 28 %) · 4,454 rows · metric roc_auc\n"
        "  holdout 891 rows, stratified, seed 0, set aside before training" in text
    )
    line = next(line for line in text.splitlines() if line.startswith("  holdout    "))
    assert "autokeras 0.824 [0.793, 0.853]   baseline 0.818 [0.786, 0.848]" in line
    assert line.endswith("the difference is within noise")
    assert "automl-bridge predict 2f9c31d0 NEW.csv -o out.csv" in text
    assert "of this machine (imputed:" in text
    assert "ended by max_time" in text


def test_eighty_columns_are_enough_but_for_what_is_copied(finished, baseline):
    text = to_text(run_view(finished, baseline=baseline, difference=BEYOND), width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "autokeras is better beyond noise" in text


def test_a_command_to_copy_is_never_broken(finished):
    model = finished.outcome.model.model_copy(update={"uri": "/folder" * 30})
    record = finished.model_copy(update={"outcome": finished.outcome.model_copy(update={"model": model})})
    assert "/folder" * 30 in to_text(run_view(record), width=60)


def test_the_leaderboard_ranks_and_puts_failed_trials_last_with_their_message(finished):
    rows = run_view(finished).leaderboard
    assert [row.rank for row in rows] == ["1", "2", "–"]
    assert rows[-1].failed
    assert rows[-1].message == "ran out of memory at epoch 2"


def test_smaller_is_better_ranks_by_the_metrics_direction(make_record):
    trials = tuple(Trial(id=str(score), score=score) for score in (3.0, 1.0, float("nan"), 2.0))
    spec = {"task": Task.TABULAR_REGRESSION, "metric": "rmse"}
    record = make_record(
        spec=spec,
        profile={"classes": (), "class_counts": ()},
        state=RunState.SUCCEEDED,
        outcome=Outcome(state=JobState.SUCCEEDED, trials=trials),
    )
    assert [row.score for row in run_view(record).leaderboard] == ["1.000", "2.000", "3.000", "–"]


def test_trials_chosen_by_another_metric_rank_by_its_direction(make_record):
    trials = tuple(Trial(id=str(loss), score=loss, metrics={"log_loss": loss}) for loss in (0.4, 1.1, 0.7))
    record = make_record(state=RunState.SUCCEEDED, outcome=Outcome(state=JobState.SUCCEEDED, trials=trials))
    assert record.spec.metric == "roc_auc"
    assert [row.score for row in run_view(record).leaderboard] == ["0.400", "0.700", "1.100"]


def test_a_long_leaderboard_is_cut_and_says_so(make_record):
    trials = tuple(Trial(id=str(number), score=number / 100) for number in range(SHOWN + 7))
    record = make_record(state=RunState.SUCCEEDED, outcome=Outcome(state=JobState.SUCCEEDED, trials=trials))
    assert len(run_view(record).leaderboard) == SHOWN
    assert "and 7 more" in to_text(run_view(record))
    assert "and 7 more" in to_html(run_view(record))


def test_a_nearest_objective_is_named_over_the_scores(finished):
    plan = finished.plan.model_copy(update={"objective": Objective(name="val_loss", exact=False)})
    assert run_view(finished.model_copy(update={"plan": plan})).score_heading == "validation val_loss"


def test_unknown_cost_is_said_to_be_unknown(finished):
    unknown = finished.model_copy(update={"usage": finished.usage.model_copy(update={"known": False})})
    said = {entry.label: entry.parts[0] for entry in run_view(unknown).entries}
    assert said["cost"].startswith("unknown, at least $")
    never_metered = finished.model_copy(update={"usage": Usage(known=False)})
    assert "cost" not in [entry.label for entry in run_view(never_metered).entries]


def test_epochs_are_left_out_where_no_trial_has_them(make_record):
    trials = (Trial(id="1", score=0.5, seconds=1.0),)
    record = make_record(state=RunState.SUCCEEDED, outcome=Outcome(state=JobState.SUCCEEDED, trials=trials))
    assert "epochs" not in to_text(run_view(record))


def test_an_interval_that_is_not_known_has_no_brackets(finished):
    interval = finished.interval.model_copy(update={"low": float("nan"), "high": float("nan")})
    text = to_text(run_view(finished.model_copy(update={"interval": interval})))
    assert "autokeras 0.824\n" in text


def test_a_failed_run_says_how_and_shows_no_predict_line(make_record):
    failure = Failure(kind="out-of-memory", message="the worker needed more than 2 GB")
    text = to_text(run_view(make_record(state=RunState.FAILED, failure=failure)))
    assert "out-of-memory: the worker needed more than 2 GB" in text
    assert "automl-bridge predict" not in text


@pytest.mark.parametrize(
    ("role", "words"), [(Role.TIME, "the latest by day"), (Role.GROUP, "whole groups of day"), (None, "stratified")]
)
def test_the_header_says_how_the_holdout_was_chosen(make_record, role, words):
    column = ColumnProfile(name="day", safe_name="day", kind=Kind.DATETIME, role=role, arrow_type="date32[day]") if (
        role
    ) else None  # fmt: skip
    record = make_record(profile={"columns": [column] if column else []})
    assert words in run_view(record).header[1][0]


def test_no_holdout_is_said(make_record):
    record = make_record(profile={"rows": {"train": 10}})
    assert "no holdout" in run_view(record).header[1][0]


def test_notes_are_said_once(make_record):
    record = make_record(plan_notes=("a", "b"), notes=("b", "c"))
    assert run_view(record).notes == ("a", "b")
    assert run_view(record).remarks == ("c",)
    assert to_text(run_view(record)).count("note ") == 3


def test_sandbox_is_said(make_record):
    assert to_text(run_view(make_record(sandbox=True))).split()[0] == "SANDBOX"


def test_progress_has_trial_epoch_best_bar_and_time(running):
    view = run_view(running).progress
    line = _printed(ProgressLine(view, running.created + timedelta(seconds=91)), width=110).rstrip()
    assert line.startswith("  autokeras  trial 4/∞  epoch 11/40  best 0.812 (trial 1)  ██")
    assert line.endswith("░  1m 31s / 2m 00s")
    assert line.count("█") == 18


def test_progress_fits_a_narrow_terminal(running):
    line = _printed(ProgressLine(run_view(running).progress, running.created), width=60)
    assert all(len(part) <= 60 for part in line.splitlines())


def test_progress_before_the_first_trial_gives_the_services_words(make_record):
    progress = Progress(state=JobState.RUNNING, message="starting the worker")
    assert run_view(make_record(progress=progress)).progress.parts == ("starting the worker",)
    assert run_view(make_record(state=RunState.STAGING)).progress.parts == ("staging",)
    queued = make_record(progress=Progress(state=JobState.PENDING))
    assert run_view(queued).progress.parts == ("waiting for its turn",)


def test_progress_counts_trials_against_their_limit(make_record):
    record = make_record(progress=Progress(state=JobState.RUNNING, trial=2), spec={"budget": Budget(max_trials=7)})
    assert run_view(record).progress.parts[0] == "trial 2/7"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser calls it so
        self.tags.append(tag)


def test_html_escapes_what_came_from_data(finished, make_record):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    trials = (Trial(id="1", model=evil, score=0.5), Trial(id="2", state=JobState.FAILED, message=evil))
    record = make_record(
        profile={"classes": (evil, "b"), "class_counts": (1, 1)},
        spec={"target": (evil,)},
        state=RunState.SUCCEEDED,
        outcome=finished.outcome.model_copy(update={"trials": trials}),
        notes=(evil,),
    )
    parser = _Tags()
    parser.feed(to_html(run_view(record)))
    assert "script" not in parser.tags
    assert "img" not in parser.tags


def test_html_and_text_hold_the_same_words(finished, baseline):
    view = run_view(finished, baseline=baseline, difference=WITHIN)
    html, text = to_html(view), to_text(view, width=200)
    said = [part for parts in view.header for part in parts]
    said += [part for entry in view.entries for part in entry.parts]
    said += [cell for row in view.leaderboard for cell in (row.model, row.score, row.time)]
    for words in said:
        assert words in html
        assert words in text


def test_html_shows_progress(running):
    html = to_html(run_view(running), running.created + timedelta(seconds=30))
    assert 'value="0.750"' in html
    assert "30 s / 2m 00s" in html


def test_markup_in_names_is_shown_as_it_is(make_record):
    record = make_record(spec={"target": ("[bold]x[/bold]",)}, notes=("[red]careful[/red]",))
    buffer = io.StringIO()
    print_view(Console(file=buffer, width=100, force_terminal=True, color_system=None), run_view(record))
    assert "[bold]x[/bold]" in buffer.getvalue()
    assert "[red]careful[/red]" in buffer.getvalue()


def test_nothing_from_data_steers_the_terminal(make_record, finished):
    evil = "a\x1b[2Jb\x07c\nd\u202ee"
    trials = (Trial(id="1", model=evil, score=0.5), Trial(id="2", state=JobState.FAILED, message=evil))
    record = make_record(
        profile={"classes": (evil, "b"), "class_counts": (1, 1)},
        spec={"target": (evil,)},
        state=RunState.SUCCEEDED,
        outcome=finished.outcome.model_copy(update={"trials": trials}),
        notes=(evil,),
        plan_notes=(evil + "!",),
    )
    text = to_text(run_view(record))
    assert "a [2Jb c d e" in text
    assert not set("\x1b\x07\u202e") & set(text)


def test_a_run_stopped_before_it_had_a_model_says_so(make_record):
    text = to_text(run_view(make_record(state=RunState.CANCELLED)))
    assert "stopped before it had a model" in text
    assert "automl-bridge predict" not in text


def test_an_error_names_source_limit_and_way_out():
    log = "/a/long/path" * 10
    content = {"message": "needs 500 rows", "source": "docs", "limit": "rows.min", "hint": "add [data]", "log": log}
    buffer = io.StringIO()
    print_error(Console(file=buffer, width=80, color_system=None, highlight=False), content)
    assert buffer.getvalue().splitlines() == [
        "  error: needs 500 rows",
        "         source: docs",
        "         limit: rows.min",
        "         what you can do: add [data]",
        f"         log: {log}",
    ]
