"""What the comparison can and cannot support, in one paragraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.reports import words
from automl_bridge.reports.cost_line import dollars
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.comparison.standings import Standing
    from automl_bridge.comparison.statistics import Pair
    from automl_bridge.metrics import Metric

__all__ = ["FEW_ROWS", "Verdict", "verdict_of"]

FEW_ROWS = 100
"""Holdout rows below which a bootstrap interval is itself unsure."""
_MANY = 10_000_000


class Verdict(Frozen):
    """The paragraph: its first sentence, which is what it comes to, and the others."""

    headline: str
    sentences: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the whole paragraph."""
        return " ".join([self.headline, *self.sentences])


def verdict_of(
    metric: Metric,
    standings: Sequence[Standing],
    pairs: Sequence[Pair],
    *,
    baseline: str,
    holdout: int,
    seeds: int,
    unit: str = "row",
) -> Verdict:
    """Say what follows from the standings, and what does not.

    Parameters
    ----------
    metric, standings, pairs
        As in `Comparison`; the standings best first.
    baseline
        Name of the baseline.
    holdout, seeds
        Rows, and seeds of each backend.
    unit
        What is independent in the holdout: a row, a series, a step.
    """
    scored = [one for one in standings if one.score is not None]
    missing = _missing(standings)
    if not scored:
        rows = "there is no holdout" if not holdout else "no run has a score"
        return Verdict(headline=f"Nothing can be said: {rows}.", sentences=tuple(missing))
    if len(scored) == 1:
        only = f"Only {scored[0].backend} has a score: there is nothing to compare it with."
        return Verdict(headline=only, sentences=tuple(missing))
    told = [
        *_cheapest(scored),
        *_rows_needed(metric, scored, pairs, baseline, unit),
        *_worse(scored, baseline),
        *_few(holdout),
        _seeds(seeds),
        *_objectives(metric, scored),
        *_sandbox(scored),
        *missing,
    ]
    return Verdict(headline=_headline(metric, scored, pairs, baseline, holdout), sentences=tuple(told))


def _headline(metric: Metric, scored: Sequence[Standing], pairs: Sequence[Pair], baseline: str, holdout: int) -> str:
    rows = f"on {words.plural(holdout, 'holdout row')}"
    best, rest = scored[0], scored[1:]
    beside = next((one for one in scored if one.backend == baseline), None)
    if all(not one.within_noise for one in rest):
        second = rest[0]
        others = "every other" if len(rest) > 1 else _name(second)
        return f"{_name(best)} is better than {others} beyond noise {rows}, by {_by(metric, best, second, pairs)}."
    if beside is None:
        alike = [_name(one) for one in scored if one.within_noise]
        return f"{_listed(alike)} cannot be told apart {rows}."
    better = [one for one in scored if one.versus_baseline == "better"]
    if not better:
        return f"No backend beats the baseline beyond noise {rows}."
    if len(better) == 1:
        return f"{_name(better[0])} beats the baseline beyond noise {rows}, by {_by(metric, better[0], beside, pairs)}."
    tied = [one for one in better if one.within_noise]
    apart = f", and {_listed([_name(one) for one in tied])} cannot be told apart" if len(tied) > 1 else ""
    return f"{_listed([_name(one) for one in better])} beat the baseline beyond noise {rows}{apart}."


def _name(one: Standing) -> str:
    return f"{one.backend} (SANDBOX)" if one.sandbox else one.backend


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _pair(left: str, right: str, pairs: Sequence[Pair]) -> Pair | None:
    return next((pair for pair in pairs if {pair.a, pair.b} == {left, right}), None)


def _by(metric: Metric, better: Standing, other: Standing, pairs: Sequence[Pair]) -> str:
    pair = _pair(better.backend, other.backend, pairs)
    if pair is None:
        return "an unknown amount"
    low, high = sorted((abs(pair.low), abs(pair.high)))
    less = "" if metric.greater_is_better else "less "
    return f"{words.score(abs(pair.difference))} {less}{metric.name} [{words.score(low)}, {words.score(high)}]"


def _cheapest(scored: Sequence[Standing]) -> list[str]:
    tied = [one for one in scored if one.within_noise]
    known = [one for one in tied if one.billed_usd is not None]
    unknown = [_name(one) for one in scored if one.billed_usd is None]
    told = []
    if known and len(tied) > 1:
        first = min(known, key=lambda one: one.billed_usd or 0.0)
        told.append(f"Cheapest within noise of the best: {_name(first)}, {dollars(first.billed_usd or 0.0)} a run.")
    if unknown:
        told.append(f"The bill{'s' if len(unknown) > 1 else ''} of {_listed(unknown)} cannot be said in full.")
    return told


def _rows_needed(
    metric: Metric, scored: Sequence[Standing], pairs: Sequence[Pair], baseline: str, unit: str
) -> list[str]:
    """Say how many rows would show the difference that matters: of the best and the baseline, else of the next."""
    best = scored[0]
    others = [one for one in scored[1:] if one.within_noise]
    if not others:
        return []
    other = next((one for one in others if one.backend == baseline), others[0])
    pair = _pair(best.backend, other.backend, pairs)
    if pair is None or pair.rows_needed is None:
        return [f"{_name(best)} and {_name(other)} score the same."] if pair is not None and not pair.difference else []
    size = f"{words.difference(abs(pair.difference))} {metric.name}"
    many = unit if unit == "series" else f"{unit}s"
    needed = f"you would need {_about(pair.rows_needed)} holdout {many}"
    return [f"To tell the {size} between {_name(best)} and {_name(other)} apart {needed}."]


def _about(rows: int) -> str:
    if rows > _MANY:
        return f"more than {_MANY:,}"
    size = 10 ** max(0, len(str(rows)) - 2)
    return f"about {round(rows / size) * size:,}"


def _worse(scored: Sequence[Standing], baseline: str) -> list[str]:
    names = [_name(one) for one in scored if one.versus_baseline == "worse" and one.backend != baseline]
    if not names or scored[0].backend == baseline:
        return []
    return [f"{_listed(names)} {'is' if len(names) == 1 else 'are'} worse than the baseline beyond noise."]


def _few(holdout: int) -> list[str]:
    if holdout >= FEW_ROWS:
        return []
    return [f"{words.plural(holdout, 'row').capitalize()} are few: the intervals themselves are rough."]


def _seeds(seeds: int) -> str:
    if seeds == 1:
        return "One seed each: how far the luck of a search goes is not in the intervals."
    return f"Scores are means over {seeds} seeds, and the intervals hold the spread of rows and of seeds."


def _objectives(metric: Metric, scored: Sequence[Standing]) -> list[str]:
    nearest = [f"{_name(one)} optimised {one.objective}" for one in scored if not one.exact and one.objective]
    return [f"{_listed(nearest)}, the nearest that it has to {metric.name}."] if nearest else []


def _sandbox(scored: Sequence[Standing]) -> list[str]:
    names = [one.backend for one in scored if one.sandbox]
    if not names:
        return []
    shows = "its scores, times and bills show how the tool works, and say nothing about the service"
    return [f"A SANDBOX ran {_listed(names)}: {shows}{'s' if len(names) > 1 else ''}."]


def _missing(standings: Sequence[Standing]) -> list[str]:
    return [
        f"{_name(one)} has no score ({one.state}: {' '.join(words.plain(one.reason).split()).rstrip('.')})."
        for one in standings
        if one.score is None
    ]
