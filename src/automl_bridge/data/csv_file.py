"""CSV files: as many rows as records, every number exact, every doubt an error with a line number."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, BinaryIO

from automl_bridge.data.csv_dialect import decoded, encoding_error, sniff
from automl_bridge.data.csv_numbers import comma_numbers, needs_text, restore
from automl_bridge.data.csv_survey import BLOCK, Survey, survey
from automl_bridge.errors import DataError, SchemaError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

__all__ = ["read_csv"]


def read_csv(opener: Callable[[], BinaryIO], name: str) -> pa.Table:
    """Read a CSV file with a header.

    UTF-8 with or without a mark, or UTF-16 with one; separated by comma, semicolon, tab or pipe; cells in double
    quotes may hold anything. Empty cells and ``NA``, ``N/A``, ``NULL``, ``null``, ``NaN``, ``nan``, ``#N/A`` are
    missing. Whole numbers stay exact, numbers with leading zeros stay text, decimal commas are read.

    Parameters
    ----------
    opener
        Opens the file anew, from its start, in binary mode.
    name
        How to speak of it.

    Raises
    ------
    EncodingError, SchemaError, UnreadableError
        As `readers.read_table` says.
    """
    opener = decoded(opener)
    dialect = sniff(opener, name)
    seen = survey(opener, dialect.separator)
    table = _parse(opener, name, dialect.separator, seen, dialect.names)
    if not table.num_rows:
        raise UnreadableError(f"{name} has a header but no rows", hint="give a file with at least one row")
    exact = needs_text(table, leading_zeros=seen.leading_zeros)
    if exact:
        text = _parse(opener, name, dialect.separator, seen, dialect.names, as_text=exact)
        table = restore(table, text)
    for index, column in enumerate(table.columns):
        numbers = comma_numbers(column, separator=dialect.separator)
        if numbers is not None:
            table = table.set_column(index, table.column_names[index], numbers)
    return table


def _parse(
    opener: Callable[[], BinaryIO],
    name: str,
    separator: str,
    seen: Survey,
    names: list[str],
    *,
    as_text: Sequence[str] = (),
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv

    converting = pyarrow.csv.ConvertOptions(
        strings_can_be_null=True,
        include_columns=list(as_text) or None,
        column_types=dict.fromkeys(as_text, pa.string()),
    )
    # A record longer than a block is found out by the parser; then blocks grow.
    for block, breaks in ((BLOCK, seen.breaks), (BLOCK, True), (64 * BLOCK, True)):
        parsing = pyarrow.csv.ParseOptions(
            delimiter=separator,
            # Looking for line breaks in quotes takes a third of the time, and is in vain where no block ends in them.
            newlines_in_values=breaks,
            # In a file of one column an empty line is a row whose value is missing.
            ignore_empty_lines=len(names) > 1,
        )
        reading = pyarrow.csv.ReadOptions(block_size=block)
        try:
            with opener() as file:
                table = pyarrow.csv.read_csv(file, reading, parsing, converting)
        except UnicodeDecodeError:
            raise encoding_error(opener, name) from None
        except pa.ArrowInvalid as error:
            refused = error
            continue
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            raise encoding_error(opener, name)
        if seen.odd and _never_closed(table, seen.end):
            raise UnreadableError(f"{name} ends within a quoted cell", hint="look for a quote that is never closed")
        return table
    raise _explain(opener, name, separator, refused) from None


def _never_closed(table: pa.Table, end: bytes) -> bool:
    """Whether the last cell runs on over lines to the very end of the file, past where its quote should be."""
    import pyarrow as pa

    if not table.num_rows or not pa.types.is_string(table.schema.types[-1]):
        return False
    last = (table.column(table.num_columns - 1)[-1].as_py() or "").encode()
    return b"\n" in last and end.endswith(last[-32:])


def _explain(opener: Callable[[], BinaryIO], name: str, separator: str, error: Exception) -> DataError:
    """Find the line that does not fit, with the standard library's parser: slow, but it is the last step."""
    if "UTF8" in str(error):
        return encoding_error(opener, name)
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with io.TextIOWrapper(opener(), "utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            width, line = None, 1
            for row in reader:
                width = width or len(row)
                if row and len(row) != width:
                    shown = separator.join(row)[:60]
                    return SchemaError(
                        f"line {line} of {name} has {len(row)} cells, its header has {width}: {shown}",
                        hint="quote cells that hold the separator, or mend the line",
                    )
                line = reader.line_num + 1
    except csv.Error as other:
        return UnreadableError(f"{name} is no CSV: {other}")
    finally:
        csv.field_size_limit(limit)
    return UnreadableError(f"{name} cannot be read as CSV: {error}", hint="look for a quote that is never closed")
