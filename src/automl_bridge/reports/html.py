"""A `RunView` as HTML for notebooks: everything that came from data is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from automl_bridge.reports.terminal import clock

if TYPE_CHECKING:
    from jinja2 import Template

    from automl_bridge.reports.view import RunView

__all__ = ["to_html"]

# Colours come from the notebook's own theme; only the lines and the failed rows are ours.
_TEMPLATE = """\
<div class="automl-bridge" style="font-family:sans-serif;font-size:13px;max-width:60em">
{%- for parts in view.header %}
<div{% if not loop.first %} style="opacity:.7"{% endif %}>{{ parts | join(" · ") }}</div>
{%- endfor %}
{%- for note in view.notes %}
<div style="opacity:.8"><b>note</b> {{ note }}</div>
{%- endfor %}
{%- if view.progress %}
<div><b>{{ view.progress.name }}</b> {{ view.progress.parts | join(" · ") }}
{%- if done is not none %} <progress max="1" value="{{ '%.3f' | format(done) }}"></progress>{% endif %}
{{ clock }}</div>
{%- endif %}
{%- if view.leaderboard %}
<table><thead><tr>
{%- for heading in ("rank", "model", view.score_heading, "epochs", "time") -%}
<th style="text-align:{{ 'left' if loop.index <= 2 else 'right' }}">{{ heading }}</th>
{%- endfor %}</tr></thead><tbody>
{%- for row in view.leaderboard %}
<tr{% if row.failed %} style="opacity:.6"{% endif %}><td style="text-align:left">{{ row.rank }}</td>
<td style="text-align:left">{{ row.model }}{% if row.message %}<br><small>{{ row.message }}</small>{% endif %}</td>
<td style="text-align:right">{{ row.score }}</td><td style="text-align:right">{{ row.epochs }}</td>
<td style="text-align:right">{{ row.time }}</td></tr>
{%- endfor %}
</tbody></table>
{%- if view.hidden %}
<div style="opacity:.7">and {{ view.hidden }} more</div>
{%- endif %}
{%- endif %}
{%- for entry in view.entries %}
<div><b>{{ entry.label }}</b> {% if entry.copyable %}<code>{{ entry.parts | join(" ") }}</code>
{%- else %}{{ entry.parts | join(" &nbsp; " | safe) }}{% endif %}</div>
{%- endfor %}
{%- for remark in view.remarks %}
<div style="opacity:.8"><b>note</b> {{ remark }}</div>
{%- endfor %}
</div>
"""


@cache
def _template() -> Template:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(_TEMPLATE)


def to_html(view: RunView, now: datetime | None = None) -> str:
    """Write all that is said about a run as an HTML fragment."""
    moment = now or datetime.now(UTC)
    progress = view.progress
    return _template().render(
        view=view,
        done=progress.done(moment) if progress else None,
        clock=clock(progress, moment) if progress else "",
    )
