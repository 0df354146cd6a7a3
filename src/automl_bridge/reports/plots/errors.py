"""Where models err: confusion matrices, calibration, residuals, forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.reports.diagnostics import sample
from automl_bridge.reports.plots.svg import HEAT, INK, LINE, MUTED, WIDTH, drawing, quiet, to_svg
from automl_bridge.reports.words import MINUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup
    from numpy.typing import NDArray

    from automl_bridge.reports.diagnostics import Calibration, Confusion

__all__ = ["calibration_plot", "confusion_plot", "forecast_plot", "residual_plot", "step_plot"]

_POINTS = 500
_LABEL = 14


def confusion_plot(name: str, backend: str, found: Confusion) -> Markup:
    """Draw a matrix; the darker a cell, the larger its share of the true class."""
    size = len(found.labels)
    height = min(WIDTH, 120 + 36 * size)
    with drawing(height, width=WIDTH) as (figure, axes):
        shares = found.shares
        for (true, guessed), count in np.ndenumerate(found.counts):
            share = float(shares[true, guessed])
            axes.fill_between([guessed, guessed + 1], true, true + 1, color=HEAT, alpha=share, linewidth=0)
            axes.annotate(f"{count:,}", (guessed + 0.5, true + 0.5), ha="center", va="center", color=INK)
        labels = [label if len(label) <= _LABEL else label[: _LABEL - 1] + "…" for label in found.labels]
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if size > 4 else {}
        axes.set_xticks(np.arange(size) + 0.5, labels, **turned)
        axes.set_yticks(np.arange(size) + 0.5, labels)
        axes.set_xlim(0, size)
        axes.set_ylim(size, 0)
        axes.tick_params(length=0)
        for place in range(size + 1):
            axes.axhline(place, color=LINE, linewidth=0.8)
            axes.axvline(place, color=LINE, linewidth=0.8)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        for spine in axes.spines.values():
            spine.set_visible(False)
        right = int(np.trace(found.counts))
        said = f"{right:,} of {int(found.counts.sum()):,} rows are on the diagonal, which is right"
        return to_svg(figure, name, f"Confusion matrix of {backend}", said)


def calibration_plot(name: str, found: Mapping[str, Calibration], colours: Mapping[str, str], of: str) -> Markup:
    """Draw promised probabilities against what came true; on the diagonal, promises are kept."""
    with drawing(330) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for backend, one in found.items():
            axes.plot(one.promised, one.true, "o-", color=colours[backend], markersize=5, linewidth=1.8, label=backend)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        quiet(axes)
        axes.set_xlabel(f"promised probability of {of}")
        axes.set_ylabel("share that came true")
        figure.legend(loc="outside lower center", ncols=2 if len(found) > 1 else 1)
        said = "; ".join(
            f"{backend}: mean distance from the diagonal {one.error:.3f}" for backend, one in found.items()
        )
        return to_svg(figure, name, "Calibration", said)


def residual_plot(
    name: str,
    backend: str,
    values: NDArray[np.float64],
    guesses: NDArray[np.float64],
    colour: str,
    target: str,
    most: float,
) -> Markup:
    """Draw errors against predictions; a good model's lie around 0 everywhere.

    Parameters
    ----------
    name
        As in `svg.to_svg`.
    backend, colour, target
        Whose they are, and of what.
    values, guesses
        What is true, and what was predicted, shape (rows,).
    most
        The largest error that the axis has room for: the same for all backends, so that they can be compared.
    """
    with drawing(270) as (figure, axes):
        chosen = sample(len(values), _POINTS)
        residuals = guesses - values
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set_ylim(-most, most)
        axes.plot(guesses[chosen], residuals[chosen], "o", color=colour, alpha=0.45, markersize=4, markeredgewidth=0)
        quiet(axes)
        axes.set_xlabel(f"predicted {_short(target)}")
        axes.set_ylabel(f"predicted {MINUS} true")
        middle, spread = float(np.median(residuals)), float(np.std(residuals))
        shown = f" {len(chosen):,} of {len(values):,} rows are drawn." if len(chosen) < len(values) else ""
        said = f"Median error {middle:.4g}, standard deviation {spread:.4g}.{shown}"
        return to_svg(figure, name, f"Errors of {backend}", said)


def step_plot(name: str, errors: Mapping[str, NDArray[np.float64]], colours: Mapping[str, str], target: str) -> Markup:
    """Draw the mean absolute error at each step of the horizon."""
    with drawing(300) as (figure, axes):
        for backend, found in errors.items():
            axes.plot(np.arange(1, len(found) + 1), found, "o-", color=colours[backend], markersize=4, label=backend)
        quiet(axes)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("step of the horizon")
        axes.set_ylabel(f"mean error, {_short(target)}")
        figure.legend(loc="outside lower center", ncols=2 if len(errors) > 1 else 1)
        said = "; ".join(f"{backend}: from {found[0]:.4g} to {found[-1]:.4g}" for backend, found in errors.items())
        return to_svg(figure, name, "Error by step of the horizon", said)


def forecast_plot(
    name: str,
    past: NDArray[np.float64],
    true: NDArray[np.float64],
    guesses: Mapping[str, NDArray[np.float64]],
    colours: Mapping[str, str],
    what: str,
) -> Markup:
    """Draw one series: its end before the holdout, what came, and what was forecast."""
    with drawing(320) as (figure, axes):
        before = np.arange(-len(past), 0)
        after = np.arange(len(true))
        axes.plot(before, past, color=MUTED, linewidth=1.2)
        axes.plot(after, true, color=INK, linewidth=2, label="what came")
        axes.axvline(-0.5, color=LINE, linewidth=1)
        for backend, found in guesses.items():
            axes.plot(after, found, color=colours[backend], linewidth=1.6, linestyle=(0, (5, 2)), label=backend)
        quiet(axes)
        axes.set_xlabel("steps from the end of the training data")
        axes.set_ylabel(_short(what))
        figure.legend(loc="outside lower center", ncols=2)
        return to_svg(figure, name, "One series: what came and what was forecast", f"{len(true)} steps of {what}")


def _short(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"
