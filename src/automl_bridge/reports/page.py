"""The report of a comparison: one HTML file that needs nothing else, runs no script, and opens offline."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError
from automl_bridge.reports.plots.svg import require

if TYPE_CHECKING:
    from jinja2 import Template

    from automl_bridge.comparison.result import Comparison

__all__ = ["MOST_BYTES", "get_ready", "render_report", "write_report"]

MOST_BYTES = 2_000_000
"""Size that no report reaches: leaderboards, points and matrices have limits of their own."""


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = files("automl_bridge.reports").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)


def get_ready() -> None:
    """Load what draws a report, while there is nothing else to do; nothing where that is not installed."""
    with suppress(ImportError):
        for name in ("matplotlib.figure", "matplotlib.backends.backend_svg", "automl_bridge.reports.page_content"):
            import_module(name)
        _template()


def render_report(comparison: Comparison) -> str:
    """Write the report as HTML; everything that came from data is escaped.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    from markupsafe import Markup

    from automl_bridge.reports.page_content import content_of

    require()
    css = files("automl_bridge.reports").joinpath("templates/report.css").read_text(encoding="utf-8")
    return _template().render(**content_of(comparison), css=Markup(css))  # noqa: S704 - a file of ours


def write_report(comparison: Comparison, path: Path) -> Path:
    """Write the report to ``path``: whole, or not at all; returns it.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    text = render_report(comparison)
    target = path.expanduser().absolute()
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as draft:
            draft.write(text)
        os.chmod(draft.name, 0o644)  # noqa: PTH101 - a report is to be read; the draft was private
        Path(draft.name).replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}", hint="name another file") from error
    return path
