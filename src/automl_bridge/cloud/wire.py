r"""Rows as the service reads them: one value, one text, whether it trains (Parquet or CSV) or predicts (CSV).

How services' readers guess types and which words they take for a missing value is hardly documented. So nothing is
left to guess: the name of each column is safe, categories and classes cannot be mistaken for numbers or for a null,
a row is one line, and no row is an empty line.

========================  =======================================================================
kind                      written as
========================  =======================================================================
numeric, integer          numbers; infinity as missing; durations and times of day in seconds
boolean                   1 and 0
categorical               ``v:`` and the value's text, line breaks as ``\n``: never a number, never ``NA``
text                      the text, line breaks as spaces
datetime                  ``2024-12-31 23:59:00`` in UTC
target of a classifier    ``c<index>``, the index into ``profile.classes``
========================  =======================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_stamp, is_text
from automl_bridge.data.cast import to_float
from automl_bridge.data.values import text_of
from automl_bridge.spec import Kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile, Profile

__all__ = ["class_code", "class_index", "csv_bytes", "parquet_bytes", "wire_column", "wire_rows"]


def class_code(index: int) -> str:
    """Return what stands for the class of that index in staged data and in the service's answers."""
    return f"c{index}"


def class_index(code: str) -> int:
    """Return the index of a class from its code; raises ValueError for anything else."""
    if not code.startswith("c"):
        raise ValueError(code)
    return int(code[1:])


def wire_rows(
    table: pa.Table,
    profile: Profile,
    *,
    codes: NDArray[np.int64] | None = None,
    values: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
    names: tuple[str, str] = ("target", "weight"),
) -> pa.Table:
    """Return rows under safe names, in the form of the table above.

    Parameters
    ----------
    table
        Features, by their own names.
    codes, values, weights
        Classes or values of the target, and weights, shape (rows,); None to leave the column out.
    names
        Safe names of target and weight.
    """
    import pyarrow as pa

    columns = {column.safe_name: wire_column(table[column.name], column) for column in profile.features}
    if weights is not None:
        columns[names[1]] = pa.array(weights)
    if codes is not None:
        words = pa.array([class_code(index) for index in range(len(profile.classes))], pa.string())
        columns[names[0]] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words).cast(pa.string())
    if values is not None:
        columns[names[0]] = pa.array(values)
    return pa.table(columns)


def wire_column(column: pa.ChunkedArray, seen: ColumnProfile) -> pa.ChunkedArray:
    """Return one feature as the service reads it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if seen.kind is Kind.CATEGORICAL:
        text = _text(column)
        for mark, written in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r")):
            text = pc.replace_substring(text, mark, written)
        return pc.binary_join_element_wise(pa.scalar("v:"), text, pa.scalar(""))
    if seen.kind is Kind.TEXT:
        return pc.replace_substring_regex(_text(column), r"[\r\n\x00\x0b\x0c\x1c-\x1e\x{85}\x{2028}\x{2029}]+", " ")
    if seen.kind is Kind.DATETIME and is_stamp(column.type):
        return _stamps(column)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    if pa.types.is_integer(column.type):
        return column
    numbers = to_float(column, seen.name) if not pa.types.is_floating(column.type) else column.cast(pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if is_text(column.type):
        return column.cast(pa.string())
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    if pa.types.is_binary(column.type):
        words = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
    else:
        words = [None if v is None else text_of(v) for v in column.to_pylist()]
    return pa.chunked_array([pa.array(words, pa.string())])


def _stamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.timestamp(column.type.unit))
    return pc.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")


def parquet_bytes(rows: pa.Table) -> bytes:
    """Return rows as a Parquet file."""
    import io

    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="snappy", use_dictionary=True)
    return sink.getvalue()


def csv_bytes(rows: pa.Table, *, header: bool) -> bytes:
    """Return rows as CSV: UTF-8, a missing value empty, strings quoted, a row a line."""
    import io

    import pyarrow as pa
    import pyarrow.csv

    if rows.num_columns == 1:
        # A missing value alone in its row would be an empty line, which readers leave out: an empty string is not.
        text = rows.column(0).cast(pa.string()).fill_null("")
        rows = pa.table([text], names=rows.column_names)
    sink = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=header, quoting_style="needed", quoting_header="needed")
    pyarrow.csv.write_csv(rows, sink, options)
    return sink.getvalue()
