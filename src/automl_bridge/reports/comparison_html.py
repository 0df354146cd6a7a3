"""A comparison in a notebook: the verdict and the standings; colours are the notebook's own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from automl_bridge.reports.comparison_text import scored, spent, versus
from automl_bridge.reports.words import MISSING, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from automl_bridge.comparison.result import Comparison

__all__ = ["comparison_html", "live_html"]

_TABLE = """\
<div class="automl-bridge" style="font-family:sans-serif;font-size:13px;max-width:60em">
{%- if headline %}
<div style="font-size:15px;font-weight:600">{{ headline }}</div>
<div style="margin:4px 0 8px">{{ rest }}</div>
{%- endif %}
<table><thead><tr>
{%- for heading in headings %}
<th style="text-align:{{ 'left' if loop.index <= 2 else 'right' }}">{{ heading }}</th>
{%- endfor %}
</tr></thead><tbody>
{%- for row in rows %}
<tr>
{%- for cell in row %}
<td style="text-align:{{ 'left' if loop.index <= 2 else 'right' }}">{{ cell }}</td>
{%- endfor %}</tr>
{%- endfor %}
</tbody></table>
</div>
"""


@cache
def _template() -> Template:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(_TABLE)


def live_html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write rows as an HTML table."""
    return _template().render(headings=headings, rows=rows, headline="", rest="")


def comparison_html(comparison: Comparison) -> str:
    """Write verdict and standings as an HTML fragment; everything that came from data is escaped."""
    headings = ("backend", f"holdout {comparison.spec.metric}", "billed", "estimate", "$ per point over baseline")
    rows = []
    for one in comparison.standings:
        name = one.backend + (" SANDBOX" if one.sandbox else "")
        if one.score is None:
            rows.append((name, f"{one.state}: {plain(one.reason)}", MISSING, MISSING, MISSING))
        else:
            rows.append(
                (
                    name,
                    scored(one),
                    spent(one.billed_usd, one.known_usd),
                    spent(one.estimate_usd, one.known_estimate_usd),
                    versus(one),
                )
            )
    said = comparison.verdict
    return _template().render(headings=headings, rows=rows, headline=said.headline, rest=" ".join(said.sentences))
