"""Quality against what it takes, dollars or time: who is not beaten, and by how much the others are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.reports.plots.svg import INK, LINE, MUTED, PAPER, drawing, quiet, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

__all__ = ["Point", "pareto_plot"]

HEIGHT = 290
_WIDE_RANGE = 20
"""From so many times the least on, equal steps are equal factors."""
_DOT = 8.0
"""Half the width of a point, with room around it."""
_GAP = 15.0
"""Units between two labels, one above the other."""


class Point(NamedTuple):
    """One backend: what it takes, how good it is with its interval, its colour and whether nobody beats it."""

    name: str
    takes: float
    score: float
    low: float | None
    high: float | None
    colour: str
    front: bool


def pareto_plot(
    name: str,
    points: Sequence[Point],
    *,
    metric: str,
    greater_is_better: bool,
    axis: str,
    write: Callable[[float], str],
    title: str,
    ticks: Sequence[float] | None = None,
) -> Markup:
    """Draw points, their intervals and the front.

    Parameters
    ----------
    name, title
        As in `svg.to_svg`.
    points
        The backends; all values known and finite.
    metric, greater_is_better
        What is up.
    axis, write
        What is across, and how its values are written.
    ticks
        Values that are round on that axis; None: powers of ten.
    """
    with drawing(HEIGHT) as (figure, axes):
        _scale(axes, [point.takes for point in points], write, ticks)
        if not greater_is_better:
            axes.invert_yaxis()
        _front(axes, points, greater_is_better=greater_is_better)
        for point in points:
            _draw(axes, point)
        quiet(axes)
        axes.set_ylabel(f"{metric} on the holdout")
        axes.set_xlabel(f"{axis}; better is up and left")
        figure.canvas.draw()
        _labels(axes, points)
        said = ", ".join(f"{point.name} {point.score:.4g} for {write(point.takes)}" for point in points)
        front = ", ".join(point.name for point in points if point.front)
        return to_svg(figure, name, title, f"{said}. Not beaten by any other: {front}.")


def _scale(axes: Axes, values: Sequence[float], write: Callable[[float], str], ticks: Sequence[float] | None) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

    positive = [value for value in values if value > 0]
    logarithmic = len(positive) == len(values) > 1 and max(values) / min(values) > _WIDE_RANGE
    if logarithmic:
        axes.set_xscale("log")
        low, high = min(values), max(values)
        room = (high / low) ** 0.14
        axes.set_xlim(low / room, high * room)
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)) if ticks else LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        most = max(values, default=1.0) or 1.0
        axes.set_xlim(-0.06 * most, 1.12 * most)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value) if value >= 0 else ""))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _front(axes: Axes, points: Sequence[Point], *, greater_is_better: bool) -> None:
    """Draw the front as steps: for so much, this is the best there is."""
    sign = 1 if greater_is_better else -1
    front = sorted((point for point in points if point.front), key=lambda point: (point.takes, -sign * point.score))
    if front:
        right = axes.get_xlim()[1]
        across = [*(point.takes for point in front), right]
        up = [*(point.score for point in front), front[-1].score]
        axes.step(across, up, where="post", color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)


def _draw(axes: Axes, point: Point) -> None:
    if point.low is not None and point.high is not None and math.isfinite(point.low) and math.isfinite(point.high):
        axes.plot([point.takes] * 2, [point.low, point.high], color=point.colour, linewidth=2, alpha=0.45, zorder=2)
    axes.plot(
        [point.takes],
        [point.score],
        marker="o",
        markersize=10 if point.front else 8,
        markerfacecolor=point.colour if point.front else PAPER,
        markeredgecolor=point.colour,
        markeredgewidth=2,
        linestyle="none",
        zorder=3,
    )


def _labels(axes: Axes, points: Sequence[Point]) -> None:
    """Write names beside the points, moved down where they would lie on each other or on another point."""
    place = axes.transData.transform([(point.takes, point.score) for point in points])
    left, right = axes.bbox.x0, axes.bbox.x1
    taken = [(x - _DOT, x + _DOT, y) for x, y in place]
    for (x, y), point in sorted(zip(place, points, strict=True), key=lambda item: -item[0][1]):
        width = 7.2 * len(point.name)
        leftwards = x + 12 + width > right and x - 12 - width > left - 20
        begin = x - 12 - width if leftwards else x + 12
        height = y
        while any(begin < end and start < begin + width and abs(height - other) < _GAP for start, end, other in taken):
            height -= 1
        taken.append((begin, begin + width, height))
        axes.annotate(
            point.name,
            (point.takes, point.score),
            xytext=(-12 if leftwards else 12, (height - y)),
            textcoords="offset pixels",
            ha="right" if leftwards else "left",
            va="center",
            color=INK,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
            arrowprops={"arrowstyle": "-", "color": LINE, "linewidth": 0.8} if y - height > 6 else None,
        )
