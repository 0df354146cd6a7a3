"""What a report says, section by section."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from automl_bridge.metrics import METRICS
from automl_bridge.reports import page_repeat, words
from automl_bridge.reports.comparison_text import total_said
from automl_bridge.reports.page_figures import error_figures, money_figures, pareto_figures
from automl_bridge.reports.page_tables import board, pairs_table, standing_rows, usage_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge.comparison.result import Comparison

__all__ = ["content_of"]

_ALL_BOARDS = 12


def content_of(comparison: Comparison) -> dict[str, Any]:
    """Return what the template of a report needs."""
    spec = comparison.spec
    backends = list(dict.fromkeys(row.backend for row in comparison.rows))
    # The baseline is first in every experiment, and grey.
    colours = {name: place for place, name in enumerate(backends)}
    places = {name: place if place < 8 else 1 + (place - 1) % 7 for name, place in colours.items()}
    seeds = len(comparison.seeds) > 1
    boards = [found for row in comparison.rows if (found := board(row, spec.metric, seeds=seeds)) is not None]
    target = words.plain(", ".join(spec.target))
    return {
        "version": _version(),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "title": f"{words.plain(spec.profile.name)}, {target}: {len(backends)} backends compared",
        "sandbox": comparison.sandbox,
        "kicker": f"{words.plain(spec.profile.name)} · {spec.task} · target {target}",
        "headline": comparison.verdict.headline,
        "sentences": comparison.verdict.sentences,
        "facts": _facts(comparison),
        "metric": spec.metric,
        "standings": standing_rows(comparison, places),
        "standings_caption": "Best first. Marked rows cannot be told from the best on this holdout",
        "standings_lead": _standings_lead(comparison),
        "pareto": pareto_figures(comparison, colours),
        "pairs": pairs_table(comparison),
        "pairs_lead": _pairs_lead(comparison),
        "money": money_figures(comparison, colours),
        "money_lead": _money_lead(comparison),
        "usage": usage_table(comparison),
        "errors": error_figures(comparison, colours),
        "errors_lead": _errors_lead(comparison),
        "leaderboards": boards[:_ALL_BOARDS],
        "command": page_repeat.command_of(comparison),
        "resume": f"automl-bridge compare --resume {words.short_id(comparison.id)} --report report.html",
        "conditions": page_repeat.conditions(comparison),
        "prices": page_repeat.prices(comparison),
        "versions": page_repeat.versions(comparison),
        "notes": _notes(comparison),
        "job": page_repeat.job_of(comparison),
    }


def _version() -> str:
    try:
        return version("automl-bridge")
    except PackageNotFoundError:
        return "0"


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    profile, spec = comparison.spec.profile, comparison.spec
    return [
        ("Rows", f"{sum(profile.rows.values()):,}"),
        ("Holdout", f"{comparison.holdout_rows:,} rows"),
        ("Scored by", spec.metric),
        ("Seeds", str(len(comparison.seeds))),
        ("Billed in all", total_said(comparison).rstrip(",")),
        ("Made", comparison.experiment.created.strftime("%Y-%m-%d")),
    ]


def _standings_lead(comparison: Comparison) -> str:
    metric = METRICS[comparison.spec.metric]
    seeds = len(comparison.seeds)
    mean = f"the mean over {seeds} seeds of the" if seeds > 1 else "the"
    direction = "more" if metric.greater_is_better else "less"
    return (
        f"Score: {mean} {metric.title}, {direction} is better, on rows that no training saw. "
        f"Money: the mean of a run; unknown is not nothing. {_point(comparison)}"
    )


def _point(comparison: Comparison) -> str:
    metric = METRICS[comparison.spec.metric]
    bounded = metric.greater_is_better
    size = f"0.01 of {metric.name}" if bounded else f"1 % less {metric.name} than the baseline's"
    return f"A point is {size}."


def _pairs_lead(comparison: Comparison) -> str:
    number = len(comparison.pairs)
    return (
        "Both of a pair are scored on the same rows, drawn again 2,000 times (paired bootstrap). "
        f"p is corrected for {words.plural(number, 'pair')} by Holm's procedure: with no real difference anywhere, the "
        "chance of any “is better” here is 5 %. Rows to tell apart: so many would show a difference of this "
        "size in four of five tries."
    )


def _money_lead(comparison: Comparison) -> str:
    dates = sorted({one.price_date for one in comparison.standings if one.price_date})
    when = f"Prices of {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "") if dates else "No dated price"
    machine = " This machine's hours are priced as those of a machine like it, unless its rate is configured."
    local = machine if any(one.local for one in comparison.standings) else ""
    sandbox = " What a SANDBOX billed is arithmetic on its made-up clock." if comparison.sandbox else ""
    return f"{when}, listed with their sources at the end.{local}{sandbox}"


def _errors_lead(comparison: Comparison) -> str:
    seed = f", of the run with seed {comparison.seeds[0]}" if len(comparison.seeds) > 1 else ""
    return f"Predictions of the {comparison.holdout_rows:,} holdout rows{seed}."


def _notes(comparison: Comparison) -> list[str]:
    notes: Mapping[str, None] = dict.fromkeys(
        [
            *comparison.notes,
            *(f"{row.backend}: {note}" for row in comparison.rows for note in row.notes),
        ]
    )
    return [words.plain(" ".join(note.split())) for note in notes]
