"""numpy arrays and scipy sparse matrices; their columns have no names and are called x0, x1 and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrow_types import is_text
from automl_bridge.data.tidy import mark_unnamed
from automl_bridge.data.values import array_of
from automl_bridge.errors import DataError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["from_array", "from_sparse"]


def from_array(array: Any, text_column: str) -> pa.Table:
    """Return a numpy array as an Arrow table.

    Parameters
    ----------
    array
        Shape (rows, columns), or (rows,) for one column; a structured array has a column a field.
    text_column
        Name of the column of a 1-D array of strings or objects; of one of numbers it is ``x0``.

    Raises
    ------
    SchemaError
        For more than two dimensions, no columns, or complex numbers.
    """
    import numpy as np
    import pyarrow as pa

    if isinstance(array, np.ma.MaskedArray):
        plain = np.array(array.data, dtype=object)
        plain[np.ma.getmaskarray(array)] = None
        array = plain
    array = np.asarray(array)
    if array.dtype.names:
        return pa.table({name: _column(array[name], name) for name in array.dtype.names})
    if array.ndim not in {1, 2}:
        raise SchemaError(
            f"the array has {array.ndim} dimensions, shape {array.shape}", hint="give rows and columns: 2 dimensions"
        )
    if array.ndim == 1:
        column = _column(array, text_column if array.dtype.kind in "OUST" else "x0")
        return mark_unnamed(pa.table({text_column if is_text(column.type) else "x0": column}))
    if array.shape[1] == 0:
        raise SchemaError(f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    # One copy with the columns one after the other is faster than a strided copy for each of them.
    across = np.ascontiguousarray(array.T)
    names = [f"x{index}" for index in range(array.shape[1])]
    columns = [_column(values, name) for name, values in zip(names, across, strict=True)]
    return mark_unnamed(pa.Table.from_arrays(columns, names=names))


def from_sparse(matrix: Any) -> pa.Table:
    """Return a scipy sparse matrix of shape (rows, columns) as a dense Arrow table.

    Raises
    ------
    DataError
        If it does not fit into the memory that is free.
    """
    import numpy as np
    import psutil
    import pyarrow as pa

    rows, width = matrix.shape
    needed, free = rows * width * matrix.dtype.itemsize, psutil.virtual_memory().available
    if needed > 0.6 * free:
        raise DataError(
            f"the sparse matrix of {rows:,} × {width:,} is {needed / 2**30:.1f} GiB as a table; "
            f"{free / 2**30:.1f} GiB of memory are free",
            hint="keep fewer columns (feature selection, hashing), or reduce them (TruncatedSVD)",
        )
    if width == 0:
        raise SchemaError(f"0 feature(s) (shape={matrix.shape}) while a minimum of 1 is required.")
    dense = np.ascontiguousarray(matrix.tocsc().T.toarray())
    names = [f"x{index}" for index in range(width)]
    columns = [_column(values, name) for name, values in zip(names, dense, strict=True)]
    return mark_unnamed(pa.Table.from_arrays(columns, names=names))


def _column(values: Any, name: str) -> pa.Array | pa.ChunkedArray:
    import numpy as np
    import pyarrow as pa

    kind = values.dtype.kind
    if kind == "c":
        raise SchemaError(f'Complex data not supported: column "{name}"', hint="split it into two columns")
    if kind == "V" or values.ndim != 1:
        raise SchemaError(f'column "{name}" holds nested values ({values.dtype})', hint="spread it over columns")
    if kind in "Mm":
        unit, _ = np.datetime_data(values.dtype)
        if unit not in {"D", "s", "ms", "us", "ns"} or (kind == "m" and unit == "D"):
            values = values.astype(f"{kind}8[s]")
        return pa.array(values)
    if kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if kind in "OUT":
        return array_of(values if kind == "O" else values.astype(object), name)
    # Arrow reads native byte order only.
    return pa.array(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")))
