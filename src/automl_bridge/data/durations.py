"""Lengths of time as they stand in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["parse_durations"]

_CLOCK = (
    r"^\s*(?P<sign>)(?:(?P<days>[+-]?\d{1,6}) days?(?:,? |$))?"
    r"(?:\+?(?P<hours>\d{1,7}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d{1,9})?))?\s*$"
)
_ISO = (
    r"^\s*(?P<sign>-?)P(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,9})?)S)?)?\s*$"
)
_SECONDS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
_SAMPLE = 1000


def parse_durations(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Read a string column of lengths of time as ``duration[us]``; None if one value is none.

    ``2 days 03:04:05.6`` (pandas), ``2 days, 3:04:05`` (Python), ``27:04:05`` and ISO 8601's ``P2DT3H4M5S`` (polars).
    """
    import pyarrow as pa

    if not is_text(column.type):
        return None
    for pattern in (_CLOCK, _ISO):
        sample = column.slice(0, _SAMPLE)
        if sample.null_count == len(sample) or not _all_match(sample, pattern) or not _all_match(column, pattern):
            continue
        micros = [
            pa.array(_micros(chunk, pattern), pa.int64(), mask=chunk.is_null().to_numpy(zero_copy_only=False))
            for chunk in column.chunks
        ]
        return pa.chunked_array(micros, pa.int64()).cast(pa.duration("us"))
    return None


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    import pyarrow.compute as pc

    # Every part may be absent, but not all of them.
    found = pc.and_(pc.match_substring_regex(column, pattern), pc.match_substring_regex(column, r"\d"))
    return bool(pc.all(found).as_py())


def _micros(chunk: pa.Array, pattern: str) -> object:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(chunk, pattern)
    seconds = np.zeros(len(chunk))
    for name, factor in _SECONDS.items():
        text = pc.struct_field(parts, name)
        number = pc.fill_null(pc.if_else(pc.equal(text, ""), "0", text), "0").cast(pa.float64())
        seconds += factor * number.to_numpy(zero_copy_only=False)
    negative = pc.fill_null(pc.equal(pc.struct_field(parts, "sign"), "-"), fill_value=False)
    seconds[negative.to_numpy(zero_copy_only=False)] *= -1
    return np.round(seconds * 1e6).astype(np.int64)
