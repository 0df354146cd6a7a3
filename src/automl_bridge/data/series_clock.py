"""Stamps of a column as whole numbers, and back: time zones, dates, and clocks that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrow_types import is_integral, is_stamp, is_text, parse_type
from automl_bridge.errors import SchemaError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Clock", "in_zone", "stamp_text", "stamps_of"]


@dataclass(frozen=True)
class Clock:
    """Reads a time column.

    Parameters
    ----------
    arrow_type
        Type of the column, in Arrow's notation.
    calendar
        Whether stamps are those of the clock on the wall (for steps of days and longer), not of time itself.
    """

    arrow_type: str
    calendar: bool

    def read(self, column: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the stamps as microseconds, or as the whole numbers that they are; none is missing."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if is_integral(kind):
            return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            column = pc.local_timestamp(column) if self.calendar else column.cast(pa.timestamp(kind.unit, "UTC"))
            column = column.cast(pa.timestamp(kind.unit)) if column.type.tz else column
        return np.asarray(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy(), np.int64)

    def write(self, times: NDArray[np.int64]) -> pa.Array:
        """Return stamps as the column has them; one that a changing clock leaves out is the next that there is."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = parse_type(self.arrow_type)
        if is_integral(kind):
            return pa.array(times).cast(kind)
        naive = pa.array(times).cast(pa.timestamp("us"))
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            if not self.calendar:
                return naive.cast(pa.timestamp("us", "UTC")).cast(kind, safe=False)
            return pc.assume_timezone(naive, kind.tz, ambiguous="earliest", nonexistent="latest").cast(kind, safe=False)
        return naive.cast(kind, safe=False)

    def say(self, time: Any) -> str:
        """Write one stamp for a reader."""
        import numpy as np

        return stamp_text(self.write(np.asarray([time], np.int64))[0])


def stamp_text(value: pa.Scalar) -> str:
    """Write a stamp for a reader: without a time of day where it is midnight."""
    import pyarrow as pa

    if pa.types.is_timestamp(value.type) and value.type.tz is not None:
        found = value.cast(pa.timestamp("us", value.type.tz)).as_py()
        return str(found.isoformat(sep=" "))
    text = str(value)
    return text.removesuffix(" 00:00:00") if is_stamp(value.type) else text


def in_zone(column: pa.ChunkedArray, zone: str, order: NDArray[np.int64] | None = None) -> pa.ChunkedArray:
    """Return stamps in a time zone; those without one are read as that zone's clocks show them.

    Parameters
    ----------
    zone
        IANA name (``Europe/Berlin``).
    order
        For each row the number of its series: of an hour that a series has twice, as when clocks go back, the first
        row is the earlier one.

    Raises
    ------
    UsageError
        If there is no such zone.
    SchemaError
        If a stamp is one that the clocks leave out.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    _check_zone(zone)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"), safe=False)
    if column.type.tz is not None:
        return column.cast(pa.timestamp(column.type.unit, zone))
    early = _assumed(column, zone, "earliest")
    late = _assumed(column, zone, "latest")
    unit = pa.timestamp(column.type.unit)
    local = column.cast(unit).cast(pa.int64()).to_numpy()
    group = np.zeros(len(local), np.int64) if order is None else order
    rows = np.lexsort((np.arange(len(local)), local, group))
    again = np.zeros(len(local), bool)
    again[rows[1:]] = (local[rows[1:]] == local[rows[:-1]]) & (group[rows[1:]] == group[rows[:-1]])
    return pc.if_else(pa.array(again), late, early)


def _assumed(column: pa.ChunkedArray, zone: str, ambiguous: str) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.assume_timezone(column, zone, ambiguous=ambiguous, nonexistent="raise")
    except pa.ArrowInvalid as error:
        raise SchemaError(
            f"the clocks of {zone} never show a time that the data has: {error}",
            hint="is it another zone? Without one stamps are taken as they are",
        ) from None


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f'there is no time zone "{zone}"', hint="use an IANA name, as Europe/Berlin") from None


def stamps_of(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return a time column as stamps, or as whole numbers.

    Dates and timestamps stay as they are. Text is read as ISO 8601, a year and month (``2024-05``) or a quarter
    (``2024Q2``) too; whole numbers like 20240531 are days.

    Raises
    ------
    SchemaError
        If a value is missing, or is no stamp; names it.
    """
    import pyarrow as pa

    from automl_bridge.data.cast import cast_to_kind
    from automl_bridge.spec import Kind

    if column.null_count:
        raise SchemaError(
            f'the time "{name}" is missing in {column.null_count:,} rows', hint="fill it in, or leave those rows out"
        )
    if is_stamp(column.type):
        return column
    if is_text(column.type):
        return cast_to_kind(_whole_dates(column), Kind.DATETIME, name)
    if pa.types.is_floating(column.type):
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid:
            raise SchemaError(f'the time "{name}" holds fractions', hint="give dates or whole numbers") from None
    if not is_integral(column.type):
        raise SchemaError(f'the time "{name}" holds {column.type}', hint="give dates, ISO 8601 text or whole numbers")
    return _day_numbers(column)


def _whole_dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write months and quarters as dates of their first day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.all(pc.match_substring_regex(column, r"^\d{4}-\d{2}$")).as_py():
        return pc.binary_join_element_wise(column, "01", "-")
    if pc.all(pc.match_substring_regex(column, r"^\d{4}-?[Qq][1-4]$")).as_py():
        year, quarter = pc.utf8_slice_codeunits(column, 0, 4), pc.utf8_slice_codeunits(column, -1, None)
        month = pc.subtract(pc.multiply(quarter.cast(pa.int64()), 3), 2)
        return pc.binary_join_element_wise(year, pc.utf8_lpad(month.cast(pa.string()), 2, "0"), "01", "-")
    return column


def _day_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py()
    if not 1900_01_01 <= ends["min"] <= ends["max"] <= 2200_12_31:
        return column.cast(pa.int64())
    try:
        return pc.strptime(column.cast(pa.string()), format="%Y%m%d", unit="s").cast(pa.date32())
    except pa.ArrowInvalid:
        return column.cast(pa.int64())
