"""Where each backend stands: its score over all seeds, what it cost, and what a point over the baseline cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from automl_bridge.costs.cost import LOCAL_REGION
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl_bridge.comparison.rows import RunRow
    from automl_bridge.comparison.statistics import Pair
    from automl_bridge.metrics import Metric
    from automl_bridge.runs.experiments import Latency

__all__ = ["Standing", "mean_known", "pareto", "points", "standings_of"]

BOUNDED = frozenset({
    "roc_auc", "accuracy", "balanced_accuracy", "f1", "f1_macro", "precision", "recall", "r2",
})  # fmt: skip
"""Metrics whose points are hundredths; of all others a point is 1 % less error than the baseline's."""


class Standing(Frozen):
    """One backend over all its seeds.

    Parameters
    ----------
    backend
        Its name.
    runs, scored
        How many runs it had, and how many of them have a score.
    state, reason, hint
        The state of all its runs if that is one, else of the worst; why it has no score.
    score, low, high
        Mean over the seeds and its 95 % interval; None without a score.
    scores
        Mean of every metric.
    points
        Points over the baseline, as `points` counts them; None for the baseline itself.
    within_noise
        Whether the holdout cannot tell it from the best.
    versus_baseline
        ``better`` or ``worse`` than the baseline beyond noise, or ``noise``; empty where that is no question.
    billed_usd, estimate_usd
        Mean of a run, US dollars; None if unknown.
    billed_total_usd
        Of all its runs, failed ones included; None if unknown.
    known_usd, known_estimate_usd, known_total_usd
        What the bill, the estimate and the whole come to at least, where a part is unknown.
    unknown
        Why its bill is unknown.
    usd_per_point
        What a point over the baseline cost; None where nothing was gained or the bill is unknown.
    usd_per_1000
        Cost of 1,000 predictions, as the holdout's were billed, the start of instances included; None if unknown.
    latency
        Seconds of one prediction by a loaded model on this machine; None where it predicts by jobs.
    seconds, predict_seconds
        Means of training and of predicting the holdout.
    on_front, on_time_front
        Whether no other is both better and cheaper, or both better and faster.
    regions, skus, price_date
        What the bill is made of, and the oldest price in it.
    local, sandbox, objective, exact, verified
        As in its rows.
    """

    backend: str
    runs: int
    scored: int
    state: str
    reason: str = ""
    hint: str | None = None
    score: float | None = None
    low: float | None = None
    high: float | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    points: float | None = None
    within_noise: bool = False
    versus_baseline: str = ""
    billed_usd: float | None = None
    estimate_usd: float | None = None
    billed_total_usd: float | None = None
    known_usd: float = 0.0
    known_estimate_usd: float = 0.0
    known_total_usd: float = 0.0
    unknown: tuple[str, ...] = ()
    usd_per_point: float | None = None
    usd_per_1000: float | None = None
    latency: float | None = None
    seconds: float | None = None
    predict_seconds: float | None = None
    on_front: bool = False
    on_time_front: bool = False
    regions: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    price_date: str | None = None
    local: bool = False
    sandbox: bool = False
    objective: str | None = None
    exact: bool = True
    verified: str = ""


def points(metric: Metric, score: float | None, baseline: float | None) -> float | None:
    """Return by how many points a score is better than the baseline's; negative if it is worse.

    A point is 0.01 of a score that ends at 1 (`BOUNDED`), and 1 % of the baseline's error for all other metrics.
    """
    if score is None or baseline is None or not math.isfinite(score) or not math.isfinite(baseline):
        return None
    better = (score - baseline) * (1 if metric.greater_is_better else -1)
    size = 0.01 if metric.name in BOUNDED else abs(baseline) / 100
    return better / size if size else None


def pareto(entries: Mapping[str, tuple[float, float]]) -> frozenset[str]:
    """Return who is not beaten: nobody is at least as good for less, or better for as much.

    Parameters
    ----------
    entries
        By name: what it takes (less is better), and how good it is (more is better).
    """
    return frozenset(
        name
        for name, (cost, good) in entries.items()
        if not any(
            other_cost <= cost and other_good >= good and (other_cost, other_good) != (cost, good)
            for other, (other_cost, other_good) in entries.items()
            if other != name
        )
    )


def mean_known(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if any is unknown, or there is none."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def standings_of(
    metric: Metric,
    rows: Sequence[RunRow],
    intervals: Mapping[str, tuple[float, float]],
    pairs: Sequence[Pair],
    latency: Mapping[str, Latency],
    *,
    baseline: str,
    holdout: int,
) -> tuple[Standing, ...]:
    """Return the standings, best first, those without a score last.

    Parameters
    ----------
    metric, rows, pairs
        What was compared by what, and how they differ.
    intervals
        95 % intervals by backend.
    latency
        Measured latencies by backend.
    baseline
        Name of the baseline.
    holdout
        Rows that were predicted.
    """
    groups: dict[str, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(row.backend, []).append(row)
    plain = [_plain(name, group, intervals.get(name), holdout, latency.get(name)) for name, group in groups.items()]
    plain.sort(key=lambda one: (metric.sort_key(one.score), one.backend != baseline))
    best = next((one.backend for one in plain if one.score is not None), None)
    beside = next((one.score for one in plain if one.backend == baseline), None)
    told = [_told(metric, one, best, baseline, beside, pairs) for one in plain]
    return _with_fronts(metric, told)


def _plain(
    name: str, rows: Sequence[RunRow], interval: tuple[float, float] | None, holdout: int, latency: Latency | None
) -> Standing:
    scored = [row for row in rows if row.score is not None and math.isfinite(row.score)]
    bad = next((row for row in rows if row.reason), None)
    ended = [row for row in rows if row.run is not None]
    lines = [line for row in rows if row.cost is not None for line in row.cost.lines]
    costs = [row.cost for row in rows if row.cost is not None]
    first = (scored or list(rows))[0]
    metrics = {key for row in scored for key in row.scores}
    low, high = interval if interval is not None else (None, None)
    return Standing(
        backend=name,
        runs=len(rows),
        scored=len(scored),
        state=bad.state if bad is not None else first.state,
        reason=bad.reason if bad is not None else "",
        hint=bad.hint if bad is not None else None,
        score=mean_known([row.score for row in scored]),
        low=low,
        high=high,
        scores={key: math.fsum(row.scores.get(key, math.nan) for row in scored) / len(scored) for key in metrics},
        billed_usd=mean_known([row.billed_usd for row in scored]),
        estimate_usd=mean_known([row.estimate_usd for row in scored or rows]),
        billed_total_usd=_total([row.billed_usd for row in ended]),
        known_usd=_mean([row.cost.known_usd for row in scored if row.cost is not None]),
        known_estimate_usd=_mean([row.estimate.likely.known_usd for row in scored or rows if row.estimate is not None]),
        known_total_usd=math.fsum(cost.known_usd for cost in costs),
        unknown=tuple(dict.fromkeys(why for cost in costs for why in cost.unknown)),
        usd_per_1000=_per_thousand(scored, holdout),
        latency=latency.seconds if latency is not None else None,
        seconds=mean_known([row.training_seconds for row in scored]),
        predict_seconds=mean_known([row.predict_seconds for row in scored]),
        regions=tuple(dict.fromkeys(line.region for line in lines if line.region != LOCAL_REGION)),
        skus=tuple(dict.fromkeys(line.sku for line in lines)),
        price_date=min((line.price_date for line in lines if line.price_date), default=None),
        local=first.local,
        sandbox=any(row.sandbox for row in rows),
        objective=first.objective,
        exact=first.exact,
        verified=first.verified,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if values and len(known) == len(values) else None


def _per_thousand(rows: Sequence[RunRow], holdout: int) -> float | None:
    """Return dollars for 1,000 predictions: the part of the bills that predicting the holdout was."""
    if not holdout or not rows:
        return None
    found = []
    for row in rows:
        parts = row.cost.parts if row.cost is not None else {}
        if "prediction" not in parts:
            return None
        found.append(parts["prediction"])
    usd = mean_known(found)
    return None if usd is None else usd / holdout * 1000


def _told(
    metric: Metric, one: Standing, best: str | None, baseline: str, beside: float | None, pairs: Sequence[Pair]
) -> Standing:
    if one.score is None:
        return one
    gained = None if one.backend == baseline else points(metric, one.score, beside)
    versus = _versus(one.backend, baseline, pairs)
    dear = one.billed_usd is not None and gained is not None and gained > 0
    return one.model_copy(
        update={
            "points": gained,
            "within_noise": one.backend == best or _versus(one.backend, best or "", pairs) == "noise",
            "versus_baseline": versus,
            "usd_per_point": one.billed_usd / gained if dear and one.billed_usd is not None and gained else None,
        }
    )


def _versus(name: str, other: str, pairs: Sequence[Pair]) -> str:
    for pair in pairs:
        if {pair.a, pair.b} == {name, other}:
            return "noise" if pair.better is None else "better" if pair.better == name else "worse"
    return ""


def _with_fronts(metric: Metric, standings: Sequence[Standing]) -> tuple[Standing, ...]:
    sign = 1 if metric.greater_is_better else -1

    def front(takes: Callable[[Standing], float | None]) -> frozenset[str]:
        known = {
            one.backend: (cost, sign * one.score)
            for one in standings
            if one.score is not None and (cost := takes(one)) is not None
        }
        return pareto(known)

    cheap, fast = front(lambda one: one.billed_usd), front(lambda one: one.seconds)
    return tuple(
        one.model_copy(update={"on_front": one.backend in cheap, "on_time_front": one.backend in fast})
        for one in standings
    )
