"""From a matplotlib figure to an SVG element of a page: its colours, fonts and ids are the page's."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from automl_bridge.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "HEAT",
    "INK",
    "LINE",
    "MUTED",
    "PAPER",
    "SERIES",
    "WIDTH",
    "drawing",
    "require",
    "series_colour",
    "to_svg",
]

INK, MUTED, LINE, PAPER, HEAT = "#010101", "#020202", "#030303", "#040404", "#050505"
"""Colours that stand for variables of the page; no other is drawn with."""
SERIES = tuple(f"#0a0a{number:02x}" for number in range(8))
"""Colours of the backends; the first is the baseline's."""
WIDTH = 420
"""Units across a plot: at 340 pixels, a phone's width, its 13-unit text is still 10.5 pixels high."""

_VARIABLES = {INK: "--ink", MUTED: "--muted", LINE: "--line", PAPER: "--panel", HEAT: "--heat"} | {
    colour: f"--s{number}" for number, colour in enumerate(SERIES)
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "automl-bridge",  # the same figure, the same bytes
    "text.parse_math": False,  # a column called "$x$" is no formula
    "axes.unicode_minus": True,
    "font.size": 13,
    "axes.labelsize": 12,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 4,
    "ytick.major.size": 0,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def require() -> None:
    """Look whether plots can be drawn, before anything else is done.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingExtraError(
            "a report is drawn by matplotlib, which is not installed", hint="pip install matplotlib"
        )


def series_colour(place: int) -> str:
    """Return the colour of a backend by its place, 0 for the baseline; from the ninth on they come again."""
    return SERIES[place] if place < len(SERIES) else SERIES[1 + (place - 1) % (len(SERIES) - 1)]


@contextlib.contextmanager
def drawing(
    height: float, *, width: float = WIDTH, rows: int = 1, columns: int = 1, **layout: Any
) -> Iterator[tuple[Figure, Any]]:
    """Give a figure and its axes, in our style.

    Parameters
    ----------
    height, width
        Units of the SVG.
    rows, columns, layout
        As in matplotlib's ``Figure.subplots``.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Labels in another script are measured in a font that lacks it; the reader's own fonts have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message=".*constrained_layout not applied.*")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, figure.subplots(rows, columns, **layout)


def to_svg(figure: Figure, name: str, title: str, description: str) -> Markup:
    """Write a figure as one SVG element; call it within `drawing`.

    Parameters
    ----------
    figure
        What was drawn.
    name
        Begins all ids of the element: unique in the page.
    title, description
        For those who hear it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    for waste in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style[^>]*>.*?</style>", r"font-family: [^;\"]*;? ?"):
        body = re.sub(waste, "", body, flags=re.DOTALL)
    body = re.sub(r'transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"(?<=[\s\"(-])(\d+\.\d\d)\d+", r"\1", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(f": {colour}", f": var({variable})")
    body = re.sub(r"\s*\n\s*", " ", body)
    width, height = (72 * side for side in figure.get_size_inches())
    head = (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" class="plot" role="img" data-plot="{name}" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Markup(head + body + "</svg>")  # noqa: S704 - matplotlib escapes all text; a test puts markup everywhere


def quiet(axes: Axes, *, grid: str = "y") -> None:
    """Leave of an axes what carries meaning: light lines to read values by, no frame."""
    axes.grid(visible=True, axis=grid)  # type: ignore[arg-type] # its stub wants a literal
    axes.spines["left"].set_visible(grid == "x")
