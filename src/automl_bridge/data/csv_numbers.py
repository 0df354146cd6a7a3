"""Numbers that a CSV parser would change: leading zeros, more than 19 digits, decimal commas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["comma_numbers", "needs_text", "restore"]

_SAMPLE = 2000


def needs_text(table: pa.Table, *, leading_zeros: bool) -> list[str]:
    """Return the columns whose numbers may differ from what is written, so that they are read again as text."""
    import pyarrow as pa

    names = []
    for field, column in zip(table.schema, table.columns, strict=True):
        doubtful = (leading_zeros and pa.types.is_integer(field.type)) or (
            pa.types.is_floating(field.type) and _beyond_int64(column)
        )
        if doubtful:
            names.append(field.name)
    return names


def _beyond_int64(column: pa.ChunkedArray) -> bool:
    import math

    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py()
    largest = max(abs(ends["min"] or 0.0), abs(ends["max"] or 0.0))
    # Doubles hold whole numbers up to 2^53; an integer column that became one has larger ones than int64 takes.
    return math.isinf(largest) or largest >= 2.0**63


def restore(table: pa.Table, text: pa.Table) -> pa.Table:
    """Put the text of ``text`` into ``table`` where its numbers were not what was written."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in text.column_names:
        written, index = text[name], table.column_names.index(name)
        if pa.types.is_integer(table.schema.field(index).type):
            if pc.any(pc.match_substring_regex(written, r"^\s*[+-]?0[0-9]")).as_py():
                table = table.set_column(index, name, written)
        elif pc.all(pc.match_substring_regex(written, r"^\s*[+-]?[0-9]+\s*$")).as_py():
            try:
                table = table.set_column(index, name, written.cast(pa.uint64()))
            except pa.ArrowInvalid:
                table = table.set_column(index, name, written)
    return table


def comma_numbers(column: pa.ChunkedArray, *, separator: str = ";") -> pa.ChunkedArray | None:
    """Read a text column of numbers with decimal commas (``1,5``, ``1.234,56``); None if it is not one.

    In a file that is separated by commas, a column with three digits behind the comma in every value
    (``1,234``) could mean thousands as well: it stays text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_text(column.type):
        return None
    sample = column.slice(0, _SAMPLE)
    pattern = r"^\s*[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*$"
    if not pc.all(pc.match_substring_regex(sample, pattern)).as_py() or not _has_comma(sample):
        return None
    if not pc.all(pc.match_substring_regex(column, pattern)).as_py():
        return None
    if separator == "," and _could_be_thousands(column):
        return None
    plain = pc.replace_substring(pc.replace_substring(pc.utf8_trim_whitespace(column), ".", ""), ",", ".")
    return plain.cast(pa.float64())


def _could_be_thousands(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    thousands = pc.match_substring_regex(column, r"^\s*[+-]?[1-9][0-9]{0,2},[0-9]{3}\s*$")
    return bool(pc.all(pc.or_(thousands, pc.invert(pc.match_substring(column, ",")))).as_py())


def _has_comma(sample: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring(sample, ",")).as_py())
