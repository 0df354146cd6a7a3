"""Numbers that a CSV parser would change: leading zeros, more than 19 digits, decimal commas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_text
from automl_bridge.data.tidy import WRITTEN_HINT
from automl_bridge.data.written import LIKE_NUMBER, Way, blanked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pyarrow as pa

__all__ = ["COMMA", "DOUBTFUL", "POINT", "comma_numbers", "needs_text", "restore", "with_comma_numbers"]

_SAMPLE = 2000
_COMMAS = r"^\s*[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*$"
_POINTS = r"^\s*[+-]?(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)\s*$"
"""Whole numbers, some of them with points for thousands."""

COMMA = b"comma"
"""What `tidy.WRITTEN_HINT` says of a column of a file that is written with decimal commas."""
DOUBTFUL = b"comma?"
"""The same, where nothing in the file shows that its commas are not for thousands (``1,234``)."""
POINT = b"point"
"""Of one that is written with commas for thousands."""
_POINT_WAY, _COMMA_WAY = Way("", decimal_comma=False), Way("", decimal_comma=True)


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


def with_comma_numbers(
    table: pa.Table, as_text: Callable[[Sequence[str]], pa.Table], kept: Collection[str], separator: str
) -> pa.Table:
    """Return ``table`` with the commas of its numbers read, and `tidy.WRITTEN_HINT` at the columns that are written so.

    Where a column shows that a file has decimal commas, the points of whole numbers are for thousands in all of it
    (``1.234`` beside ``0,5``), and its other whole numbers are taken to be written like that too. Where one shows
    decimal points, commas are for thousands (``1,234`` beside ``0.5``). Where none shows either, commas that could be
    for thousands are for decimals; but not in a file that is separated by commas: there they stay text.

    Parameters
    ----------
    as_text
        Reads columns of the file as they are written.
    kept
        Columns that stay text, and only get the hint.
    separator
        Of the file's cells.
    """
    texts = {name: table[name] for name in table.column_names if is_text(table[name].type)}
    found = {name: numbers for name, text in texts.items() if (numbers := comma_numbers(text)) is not None}
    asked = [name for name in texts if name in kept and (name in found or _has_points_for_thousands(texts[name]))]
    if not found and not asked:
        return table
    rest = [name for name in table.column_names if name not in found and name not in kept]
    if not all(_could_be_thousands(texts[name]) for name in found):
        found |= _whole_numbers(table, rest, as_text)
        hint = COMMA
    elif any(map(_shows_point_way, texts.values())) or _shows_points(table, rest, as_text):
        found = {name: _POINT_WAY.read(texts[name], name) for name in found}
        hint = POINT
    elif separator == ",":
        return table
    else:
        found, asked, hint = {name: each for name, each in found.items() if name not in kept}, [], DOUBTFUL
    return _told(table, {**found, **{name: texts[name] for name in asked}}, hint)


def _shows_point_way(text: pa.ChunkedArray) -> bool:
    """Whether numbers that are text have decimal points for certain, or commas for thousands."""
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(text.slice(0, _SAMPLE), LIKE_NUMBER)).as_py():
        return False
    numbers = blanked(text).drop_null()
    return _POINT_WAY.fits(numbers) and not _COMMA_WAY.fits(numbers)


def _shows_points(table: pa.Table, names: Sequence[str], as_text: Callable[[Sequence[str]], pa.Table]) -> bool:
    """Whether a column of floats has points that cannot be for thousands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    floats = [name for name in names if pa.types.is_floating(table[name].type)]
    read = as_text(floats) if floats else table.select([])
    return any(
        pc.any(pc.and_not(pc.match_substring(text, "."), pc.match_substring_regex(text, _POINTS))).as_py()
        for text in read.columns
    )


def _whole_numbers(
    table: pa.Table, names: Sequence[str], as_text: Callable[[Sequence[str]], pa.Table]
) -> dict[str, pa.ChunkedArray]:
    """Return the columns of whole numbers of a file with decimal commas, those with points for thousands read so."""
    import pyarrow as pa

    found = {name: table[name] for name in names if pa.types.is_integer(table[name].type)}
    points = [name for name in names if pa.types.is_floating(table[name].type) and _three_digits(table[name])]
    read = as_text(points) if points else table.select([])
    texts = {name: read[name] for name in points} | {name: table[name] for name in names if is_text(table[name].type)}
    found |= {name: _read(text) for name, text in texts.items() if _has_points_for_thousands(text)}
    return found


def _has_points_for_thousands(text: pa.ChunkedArray) -> bool:
    """Whether all values are whole numbers that may have points for thousands, and some have."""
    import pyarrow.compute as pc

    whole = all(pc.all(pc.match_substring_regex(part, _POINTS)).as_py() for part in (text.slice(0, _SAMPLE), text))
    return whole and bool(pc.any(pc.match_substring(text, ".")).as_py())


def _three_digits(column: pa.ChunkedArray) -> bool:
    """Whether some floats have a fraction, and none has more than three digits of it."""
    import pyarrow.compute as pc

    whole = pc.all(pc.equal(column, pc.round(column))).as_py()
    return not whole and bool(pc.all(pc.equal(column, pc.round(column, ndigits=3))).as_py())


def _told(table: pa.Table, columns: dict[str, pa.ChunkedArray], hint: bytes) -> pa.Table:
    """Put ``columns`` in the place of those of their names, with the hint; all at once, as there may be thousands."""
    import pyarrow as pa

    fields = [
        pa.field(each.name, columns[each.name].type, metadata={WRITTEN_HINT: hint}) if each.name in columns else each
        for each in table.schema
    ]
    put = [columns.get(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]
    return pa.Table.from_arrays(put, schema=pa.schema(fields, metadata=table.schema.metadata))


def comma_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Read a text column of numbers with decimal commas (``1,5``, ``1.234,56``); None if it is not one.

    Commas with three digits behind them in every value (``1,234``) could be for thousands as well.
    """
    import pyarrow.compute as pc

    if not is_text(column.type):
        return None
    sample = column.slice(0, _SAMPLE)
    if not pc.all(pc.match_substring_regex(sample, _COMMAS)).as_py():
        return None
    if not pc.all(pc.match_substring_regex(column, _COMMAS)).as_py() or not _has_comma(column):
        return None
    return _read(column)


def _read(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.replace_substring(pc.replace_substring(pc.utf8_trim_whitespace(column), ".", ""), ",", ".")
    return plain.cast(pa.float64())


def _could_be_thousands(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    thousands = pc.match_substring_regex(column, r"^\s*[+-]?[1-9][0-9]{0,2},[0-9]{3}\s*$")
    return bool(pc.all(pc.or_(thousands, pc.invert(pc.match_substring(column, ",")))).as_py())


def _has_comma(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring(column, ",")).as_py())
