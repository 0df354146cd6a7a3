"""A table of what services still hold, with dollars a day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl_bridge.reports.cost_line import dollars
from automl_bridge.reports.words import MISSING, plain, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from automl_bridge.backend import Resource
    from automl_bridge.costs.cost import Cost

__all__ = ["resources_table", "total"]


def resources_table(
    listed: Sequence[Resource], costs: Sequence[Cost], owners: Mapping[str, str], now: datetime | None = None
) -> RenderableType:
    """Lay out resources, a line each.

    Parameters
    ----------
    listed, costs
        The resources, and what each costs a day.
    owners
        How the runs stand that made them, by the names that they were made under.
    now
        What their age is counted to.
    """
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("backend", "kind", "name", "since", "about $/day", "made by"):
        table.add_column(heading, overflow="fold", justify="right" if "$" in heading else "left")
    for one, cost in zip(listed, costs, strict=True):
        usd = "unknown" if cost.usd is None else dollars(cost.usd) if cost.usd else "0"
        made = f"run {short_id(one.run.removeprefix('ab-'))}, {owners[one.run]}" if one.run else "not known"
        cells = (one.backend, one.kind, one.name, _age(one.since, now or datetime.now(UTC)), usd, made)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _age(since: str | None, now: datetime) -> str:
    """Write how long it has been there; a moment without a time zone is taken to be UTC."""
    if since is None:
        return MISSING
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return since
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    hours = max(0.0, (now - moment).total_seconds() / 3600)
    return plural(int(hours // 24), "day") if hours >= 24 else plural(int(hours), "hour")


def total(costs: Sequence[Cost]) -> str:
    """Say what all of it costs a day, and how many of them are unknown."""
    unknown = sum(cost.usd is None for cost in costs)
    said = f"total about {dollars(sum(cost.known_usd for cost in costs))} a day"
    return said + (f", and {plural(unknown, 'resource')} of unknown cost" if unknown else "")
