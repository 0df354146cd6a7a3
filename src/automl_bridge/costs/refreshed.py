"""Prices as the vendors' own lists gave them last, kept on this machine: ``<home>/prices/<backend>.csv``."""

from __future__ import annotations

import csv
import io
import uuid
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from automl_bridge.costs.prices import Price, PriceBook

__all__ = ["Change", "changes", "refreshed_file", "write_refreshed"]

_COLUMNS = ("provider", "service", "sku", "region", "unit", "usd", "source_url", "source_date", "confidence", "note")
_KEPT = (*_COLUMNS, "increment", "minimum")


class Change(NamedTuple):
    """What a price list says of one thing, beside what was known of it."""

    new: Price
    old: Price | None

    @property
    def share(self) -> float | None:
        """How much dearer it is now, as a share of the old price; None where there was none."""
        return None if self.old is None else self.new.usd / self.old.usd - 1


def refreshed_file(home: Path, backend: str, *, sandbox: bool) -> Path:
    """Return where the prices of a backend are kept; those of a sandbox are kept apart and hold only in it."""
    return home / "prices" / f"{backend}{'.sandbox' if sandbox else ''}.csv"


def changes(found: Iterable[Price], book: PriceBook) -> list[Change]:
    """Compare prices that a list gave with those that held so far."""
    known: dict[tuple[str, str, str, str], Price] = {}
    for row in sorted(book, key=lambda one: one.source_date):
        known[row.key] = row
    return [Change(row, known.get(row.key)) for row in found]


def write_refreshed(path: Path, found: Iterable[Price]) -> None:
    """Write prices in the form of ``prices.csv``; the file is there whole or not at all.

    Raises
    ------
    StorageError
        If it cannot be written; names the file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_KEPT)
    for row in found:
        values = row.model_dump(mode="json")
        writer.writerow(["" if values[name] is None else values[name] for name in _KEPT])
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text.getvalue(), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"prices cannot be written to {path}: {error.strerror or error}",
            hint="set AUTOML_BRIDGE_HOME to a folder that takes it",
        ) from error
