"""From a run's record to what is said about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_bridge.backend import JobState
from automl_bridge.budget import format_duration
from automl_bridge.metrics import METRICS
from automl_bridge.reports import words
from automl_bridge.reports.cost_line import book_of, said_cost, said_error
from automl_bridge.reports.verdict import verdict
from automl_bridge.reports.view import Entry, LeaderRow, ProgressView, RunView
from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.backend import Progress, Trial
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.scoring_intervals import Difference
    from automl_bridge.spec import JobSpec

__all__ = ["SHOWN", "header", "progress_view", "ranked", "rows", "run_view", "trial_numbers"]

SHOWN = 10
"""Trials that a leaderboard shows; ``--json`` has all."""


def run_view(
    record: RunRecord,
    *,
    baseline: RunRecord | None = None,
    difference: Difference | None = None,
    book: PriceBook | None = None,
) -> RunView:
    """Say everything about a run.

    Parameters
    ----------
    record
        The run.
    baseline
        The baseline's run on the same data, if there is one.
    difference
        Difference of both scores on the same holdout rows, run minus baseline.
    book
        The prices; those of the configuration that holds here where None.
    """
    trials = _trials(record)
    shown = rows(trials, record.spec.metric)
    ended = record.state.is_final
    return RunView(
        run_id=record.id,
        backend=record.backend,
        state=str(record.state),
        ended=ended,
        header=header(record.spec, sandbox=record.sandbox),
        progress=None if ended else progress_view(record),
        score_heading=_heading(record),
        leaderboard=shown[:SHOWN],
        hidden=max(0, len(shown) - SHOWN),
        entries=_entries(record, trials, baseline, difference, book),
        notes=tuple(map(words.plain, record.plan.notes)),
        remarks=_remarks(record),
    )


def _trials(record: RunRecord) -> tuple[Trial, ...]:
    if record.outcome is not None and record.outcome.trials:
        return record.outcome.trials
    return record.progress.trials if record.progress else ()


def _remarks(record: RunRecord) -> tuple[str, ...]:
    said = (*record.notes, *(record.outcome.notes if record.outcome else ()))
    return tuple(words.plain(note) for note in dict.fromkeys(said) if note not in record.plan.notes)


def header(spec: JobSpec, *, sandbox: bool = False) -> tuple[tuple[str, ...], ...]:
    """Say what is learned from what, and what was set aside."""
    profile = spec.profile
    target = ("target " if len(spec.target) == 1 else "targets ") + words.plain(", ".join(spec.target))
    if profile.classes:
        target += f" ({words.shares(profile.classes, profile.class_counts)})"
    first = [str(spec.task), target, words.plural(sum(profile.rows.values()), "row"), f"metric {spec.metric}"]
    if sandbox:
        first.insert(0, "SANDBOX")
    return (tuple(first), _holdout_parts(spec))


def _holdout_parts(spec: JobSpec) -> tuple[str, ...]:
    held = spec.profile.rows.get("holdout", 0)
    if not held:
        return ("no holdout: nothing says how well the model does on new rows",)
    times, groups = (spec.profile.with_role(role) for role in (Role.TIME, Role.GROUP))
    if times:
        how = f"the latest by {words.plain(times[0].name)}"
    elif groups:
        how = f"whole groups of {words.plain(groups[0].name)}"
    else:
        how = "stratified" if spec.task.is_classification else "shuffled"
    return (f"holdout {words.plural(held, 'row')}, {how}, seed {spec.seed}, set aside before training",)


def rows(trials: Sequence[Trial], metric: str) -> tuple[LeaderRow, ...]:
    """Rank trials: best first, those without a score after them, failed ones last with their message."""
    order = METRICS[_chosen_by(trials, metric)].sort_key
    return ranked(sorted(trials, key=lambda trial: order(trial.score)))


def _chosen_by(trials: Sequence[Trial], metric: str) -> str:
    """Return what the scores are: another metric than the run's where that is not defined on the validation rows."""
    scored = [trial for trial in trials if trial.score is not None]
    names = {name for trial in scored for name, value in trial.metrics.items() if value == trial.score}
    return next(iter(names)) if len(names) == 1 and names <= METRICS.keys() else metric


def ranked(trials: Sequence[Trial]) -> tuple[LeaderRow, ...]:
    """Rank trials in the order they are in; failed ones come last and have no rank."""
    good = [trial for trial in trials if trial.state is not JobState.FAILED]
    numbered = [_row(str(number), trial) for number, trial in enumerate(good, start=1)]
    failed = [_row(words.MISSING, trial, failed=True) for trial in trials if trial.state is JobState.FAILED]
    return (*numbered, *failed)


def _row(rank: str, trial: Trial, *, failed: bool = False) -> LeaderRow:
    return LeaderRow(
        rank=rank,
        model=words.plain(trial.model or trial.id),
        score="failed" if failed else words.score(trial.score),
        epochs=words.MISSING if trial.epochs is None else words.count(trial.epochs),
        time=words.MISSING if trial.seconds is None else format_duration(trial.seconds),
        message=words.plain(" ".join(trial.message.split())),
        failed=failed,
    )


def _heading(record: RunRecord) -> str:
    objective = record.plan.objective
    return f"validation {objective.name}" if objective is not None and not objective.exact else "validation"


def progress_view(record: RunRecord) -> ProgressView:
    """Say how far a run is."""
    progress, budget = record.progress, record.spec.budget
    queued = progress is not None and progress.state is JobState.PENDING
    return ProgressView(
        name=record.backend,
        parts=_progress_parts(record, progress),
        fraction=progress.fraction if progress else None,
        started=record.created,
        ended=record.updated if record.state.is_final else None,
        # The time that is limited begins with the search.
        limit=None if queued else budget.max_time,
    )


def _progress_parts(record: RunRecord, progress: Progress | None) -> tuple[str, ...]:
    if record.state.is_final:
        return (str(record.state),)
    if progress is not None and progress.state is JobState.PENDING:
        return ("waiting for its turn",)
    if progress is None or progress.trial is None or progress.state.is_final:
        said = progress.message if progress and progress.message else str(record.state).replace("_", " ")
        return (words.plain(" ".join(said.split())),)
    parts = [f"trial {progress.trial}/{record.spec.budget.max_trials or '∞'}"]
    if progress.epoch is not None:
        parts.append(f"epoch {progress.epoch}/{progress.epochs or '?'}")
    if progress.best is not None:
        parts.append(f"best {words.score(progress.best)}{_best_trial(progress)}")
    return tuple(parts)


def _best_trial(progress: Progress) -> str:
    """Say which trial is the best; nothing where the backend does not number its trials."""
    numbers = trial_numbers(progress.trials)
    best = next((trial.id for trial in progress.trials if trial.score == progress.best), None)
    return f" (trial {numbers[best]})" if best in numbers else ""


def trial_numbers(trials: Sequence[Trial]) -> dict[str, int]:
    """Return the trials' numbers, from 1 in the order of their ids, however they are listed; empty unless ids count."""
    ids = [trial.id for trial in trials if trial.counts]
    if not all(one.isdecimal() for one in ids):
        return {}
    return {one: number for number, one in enumerate(sorted(ids, key=int), start=1)}


def _entries(
    record: RunRecord,
    trials: Sequence[Trial],
    baseline: RunRecord | None,
    difference: Difference | None,
    book: PriceBook | None,
) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    if record.failure is not None:
        said = " ".join(f"{record.failure.kind}: {record.failure.message}".split())
        entries.append(Entry("failed", (words.plain(said),), tone="bad"))
    elif record.state.is_final and record.model is None:
        entries.append(Entry(str(record.state), ("it was stopped before it had a model",), tone="warn"))
    if not record.state.is_final:
        return tuple(entries)
    if trials:
        entries.append(Entry("search", _search(record, trials)))
    if record.scores:
        entries.append(Entry("holdout", _holdout(record, baseline, difference)))
    if record.usage.items or record.usage.known:
        entries.append(Entry("cost", _cost(record, book or book_of(record.backend))))
    entries.extend(_saved(record))
    return tuple(entries)


def _search(record: RunRecord, trials: Sequence[Trial]) -> tuple[str, ...]:
    failed = sum(trial.state is JobState.FAILED for trial in trials)
    made = sum(trial.counts for trial in trials)
    said = f"{words.plural(made, 'trial')} in {format_duration(max(0.0, record.elapsed))}"
    said += f", {failed} failed" if failed else ""
    stopped = record.outcome.stopped_by if record.outcome else "done"
    return (said if stopped == "done" else f"{said}, ended by {stopped}",)


def _holdout(record: RunRecord, baseline: RunRecord | None, difference: Difference | None) -> tuple[str, ...]:
    parts = [_scored(record)]
    if baseline is not None and baseline.scores:
        parts.append(_scored(baseline))
        if difference is not None:
            parts.append(verdict(difference, record.backend, baseline.backend))
    elif baseline is not None:
        parts.append(f"{baseline.backend} {baseline.state}")
    return tuple(parts)


def _scored(record: RunRecord) -> str:
    interval = record.interval
    known = interval is not None and math.isfinite(interval.low) and math.isfinite(interval.high)
    spread = f" [{words.score(interval.low)}, {words.score(interval.high)}]" if interval and known else ""
    return f"{record.backend} {words.score(record.score)}{spread}"


def _cost(record: RunRecord, book: PriceBook) -> tuple[str, ...]:
    cost, expected = record.cost(book), record.estimate(book)
    beside = said_error(record.cost(book, later=False), expected.likely if expected else None)
    return (said_cost(cost), beside) if beside else (said_cost(cost),)


def _saved(record: RunRecord) -> list[Entry]:
    short = words.short_id(record.id)
    if record.model is not None:
        where = str(record.bundle_path or record.model.uri)
        command = f"automl-bridge predict {short} NEW.csv -o out.csv"
        return [Entry("saved", (where,), copyable=True), Entry("predict", (command,), copyable=True)]
    return []
