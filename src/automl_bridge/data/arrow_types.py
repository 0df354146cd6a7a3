"""Arrow types by the notation that profiles carry, and the few questions that are asked of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_integral", "is_nested", "is_number", "is_stamp", "is_text", "parse_type"]

_UNITS = re.compile(r"^(timestamp|duration|time32|time64)\[(s|ms|us|ns)(?:, tz=(.+))?\]$")
_DECIMAL = re.compile(r"^(decimal32|decimal64|decimal128|decimal256)\((\d+), (-?\d+)\)$")


def parse_type(text: str) -> pa.DataType:
    """Return the Arrow type that ``str(type)`` was written from.

    Parameters
    ----------
    text
        As in `ColumnProfile.arrow_type`: ``int64``, ``timestamp[us, tz=UTC]``, ``decimal128(5, 2)`` …

    Raises
    ------
    ValueError
        If it is no type that a profile can hold.
    """
    import pyarrow as pa

    if match := _UNITS.match(text):
        name, unit, zone = match.groups()
        return pa.timestamp(unit, zone) if name == "timestamp" else getattr(pa, name)(unit)
    if match := _DECIMAL.match(text):
        return getattr(pa, match[1])(int(match[2]), int(match[3]))
    if text in {"date32[day]", "date64[ms]"}:
        return pa.date32() if text.startswith("date32") else pa.date64()
    return pa.type_for_alias(text)


def is_text(kind: pa.DataType) -> bool:
    """Whether values are strings."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_integral(kind: pa.DataType) -> bool:
    """Whether values are whole numbers (booleans are not)."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind))


def is_number(kind: pa.DataType) -> bool:
    """Whether values are numbers: integers, floats and decimals."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_stamp(kind: pa.DataType) -> bool:
    """Whether values are points in time: dates and timestamps."""
    import pyarrow as pa

    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def is_nested(kind: pa.DataType) -> bool:
    """Whether a value is itself a list, a struct, a map or a union."""
    import pyarrow as pa

    return bool(pa.types.is_nested(kind) or pa.types.is_union(kind))
