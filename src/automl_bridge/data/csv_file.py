"""CSV files: as many rows as records, every number exact, every doubt an error with a line number."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from automl_bridge.data.csv_dialect import decoded, skipping, sniff
from automl_bridge.data.csv_labels import with_labels
from automl_bridge.data.csv_numbers import needs_text, restore, with_comma_numbers
from automl_bridge.data.csv_parse import CsvParser
from automl_bridge.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pyarrow as pa

__all__ = ["read_csv"]


def read_csv(
    opener: Callable[[], BinaryIO], name: str, as_text: Collection[str] = (), labels: Mapping[str, bool] | None = None
) -> pa.Table:
    """Read a CSV file with a header.

    UTF-8 with or without a mark, or UTF-16 with one; separated by comma, semicolon, tab or pipe; cells in double
    quotes may hold anything. Empty cells and ``NA``, ``N/A``, ``NULL``, ``null``, ``NaN``, ``nan``, ``#N/A`` are
    missing; lines of spaces only are left out of files of several columns. A first line ``sep=;`` names the separator,
    and comment lines before the header are left out. Whole numbers stay exact, numbers with leading zeros stay text,
    decimal commas are read (`csv_numbers.with_comma_numbers`).

    Parameters
    ----------
    opener
        Opens the file anew, from its start, in binary mode.
    name
        How to speak of it.
    as_text
        Columns that are read as they are written, whatever they look like.
    labels
        Targets, whose labels may be words like ``NA`` by the rule of `csv_labels`; True if the kind was set by hand.

    Raises
    ------
    EncodingError, SchemaError, UnreadableError
        As `readers.read_table` says.
    """
    opener = decoded(opener)
    dialect = sniff(opener, name)
    parser = CsvParser(
        skipping(opener, dialect.start),
        name,
        dialect.separator,
        len(dialect.names),
        frozenset(as_text) & set(dialect.names),
        lines=dialect.lines,
    )
    table = parser.all_columns()
    if not table.num_rows:
        raise UnreadableError(f"{name} has a header but no rows", hint="give a file with at least one row")
    exact = needs_text(table, leading_zeros=parser.leading_zeros)
    if exact:
        table = restore(table, parser.as_text(exact))
    table = with_comma_numbers(table, parser.as_text, as_text, dialect.separator)
    for target, by_hand in (labels or {}).items():
        table = with_labels(parser, table, target, by_hand=by_hand)
    return table
