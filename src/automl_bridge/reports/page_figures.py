"""Figures of a report, each with its numbers as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from automl_bridge.budget import format_duration
from automl_bridge.costs.usage import Part
from automl_bridge.metrics import METRICS
from automl_bridge.reports import diagnostics, words
from automl_bridge.reports.cost_line import dollars, said_part
from automl_bridge.reports.page_tables import Table
from automl_bridge.reports.plots import errors, money, pareto
from automl_bridge.reports.plots.svg import series_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from markupsafe import Markup
    from numpy.typing import NDArray

    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.standings import Standing
    from automl_bridge.data.dataset import Dataset

__all__ = ["Figure", "error_figures", "money_figures", "pareto_figures"]

MOST_BACKENDS = 6
"""Backends that get a drawing of their own errors, the best first."""
_PAST = 60
_TIMES = (0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 360_000)


@dataclass(frozen=True)
class Figure:
    """A drawing, what it shows, what to know about it, and its numbers."""

    svg: Markup
    caption: str
    note: str = ""
    table: Table | None = None


def pareto_figures(comparison: Comparison, colours: Mapping[str, int]) -> list[Figure]:
    """Draw quality against dollars and against time."""
    figures = []
    for name, axis, takes, front, write, title in (
        (
            "cost",
            "US dollars a run",
            attrgetter("billed_usd"),
            "on_front",
            money.tick_dollars,
            "Quality against dollars",
        ),
        ("time", "time of training", attrgetter("seconds"), "on_time_front", _ticked_time, "Quality against time"),
    ):
        found = _pareto(comparison, colours, name, axis, takes, front, write, title)
        if found is not None:
            figures.append(found)
    return figures


def _ticked_time(seconds: float) -> str:
    if not seconds:
        return "0"
    return format_duration(seconds).replace("m 00s", " min").replace("h 00m", " h").replace(".0 s", " s")


def _pareto(
    comparison: Comparison,
    colours: Mapping[str, int],
    name: str,
    axis: str,
    takes: Callable[[Standing], float | None],
    front: str,
    write: Callable[[float], str],
    title: str,
) -> Figure | None:
    scored = [one for one in comparison.standings if one.score is not None]
    points = [
        pareto.Point(
            one.backend,
            cost,
            one.score,
            one.low,
            one.high,
            series_colour(colours[one.backend]),
            bool(getattr(one, front)),
        )
        for one in scored
        if (cost := takes(one)) is not None and one.score is not None
    ]
    if not points:
        return None
    metric = METRICS[comparison.spec.metric]
    svg = pareto.pareto_plot(
        f"pareto-{name}",
        points,
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        axis=axis,
        write=write,
        title=title,
        ticks=_TIMES if name == "time" else None,
    )
    absent = [one.backend for one in scored if takes(one) is None]
    notes = [f"Not drawn, as it is unknown: {', '.join(absent)}."] if absent else []
    if name == "time" and any(one.sandbox for one in scored):
        notes.append("A SANDBOX turns its clock fast: its times are not the service's.")
    note = " ".join(notes)
    exact = dollars if name == "cost" else format_duration
    rows = tuple(
        (point.name, exact(point.takes), words.score(point.score), "yes" if point.front else "no") for point in points
    )
    table = Table(title, ("Backend", axis.capitalize().replace("Us d", "US d"), metric.name, "Unbeaten"), rows, (1, 2))
    return Figure(svg, title, note, table)


def money_figures(comparison: Comparison, colours: Mapping[str, int]) -> list[Figure]:
    """Draw what was billed by part, and beside what was expected."""
    figures = []
    bills = {name: bill for name in colours if (bill := _bill(comparison, name))}
    if bills:
        order = [said_part(part) for part in get_args(Part)]
        parts = [part for part in order if any(part in bill for bill in bills.values())]
        shades = {name: series_colour(colours[name]) for name in bills}
        svg = money.breakdown_plot("bill", bills, shades, parts)
        rows = tuple(
            (name, *(dollars(bill.get(part, 0.0)) for part in parts), dollars(sum(bill.values())))
            for name, bill in bills.items()
        )
        table = Table(
            "Billed, all runs",
            ("Backend", *(part.capitalize() for part in parts), "Sum"),
            rows,
            tuple(range(1, len(parts) + 2)),
        )
        unknown = [one.backend for one in comparison.standings if one.unknown]
        note = f"Only what is known: a part of {', '.join(unknown)} is not." if unknown else ""
        figures.append(Figure(svg, "What was billed, by part", note, table))
    guesses = [guess for one in comparison.standings if (guess := _guess(comparison, one, colours)) is not None]
    if guesses:
        svg = money.estimate_plot("estimate", guesses)
        rows = tuple(
            (guess.name, *(_usd(usd) for usd in (guess.low, guess.likely, guess.high, guess.billed)), _off(guess))
            for guess in guesses
        )
        headings = ("Backend", "Least", "Likely", "Most", "Billed", "Bill against estimate")
        table = Table("Expected and billed, a run", headings, rows, (1, 2, 3, 4, 5))
        figures.append(Figure(svg, "What was expected, and what was billed", "", table))
    return figures


def _bill(comparison: Comparison, backend: str) -> dict[str, float]:
    """Return known dollars by part over all runs of a backend."""
    bill: dict[str, float] = {}
    for row in comparison.rows:
        if row.backend == backend and row.cost is not None:
            for line in row.cost.lines:
                if line.usd is not None:
                    part = said_part(line.part)
                    bill[part] = bill.get(part, 0.0) + line.usd
    return bill


def _guess(comparison: Comparison, one: Standing, colours: Mapping[str, int]) -> money.Guess | None:
    estimates = [row.estimate for row in comparison.rows if row.backend == one.backend and row.estimate is not None]
    if not estimates:
        return None
    first = estimates[0]
    low, likely, high = first.low.usd, first.likely.usd, first.high.usd
    known = [usd for usd in (low, likely, high, one.billed_usd) if usd]
    if not known:
        return None
    return money.Guess(one.backend, low, likely, high, one.billed_usd, series_colour(colours[one.backend]))


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else dollars(amount)


def _off(guess: money.Guess) -> str:
    if not guess.likely or guess.billed is None:
        return words.MISSING
    return f"{100 * (guess.billed / guess.likely - 1):+.0f} %"


def error_figures(comparison: Comparison, colours: Mapping[str, int]) -> list[Figure]:
    """Draw where models err: of each backend the run of its first seed that has a score."""
    runs = {row.backend: row.run for row in reversed(comparison.rows) if row.run in comparison.predictions}
    order = [one.backend for one in comparison.standings if one.backend in runs][:MOST_BACKENDS]
    if not order:
        return []
    outputs = {name: np.load(comparison.predictions[str(runs[name])], allow_pickle=False) for name in order}
    outputs = {name: found[:, None] if found.ndim == 1 else found for name, found in outputs.items()}
    shades = {name: series_colour(colours[name]) for name in order}
    dataset = comparison.dataset
    if dataset.forecast is not None:
        return _forecast_figures(dataset, outputs, shades)
    if comparison.spec.task.is_classification:
        return _class_figures(dataset, outputs, shades)
    return _residual_figures(dataset, outputs, shades)


def _class_figures(
    dataset: Dataset, outputs: Mapping[str, NDArray[np.float64]], shades: Mapping[str, str]
) -> list[Figure]:
    codes = dataset.target_codes("holdout")
    labels = [words.plain(str(label)) for label in dataset.profile.classes]
    kept = {name: diagnostics.calibration(found, codes) for name, found in outputs.items()}
    of = f"“{labels[1][:24]}”" if len(labels) == 2 else "the likeliest class"
    rows = tuple((name, f"{one.error:.3f}", str(len(one.rows))) for name, one in kept.items())
    table = Table("Calibration", ("Backend", "Mean distance", "Bins"), rows, (1, 2))
    svg = errors.calibration_plot("calibration", kept, shades, of)
    figures = [Figure(svg, "Calibration", "On the dashed line, promised probabilities come true.", table)]
    for place, (name, found) in enumerate(outputs.items()):
        matrix = diagnostics.confusion(found, codes, labels)
        svg = errors.confusion_plot(f"confusion-{place}", name, matrix)
        cells = tuple(
            (label, *(f"{count:,}" for count in counts))
            for label, counts in zip(matrix.labels, matrix.counts, strict=True)
        )
        places = tuple(range(1, len(matrix.labels) + 1))
        table = Table(f"Confusion of {name}", ("True class", *matrix.labels), cells, places)
        right = 100 * float(np.trace(matrix.counts)) / max(1, int(matrix.counts.sum()))
        figures.append(Figure(svg, f"{name}: {right:.1f} % right", "Rows of the holdout, true class down.", table))
    return figures


def _residual_figures(
    dataset: Dataset, outputs: Mapping[str, NDArray[np.float64]], shades: Mapping[str, str]
) -> list[Figure]:
    values = dataset.target_values("holdout")
    targets = [column.name for column in dataset.profile.columns if column.role == "target"]
    figures = []
    for place, (name, found) in enumerate(outputs.items()):
        for column, target in enumerate(targets[: 1 if len(outputs) > 1 else None]):
            off = found[:, column] - values[:, column]
            most = (
                1.05 * max(float(np.abs(one[:, column] - values[:, column]).max()) for one in outputs.values()) or 1.0
            )
            svg = errors.residual_plot(
                f"residual-{place}-{column}", name, values[:, column], found[:, column], shades[name], target, most
            )
            marks = [("Median", np.median(off)), ("Mean", off.mean()), ("Standard deviation", off.std())]
            marks += [
                (f"{share} % of the errors are below", np.quantile(np.abs(off), share / 100)) for share in (50, 90)
            ]
            rows = tuple(
                (what, words.score(float(value)) if value >= 0 else f"{words.MINUS}{words.score(float(-value))}")
                for what, value in marks
            )
            table = Table(f"Errors of {name}", ("Of the errors", words.plain(target)), rows, (1,))
            figures.append(Figure(svg, f"{name}: errors", f"of {words.plain(target)}, predicted minus true", table))
    return figures


def _forecast_figures(
    dataset: Dataset, outputs: Mapping[str, NDArray[np.float64]], shades: Mapping[str, str]
) -> list[Figure]:
    forecast = dataset.forecast
    assert forecast is not None
    values = dataset.target_values("holdout")[:, 0]
    target = words.plain(next(column.name for column in dataset.profile.columns if column.role == "target"))
    steps = forecast.horizon
    found = {
        name: np.abs(one[:, 0] - values).reshape(-1, steps).mean(axis=0)
        for name, one in outputs.items()
        if len(values) % steps == 0
    }
    figures = []
    if found:
        svg = errors.step_plot("steps", found, shades, target)
        rows = tuple((name, *(words.score(float(error)) for error in one[:12])) for name, one in found.items())
        headings = ("Backend", *(f"Step {step}" for step in range(1, min(12, steps) + 1)))
        table = Table("Mean absolute error by step", headings, rows, tuple(range(1, len(headings))))
        figures.append(Figure(svg, "Error by step of the horizon", "Mean absolute error over all series.", table))
    past = np.concatenate(
        [dataset.target_values(part)[:, 0] for part in ("train", "validation") if part in dataset.parts]
    )
    one_series = _first_series(dataset, past, values)
    if one_series is not None:
        before, rows_of = one_series
        guesses = {name: one[rows_of, 0] for name, one in outputs.items()}
        svg = errors.forecast_plot("forecast", before[-_PAST:], values[rows_of], guesses, shades, target)
        figures.append(Figure(svg, "One series", "The first of the holdout: what came, and what was forecast."))
    return figures


def _first_series(dataset: Dataset, past: Any, values: Any) -> tuple[Any, Any] | None:
    """Return the history of the first series of the holdout, and the places of its rows there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    forecast = dataset.forecast
    assert forecast is not None
    parts = [dataset.parts[part] for part in ("train", "validation") if part in dataset.parts]
    holdout = dataset.parts["holdout"]
    if not len(holdout):
        return None

    def chosen(table: pa.Table) -> NDArray[np.bool_]:
        mask = np.ones(len(table), bool)
        for name in forecast.series:
            equal = pc.equal(table[name], holdout[name][0])
            mask &= np.asarray(pc.fill_null(equal, False).to_numpy(zero_copy_only=False), bool)
        return mask

    history = np.concatenate([chosen(part) for part in parts]) if parts else np.zeros(0, bool)
    rows = np.flatnonzero(chosen(holdout))[: forecast.horizon]
    return (past[history], rows) if len(rows) and math.isfinite(float(values[rows[0]])) else None
