"""What a notebook shows for a run and for a leaderboard: the same as a terminal, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.reports.build import ranked, run_view
from automl_bridge.reports.html import to_html
from automl_bridge.reports.view import RunView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.backend import Trial
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.runs.record import RunRecord

__all__ = ["leaderboard_html", "run_html"]


def run_html(record: RunRecord, *, baseline: RunRecord | None = None, book: PriceBook | None = None) -> str:
    """Write all that is said about a run as an HTML fragment; see `run_view`."""
    return to_html(run_view(record, baseline=baseline, book=book))


def leaderboard_html(trials: Sequence[Trial], heading: str) -> str:
    """Write trials, in the order they are in, as an HTML table; ``heading`` says what their score is."""
    view = RunView(
        run_id="",
        backend="",
        state="",
        ended=True,
        header=(),
        progress=None,
        score_heading=heading,
        leaderboard=ranked(trials),
        hidden=0,
        entries=(),
        notes=(),
        remarks=(),
    )
    return to_html(view)
