"""Where the money went, and how near the estimates were."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.reports.cost_line import dollars
from automl_bridge.reports.plots.svg import INK, LINE, MUTED, PAPER, drawing, quiet, to_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

__all__ = ["Guess", "breakdown_plot", "estimate_plot", "tick_dollars"]

_ROW, _FRAME = 34, 74
_SHADES = (1.0, 0.62, 0.4, 0.26, 0.16, 0.1)
"""Parts of a bill are shades of the backend's colour, the first the darkest."""


class Guess(NamedTuple):
    """What one backend's run was expected to cost and what it did cost; None where that is unknown."""

    name: str
    low: float | None
    likely: float | None
    high: float | None
    billed: float | None
    colour: str


def tick_dollars(usd: float) -> str:
    """Write dollars at a tick: short, and however small."""
    if usd >= 1000:
        return f"${usd / 1000:g}k"
    if usd >= 1e-4 or usd == 0:
        return f"${usd:.10g}"
    return f"${usd:.0e}".replace("e-0", "e-")


def breakdown_plot(
    name: str, bills: Mapping[str, Mapping[str, float]], colours: Mapping[str, str], parts: Sequence[str]
) -> Markup:
    """Draw a bar a backend, cut into the parts of its bill.

    Parameters
    ----------
    name
        As in `svg.to_svg`.
    bills
        US dollars by backend and part.
    colours
        By backend.
    parts
        The parts, in the order in which they are laid beside each other.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    with drawing(_FRAME + _ROW * len(bills)) as (figure, axes):
        names = list(bills)[::-1]
        for place, backend in enumerate(names):
            start = 0.0
            for part, shade in zip(parts, _SHADES, strict=False):
                usd = bills[backend].get(part, 0.0)
                if usd:
                    colour = colours[backend]
                    axes.barh(place, usd, 0.6, start, color=colour, alpha=shade, edgecolor=PAPER, linewidth=1)
                start += usd
            axes.annotate(
                dollars(start), (start, place), xytext=(6, 0), textcoords="offset pixels", va="center", color=INK
            )
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", labelcolor=INK)
        most = max((sum(bill.values()) for bill in bills.values()), default=0.0) or 1.0
        axes.set_xlim(0, 1.22 * most)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_dollars(value)))
        quiet(axes, grid="x")
        axes.set_xlabel(
            f"US dollars, all runs; dark to light: {', '.join(parts)}" if len(parts) > 1 else "US dollars, all runs"
        )
        said = "; ".join(f"{backend}: {_spoken(bill)}" for backend, bill in bills.items())
        return to_svg(figure, name, "What was billed, by part", said)


def _spoken(bill: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {dollars(usd)}" for part, usd in bill.items()) or "nothing"


def estimate_plot(name: str, guesses: Sequence[Guess]) -> Markup:
    """Draw for each backend the range that was expected, the likely amount, and the bill."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    with drawing(_FRAME + _ROW * len(guesses)) as (figure, axes):
        axes.set_xscale("log")
        names = [guess.name for guess in guesses][::-1]
        for place, guess in enumerate(reversed(guesses)):
            if guess.low and guess.high:
                axes.plot(
                    [guess.low, guess.high],
                    [place] * 2,
                    color=guess.colour,
                    linewidth=8,
                    alpha=0.28,
                    solid_capstyle="butt",
                )
            if guess.likely:
                axes.plot([guess.likely], [place], marker="|", markersize=16, markeredgewidth=2, color=guess.colour)
            if guess.billed:
                axes.plot([guess.billed], [place], "o", markersize=8, color=guess.colour, markeredgecolor=PAPER)
            elif guess.billed is None:
                axes.annotate(
                    "bill unknown", (0.99, place), xycoords=("axes fraction", "data"), ha="right", color=MUTED
                )
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.tick_params(axis="y", labelcolor=INK)
        known = [usd for guess in guesses for usd in guess[1:5] if isinstance(usd, float) and usd > 0]
        axes.set_xlim(min(known) / 2, max(known) * 2)
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_dollars(value)))
        quiet(axes, grid="x")
        axes.grid(visible=True, axis="x", color=LINE)
        axes.set_xlabel("US dollars a run: band expected, | likely, ● billed")
        said = "; ".join(f"{guess.name}: likely {_usd(guess.likely)}, billed {_usd(guess.billed)}" for guess in guesses)
        return to_svg(figure, name, "What was expected, and what was billed", said)


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else dollars(amount)
