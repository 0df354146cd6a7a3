"""CSV as the service reads it: a header in the first file, RFC 4180, every value text."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge_vertex.sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_vertex.sandbox.store import Store

__all__ = ["MAX_ROWS", "is_null", "moment_of", "number_of", "read_rows", "read_table"]

MAX_ROWS = 200_000  # that the stand-in holds of a table; more are left out of the training
COLUMN = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)  # VX-NAME-1
NULLS = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%d-%m-%Y", "%d/%m/%Y", "%d-%B-%Y")
UNITS = {"unix-seconds": 1.0, "unix-milliseconds": 1e3, "unix-microseconds": 1e6, "unix-nanoseconds": 1e9}


def is_null(text: str) -> bool:
    """Whether a value counts as missing: the empty string, and what reads as NaN or infinity (data-types-tabular)."""
    return not text or NULLS.fullmatch(text) is not None


def number_of(text: str) -> float | None:
    """Return a number with a period as decimal separator, or None if the text is none."""
    if "_" in text or text != text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def moment_of(text: str, time_format: str = "") -> float | None:
    """Return a timestamp of the formats that the page lists (VX-TIME-1) in epoch seconds, or None."""
    if time_format in UNITS:
        value = number_of(text)
        return None if value is None else value / UNITS[time_format]
    formats = (time_format,) if time_format else DATES
    for one in formats:
        try:
            return (datetime.strptime(text, one) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001, DTZ007 (UTC)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _epoch(text)
    # RFC 3339: with an offset and a T, or without both a date alone, which is tried above.
    return moment.timestamp() if moment.tzinfo is not None else None


def _epoch(text: str) -> float | None:
    value = number_of(text)
    if value is None:
        return None
    for unit in (1e9, 1e6, 1e3, 1.0):
        if 631_152_000 <= value / unit <= 1_893_456_000:  # 1990 to 2030
            return value / unit
    return None


def read_rows(content: bytes, uri: str) -> list[list[str]]:
    """Return the rows of a CSV object."""
    try:
        text = content.decode("utf-8-sig")
        take_any_size()
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise invalid(f"The file {uri} cannot be read as CSV: {error}") from None


def read_table(store: Store, sources: Sequence[str]) -> tuple[dict[str, list[str]], int]:
    """Read the objects that ``sources`` name as one table of text.

    Returns
    -------
    table
        Columns by name.
    broken
        Rows that were left out since they have another number of fields than the header.

    Raises
    ------
    RpcError
        If there is no such object, or it is no table.
    """
    uris = [uri for source in sources for uri, _size, _generation in store.find(source)]
    if not uris:
        raise invalid(f"No file was found at {', '.join(sources)}.")
    header: list[str] = []
    rows: list[list[str]] = []
    broken = 0
    for uri in uris:
        found = read_rows(store.read(uri), uri)
        if found and not header:
            header = found[0]
            _check_header(header, uri)
        if found and found[0] == header:  # a later file may repeat it
            found = found[1:]
        rows += [row for row in found if len(row) == len(header)]
        broken += sum(len(row) != len(header) for row in found)
    rows = rows[:MAX_ROWS]
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}, broken


def _check_header(header: Sequence[str], uri: str) -> None:
    if len(set(header)) < len(header):
        raise invalid(f"The header of {uri} names a column twice.")
    wrong = [name for name in header if not COLUMN.fullmatch(name)]
    if wrong:
        raise invalid(
            f'Invalid column name "{wrong[0]}" in {uri}: column names can include any alphanumeric character or '
            "an underscore (_), and cannot begin with an underscore."
        )
