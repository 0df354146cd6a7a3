"""One column from loose Python values: the type they have in common, or their text."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import TYPE_CHECKING, Any

from automl_bridge.data.tidy import MIXED_HINT
from automl_bridge.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["array_of", "is_missing", "mixed_labels", "mixed_metadata", "strings", "text_of"]

_SCALARS = (str, bytes, bool, int, float, decimal.Decimal, dt.date, dt.time, dt.timedelta)


def array_of(values: Any, name: str) -> pa.ChunkedArray:
    """Return a column of ``values``; values that have no Arrow type in common become their text, pictures PNG files.

    Raises
    ------
    SchemaError
        If a value is itself a list, a dict or another object.
    """
    import pyarrow as pa

    if isinstance(values, tuple | range):
        values = list(values)
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, TypeError, ValueError):
        from automl_bridge.data.image_arrays import from_image_arrays, is_image_arrays

        pictures = list(values) if not isinstance(values, list) else values
        if is_image_arrays(pictures):
            return from_image_arrays(pictures).column(0)
        found = _fallback(values, name)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def text_of(value: Any) -> str:
    """Write ``value`` as it would stand in a file: whole floats without the point, bytes as their text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def is_missing(value: Any) -> bool:
    """Whether ``value`` stands for a missing one: None, NaN, NaT, pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN is the one value that differs from itself
    except (TypeError, ValueError):
        return False


def mixed_labels(field: pa.Field) -> list[str | int | float | bool] | None:
    """Return the distinct values of a column of mixed types as they were, or None if it is not one."""
    held = (field.metadata or {}).get(MIXED_HINT)
    return None if held is None else json.loads(held)


def mixed_metadata(values: Any) -> dict[bytes, bytes] | None:
    """Return the metadata by which labels of mixed types find back from their text; None if one type holds them.

    Raises
    ------
    SchemaError
        If two labels have the same text (``1`` and ``"1"``).
    """
    if getattr(values, "dtype", None) is not None and values.dtype != object:
        return None
    present = [value.item() if hasattr(value, "item") else value for value in values if not is_missing(value)]
    kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in present}
    if len(kinds) < 2 or not all(isinstance(value, str | int | float) for value in present):
        return None
    labels = {(type(value), value): value for value in present}
    by_text: dict[str, object] = {}
    for label in labels.values():
        if text_of(label) in by_text:
            raise SchemaError(
                f"the labels {label!r} and {by_text[text_of(label)]!r} look the same", hint="use one type"
            )
        by_text[text_of(label)] = label
    return {MIXED_HINT: json.dumps(list(labels.values())).encode()}


def _fallback(values: Any, name: str) -> pa.Array:
    import pyarrow as pa

    plain = [None if is_missing(value) else _scalar(value, name) for value in values]
    present = [value for value in plain if value is not None]
    numbers = all(isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool) for value in present)
    if numbers and not any(isinstance(value, int) and abs(value) > 2**53 for value in present):
        return pa.array([None if value is None else float(value) for value in plain], pa.float64())
    return strings([None if value is None else text_of(value) for value in plain])


def strings(texts: list[str | None]) -> pa.Array:
    """Return texts as Arrow; halves of signs, which UTF-8 does not have, as U+FFFD."""
    import pyarrow as pa

    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else _whole(text) for text in texts], pa.string())


def _whole(text: str) -> str:
    # They stand where a text was cut, or badly decoded.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _scalar(value: Any, name: str) -> Any:
    if isinstance(value, complex):
        raise SchemaError(
            f'Complex data not supported: column "{name}" holds {value}', hint="split it into two columns"
        )
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, _SCALARS) or type(value).__name__ in {"Period", "Interval", "UUID"}:
        return value
    raise SchemaError(
        f'column "{name}" holds a {type(value).__name__}: {str(value)[:60]}; no model reads nested values',
        hint="spread it over columns of its own, or leave it out",
    )
