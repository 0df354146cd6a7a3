"""A table of prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl_bridge.reports.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from automl_bridge.costs.prices import Price

__all__ = ["prices_table"]


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
