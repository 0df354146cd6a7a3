"""Tables of a report: words and numbers already written out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl_bridge.budget import format_duration
from automl_bridge.reports import words
from automl_bridge.reports.build import rows as ranked_trials
from automl_bridge.reports.comparison_text import spent, versus
from automl_bridge.reports.cost_line import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.rows import RunRow
    from automl_bridge.comparison.standings import Standing

__all__ = ["Board", "StandingRow", "Table", "board", "pairs_table", "standing_rows", "usage_table"]

TRIALS = 25
"""Trials that a leaderboard of the report shows."""
_WHISKER = (2.0, 142.0)


@dataclass(frozen=True)
class Table:
    """A table: what it is, headings, rows of text, and which columns hold numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Board:
    """A leaderboard and its title."""

    title: str
    table: Table


@dataclass(frozen=True)
class StandingRow:
    """A row of the standings; ``whisker`` is low, high and score in units of its small drawing."""

    name: str
    colour: int
    sandbox: bool
    failed: bool
    best: bool
    state: str
    reason: str
    score: str
    interval: str
    whisker: tuple[float, float, float] | None
    versus: str
    billed: str
    estimate: str
    per_point: str


def standing_rows(comparison: Comparison, colours: Mapping[str, int]) -> list[StandingRow]:
    """Write the standings out."""
    scored = [one for one in comparison.standings if _has_interval(one)]
    low = min((one.low for one in scored if one.low is not None), default=0.0)
    high = max((one.high for one in scored if one.high is not None), default=1.0)
    return [_standing(one, colours[one.backend], low, high) for one in comparison.standings]


def _has_interval(one: Standing) -> bool:
    return one.low is not None and one.high is not None and math.isfinite(one.low) and math.isfinite(one.high)


def _standing(one: Standing, colour: int, low: float, high: float) -> StandingRow:
    failed = one.score is None
    due = one.state not in {"refused", "waiting"}
    whisker, interval = None, ""
    if one.score is not None and one.low is not None and one.high is not None and _has_interval(one):
        size = (high - low) or 1.0
        left, right = _WHISKER
        place = [left + (value - low) / size * (right - left) for value in (one.low, one.high, one.score)]
        whisker = (round(place[0], 1), round(place[1], 1), round(min(max(place[2], 7.0), 137.0), 1))
        interval = f"{words.score(one.low)} to {words.score(one.high)}"
    return StandingRow(
        name=one.backend,
        colour=colour,
        sandbox=one.sandbox,
        failed=failed,
        best=one.within_noise,
        state=one.state,
        reason=words.plain(" ".join(one.reason.split())),
        score=words.score(one.score),
        interval=interval,
        whisker=whisker,
        versus=_beside(one),
        billed=_billed(one, due=due),
        estimate=spent(one.estimate_usd, one.known_estimate_usd, due=due),
        per_point=words.MISSING if failed else versus(one).removesuffix(" (within noise)"),
    )


def _billed(one: Standing, *, due: bool) -> str:
    if one.score is None:
        return spent(one.billed_total_usd, one.known_total_usd, due=due)
    return spent(one.billed_usd, one.known_usd)


def _beside(one: Standing) -> str:
    if one.points is None:
        return words.MISSING
    number = f"{one.points:+,.1f}" if abs(one.points) < 1000 else f"{one.points:+,.0f}"
    size = f"{number} points".replace("-", words.MINUS)
    said = {"noise": "within noise", "better": "better beyond noise", "worse": "worse beyond noise"}
    return f"{size}, {said.get(one.versus_baseline, 'unknown')}"


def pairs_table(comparison: Comparison) -> Table | None:
    """Write out how every two backends differ; None where there are no two."""
    if not comparison.pairs:
        return None
    rows = []
    for pair in comparison.pairs:
        finite = math.isfinite(pair.low) and math.isfinite(pair.high)
        spread = f"{_signed(pair.low)} to {_signed(pair.high)}" if finite else words.MISSING
        said = f"{pair.better} is better" if pair.better else "within noise"
        needed = words.MISSING if pair.better or pair.rows_needed is None else f"{pair.rows_needed:,}"
        p = "under 0.001" if pair.p_corrected < 0.001 else f"{pair.p_corrected:.3f}"
        rows.append((f"{pair.a} {words.MINUS} {pair.b}", _signed(pair.difference), spread, p, said, needed))
    return Table(
        caption=f"Differences of {comparison.spec.metric} on the same {comparison.holdout_rows:,} holdout rows",
        headings=("Pair", "Difference", "95 % interval", "p, corrected", "Verdict", "Rows to tell apart"),
        rows=tuple(rows),
        numbers=(1, 2, 3, 5),
    )


def _signed(value: float) -> str:
    if not math.isfinite(value):
        return words.MISSING
    return f"{words.MINUS if value < 0 else '+'}{words.difference(abs(value))}"


def usage_table(comparison: Comparison) -> Table:
    """Write out what training took and what predictions cost."""
    rows = []
    for one in comparison.standings:
        if one.score is None:
            continue
        latency = "not measured" if one.local else "by jobs only"
        if one.latency is not None:
            latency = f"{1000 * one.latency:.3g} ms"
        rows.append((
            one.backend,
            _seconds(one.seconds),
            _seconds(one.predict_seconds),
            latency,
            "unknown" if one.usd_per_1000 is None else dollars(one.usd_per_1000),
            one.objective or words.MISSING,
            ", ".join(one.regions) or "this machine",
        ))  # fmt: skip
    return Table(
        caption="Means of a run. 1,000 predictions: as the holdout's were billed, start of machines included",
        headings=(
            "Backend", "Training", "Predicting the holdout", "One prediction, loaded", "1,000 predictions", "Optimised",
            "Where",
        ),
        rows=tuple(rows),
        numbers=(1, 2, 3, 4),
    )  # fmt: skip


def _seconds(value: float | None) -> str:
    return words.MISSING if value is None else format_duration(max(0.0, value))


def board(row: RunRow, metric: str, *, seeds: bool) -> Board | None:
    """Write out the leaderboard of a run; None where there were no trials."""
    if not row.trials:
        return None
    made = words.plural(sum(trial.counts for trial in row.trials), "trial")
    ranked = ranked_trials(row.trials, metric)
    heading = "Validation" if row.exact or not row.objective else f"Validation {row.objective}"
    shown = tuple(
        (one.rank, f"{one.model}{': ' + one.message if one.message else ''}", one.score, one.epochs, one.time)
        for one in ranked[:TRIALS]
    )
    more = f", the first {TRIALS} rows" if len(ranked) > TRIALS else ""
    name = f"{row.backend}, seed {row.seed}" if seeds else row.backend
    table = Table(
        caption=f"{made}{more}",
        headings=("Rank", "Model", heading, "Epochs", "Time"),
        rows=shown,
        numbers=(2, 3, 4),
    )
    return Board(f"{name}: {made}", table)
