"""A table of prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl_bridge.reports.terminal import Field
from automl_bridge.reports.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from automl_bridge.costs.prices import Price
    from automl_bridge.costs.refreshed import Change
    from automl_bridge.errors import AutoMLBridgeError

__all__ = ["changes_table", "prices_table"]


def prices_table(rows: Iterable[tuple[str, Price]], *, sources: bool = False) -> RenderableType:
    """Lay out prices, a line each.

    Parameters
    ----------
    rows
        Pairs of whose it is and the price.
    sources
        Whether to say where each can be read, which takes a wide terminal.
    """
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    headings = ("of", "sku", "region", "US dollars", "per", "date", "confidence", "source")
    for heading in headings if sources else headings[:-1]:
        table.add_column(heading, overflow="fold", justify="right" if heading == "US dollars" else "left")
    for owner, row in rows:
        cells = (owner, row.sku, row.region, f"{row.usd:g}", row.unit, row.source_date.isoformat(), row.confidence)
        table.add_row(*(Text(plain(cell)) for cell in ((*cells, row.source_url) if sources else cells)))
    return Padding(table, (0, 0, 0, 2), expand=False)


def changes_table(
    backend: str, changes: Sequence[Change], error: AutoMLBridgeError | None, *, sandbox: bool
) -> RenderableType:
    """Lay out what a price list answered: prices that have changed, a line each, and how many have not."""
    mark = " SANDBOX" if sandbox else ""
    if error is not None:
        return Field(
            "✘", [f"{backend}{mark}: {plain(error.message)}", *([error.hint] if error.hint else [])], style="red"
        )
    moved = [one for one in changes if one.old is None or abs(one.share or 0.0) > 1e-9]
    said = f"{backend}{mark}: {len(changes)} prices read, {len(changes) - len(moved)} as they were"
    lines = [_change(one) for one in moved]
    return Group(Field("✔", [said], style="green"), *(Text(f"      {line}") for line in lines))


def _change(one: Change) -> str:
    name = plain(f"{one.new.sku} in {one.new.region}")
    if one.old is None:
        return f"{name}  ${one.new.usd:g} per {one.new.unit}, not known before"
    return f"{name}  ${one.old.usd:g} of {one.old.source_date} → ${one.new.usd:g} ({one.share:+.1%})"
