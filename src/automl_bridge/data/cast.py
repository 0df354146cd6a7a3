"""Columns in the type that training saw, or that a hand-set kind asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrow_types import is_integral, is_number, is_stamp, is_text, parse_type
from automl_bridge.data.csv_numbers import COMMA, DOUBTFUL, POINT
from automl_bridge.data.durations import parse_durations
from automl_bridge.data.schema import parse_stamps
from automl_bridge.data.tidy import WRITTEN_HINT
from automl_bridge.data.values import text_of
from automl_bridge.data.written import Way, blanked, way_of
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from automl_bridge.spec import ColumnProfile

__all__ = ["cast_like", "cast_to_kind", "in_file", "new_notes", "to_float"]

_YES = ["true", "t", "yes", "y", "1", "1.0", "on"]
_NO = ["false", "f", "no", "n", "0", "0.0", "off"]


def cast_like(column: pa.ChunkedArray, seen: ColumnProfile) -> pa.ChunkedArray:
    """Return ``column`` as training saw it.

    Text is read as numbers (as training's were written, unless it can only be meant otherwise), stamps or booleans;
    numbers become the text of a category; whole numbers may come as floats. Stamps move to training's zone; where only
    one side has a zone, the other is taken to be in UTC. Numbers that do not fit into whole numbers (fractions,
    infinity) stay floats, for the encoder to handle.

    Raises
    ------
    SchemaError
        If a value cannot be read so; names column and value.
    """
    import pyarrow as pa

    wanted = parse_type(seen.arrow_type)
    written = seen.written is not None and is_text(column.type)
    if column.type.equals(wanted) and not written:
        return column
    if seen.distinct == 0 or column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), wanted)])
    if written:
        column = _as_written(column, seen, wanted)
    return _reader(wanted)(column, wanted, seen.name)


def _as_written(column: pa.ChunkedArray, seen: ColumnProfile, wanted: pa.DataType) -> pa.ChunkedArray:
    """Read text as training's numbers were written; or in the one other way in which it can be meant."""
    import pyarrow as pa

    text, way = blanked(column), Way.parse(seen.written or "")
    # Floats would blur large numbers; of a column that was set to text by hand, too.
    exact = _plain(text, pa.int64() if is_text(wanted) else wanted) if not pa.types.is_floating(wanted) else None
    if exact is not None:
        return exact
    if not way.fits(text.drop_null(), sign_needed=False):
        plain = _plain(text, pa.float64())
        if plain is not None:
            return plain
        other = way_of(text)
        if other is not None and not (other.sign or way.sign):
            way = other
    return way.read(column, seen.name)


def _plain(text: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray | None:
    import pyarrow as pa

    try:
        return text.cast(wanted)
    except pa.ArrowInvalid:
        return None


def in_file(field: pa.Field, column: pa.ChunkedArray, seen: ColumnProfile) -> ColumnProfile:
    """Return ``seen`` with the way in which the new rows' file shows that it writes numbers; that counts for more.

    Raises
    ------
    SchemaError
        If commas may be for decimals or for thousands, and neither training nor the file tells.
    """
    import pyarrow.compute as pc

    hint = (field.metadata or {}).get(WRITTEN_HINT)
    if hint in {COMMA, POINT} and seen.written is not None:
        way = Way(Way.parse(seen.written).sign, decimal_comma=hint == COMMA)
        return seen.model_copy(update={"written": str(way)})
    if hint != DOUBTFUL or seen.written is not None or seen.arrow_type == "string":
        return seen
    value = column.filter(pc.not_equal(column, pc.round(column)))
    written = f"{value[0].as_py():.3f}".replace(".", ",") if len(value) else "1,000"
    raise _two_meanings(seen.name, written)


def _two_meanings(name: str, written: str) -> SchemaError:
    return SchemaError(
        f'column "{name}" holds {written!r}, which is {written.replace(",", "")} or {written.replace(",", ".")}, and '
        "nothing in training or in the other rows tells which",
        hint="write plain numbers",
    )


def new_notes(field: pa.Field, column: pa.ChunkedArray, seen: ColumnProfile) -> list[str]:
    """Say what of a column of new rows could have been meant otherwise than `cast_like` reads it."""
    told_by_file = (field.metadata or {}).get(WRITTEN_HINT) == COMMA
    return ([] if told_by_file else _point_notes(column, seen)) + _zone_notes(column, seen)


def _point_notes(column: pa.ChunkedArray, seen: ColumnProfile) -> list[str]:
    """Say it where points are read as training's thousands, and would be for decimals of plain numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if seen.written is None or not is_text(column.type) or not (way := Way.parse(seen.written)).decimal_comma:
        return []
    text = blanked(column).drop_null()
    points = text.filter(pc.match_substring(text, "."))
    if not len(points) or not way.fits(text, sign_needed=False) or _plain(text, pa.float64()) is None:
        return []
    value = points[0].as_py()
    told = f'points of "{seen.name}" are read as thousands ({value} is {value.replace(".", "")})'
    return [f"{told}: training's numbers were written like {way.example()}"]


def _zone_notes(column: pa.ChunkedArray, seen: ColumnProfile) -> list[str]:
    """Say it where stamps have a zone on one side only: `cast_like` takes the other's to be in UTC."""
    import pyarrow as pa

    wanted = parse_type(seen.arrow_type)
    if seen.distinct == 0 or column.null_count == len(column):
        return []
    given = parse_stamps(blanked(column)) if is_text(column.type) else column
    if given is None or not pa.types.is_timestamp(given.type) or not pa.types.is_timestamp(wanted):
        return []
    if (given.type.tz is None) == (wanted.tz is None):
        return []
    with_zone, without = ("in training", "now") if wanted.tz else ("now", "in training")
    return [f'stamps of "{seen.name}" have a time zone {with_zone}, and none {without}: those are taken to be in UTC']


def _reader(wanted: pa.DataType) -> Callable[[pa.ChunkedArray, pa.DataType, str], pa.ChunkedArray]:
    import pyarrow as pa

    rules: tuple[tuple[bool, Callable[[pa.ChunkedArray, pa.DataType, str], pa.ChunkedArray]], ...] = (
        (is_text(wanted), lambda column, _, __: _to_text(column)),
        (pa.types.is_boolean(wanted), lambda column, _, name: _to_boolean(column, name)),
        (is_stamp(wanted), _to_stamps),
        (is_integral(wanted), _to_whole),
        (pa.types.is_duration(wanted) or pa.types.is_time(wanted), _to_duration),
        (True, lambda column, _, name: to_float(column, name)),
    )
    return next(read for fits, read in rules if fits)


def cast_to_kind(column: pa.ChunkedArray, kind: Kind, name: str) -> pa.ChunkedArray:
    """Return ``column`` in a type of ``kind``, as `cast_like` reads values.

    Raises
    ------
    SchemaError
        If a value cannot be read so; names column and value.
    """
    import pyarrow as pa

    if kind in {Kind.TEXT, Kind.IMAGE}:
        return column if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) else _to_text(column)
    if kind is Kind.BOOLEAN:
        return column if pa.types.is_boolean(column.type) else _to_boolean(column, name)
    if kind is Kind.DATETIME:
        return column if is_stamp(column.type) else _to_stamps(column, pa.timestamp("us"), name)
    if kind is Kind.INTEGER:
        whole = column if is_integral(column.type) else _to_whole(column, pa.int64(), name)
        if not is_integral(whole.type):
            raise _unreadable(whole, _whole, name, "a whole number")
        return whole
    if kind is Kind.NUMERIC and not is_number(column.type) and not pa.types.is_duration(column.type):
        return to_float(column, name)
    return column


def to_float(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return ``column`` as float64: text is read (thousands and decimal commas too), durations count in seconds.

    Raises
    ------
    SchemaError
        If a value is no number; names column and value.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if is_text(kind):
        return _read_numbers(column, name)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_duration(kind) or pa.types.is_time(kind):
        per_second = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        whole = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return pc.divide(whole.cast(pa.float64()), float(per_second))
    elif not is_number(kind):
        raise SchemaError(f'column "{name}" held numbers in training and holds {kind} now', hint="give numbers")
    return column.cast(pa.float64(), safe=False)


def _read_numbers(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = blanked(column)
    try:
        numbers = text.cast(pa.float64())
    except pa.ArrowInvalid:
        way = way_of(text)
        if way is None or way.sign:
            raise _no_numbers(text, name) from None
        numbers = way.read(text, name)
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)


def _no_numbers(text: pa.ChunkedArray, name: str) -> SchemaError:
    """Return the error for text that is no numbers, or could be two."""
    import pyarrow.compute as pc

    present = text.drop_null()
    if all(Way("", decimal_comma=comma).fits(present) for comma in (False, True)):
        return _two_meanings(name, present.filter(pc.match_substring(present, ","))[0].as_py())
    return _unreadable(text, float, name, "a number")


def _to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if is_text(column.type) or is_integral(column.type):
        return column.cast(pa.string())
    return pa.chunked_array([pa.array([None if v is None else text_of(v) for v in column.to_pylist()], pa.string())])


def _to_boolean(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_lower(blanked(_to_text(column)))
    yes, no = pc.is_in(text, value_set=pa.array(_YES)), pc.is_in(text, value_set=pa.array(_NO))
    known = pc.or_(pc.or_(yes, no), pc.is_null(text))
    if not pc.all(known).as_py():
        bad = text.filter(pc.invert(known))[0].as_py()
        raise SchemaError(
            f'column "{name}" is boolean, and {bad!r} is neither true nor false', hint="use true and false"
        )
    return pc.if_else(pc.is_null(text), pa.scalar(None, pa.bool_()), yes)


def _to_whole(column: pa.ChunkedArray, wanted: pa.DataType, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if is_text(column.type):
        text = blanked(column)
        try:
            return text.cast(wanted)
        except pa.ArrowInvalid:
            column = to_float(text, name)
    elif not is_number(column.type):
        column = to_float(column, name)
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        return column.cast(pa.float64(), safe=False)


def _to_duration(column: pa.ChunkedArray, wanted: pa.DataType, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    column = parse_durations(column) or column
    same = pa.types.is_duration(column.type) == pa.types.is_duration(wanted)
    if same and not is_text(column.type) and not is_number(column.type):
        return column.cast(wanted, safe=False)
    # The encoder reads plain numbers as seconds, as it reads durations.
    return to_float(column, name)


def _to_stamps(column: pa.ChunkedArray, wanted: pa.DataType, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if is_text(column.type):
        text = blanked(column)
        parsed = parse_stamps(text)
        if parsed is None:
            raise _unreadable(text, _read_stamp, name, "a date or time like 2024-12-31 23:59:00")
        column = parsed
    if not is_stamp(column.type):
        raise SchemaError(f'column "{name}" holds dates, and {column.type} now', hint="give dates or ISO 8601 text")
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"), safe=False)
    zone = wanted.tz if pa.types.is_timestamp(wanted) else None
    unit = column.type.unit
    # Without a zone on one side, both are read in UTC.
    column = column.cast(pa.timestamp(unit, "UTC")) if column.type.tz or zone else column
    column = column.cast(pa.timestamp(unit, zone))
    try:
        return column.cast(wanted, safe=False)
    except pa.ArrowInvalid:
        return column


def _read_stamp(value: str) -> object:
    import pyarrow as pa

    if parse_stamps(pa.chunked_array([pa.array([value])])) is None:
        raise ValueError(value)
    return value


def _whole(value: float) -> float:
    if value != int(value):
        raise ValueError(value)
    return value


def _unreadable(column: pa.ChunkedArray, read: Callable[[Any], object], name: str, what: str) -> SchemaError:
    """Return the error that names the first value that ``read`` refuses."""
    bad, row = None, 0
    for row, value in enumerate(column.to_pylist()):  # noqa: B007 - the row is told below
        try:
            if value is not None:
                read(value)
        except (ValueError, OverflowError):
            bad = value
            break
    return SchemaError(
        f'column "{name}" should hold {what} in every row; row {row + 1} holds {bad!r}',
        hint=f"mend the value, leave it empty, or set the column's type by hand (--type {name}=categorical)",
    )
