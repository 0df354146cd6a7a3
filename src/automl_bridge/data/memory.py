"""Tables that are in memory already: dataframes of any library, Arrow, arrays, lists and dicts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrays import from_array, from_sparse
from automl_bridge.data.frames import from_pandas
from automl_bridge.data.image_arrays import from_image_arrays, is_image_arrays
from automl_bridge.data.tidy import check_names, mark_unnamed
from automl_bridge.data.values import array_of, strings
from automl_bridge.errors import SchemaError, UnreadableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TEXT_COLUMN", "from_memory"]

TEXT_COLUMN = "text"
"""Name of the one column of a plain list of strings."""


def from_memory(source: Any) -> pa.Table:
    """Return ``source`` as an Arrow table, as it is (see `tidy.tidy` for the form it gets afterwards).

    Parameters
    ----------
    source
        A dataframe or series of pandas, polars or any library that narwhals or Arrow's C stream knows;
        a pyarrow table, batch or reader; a numpy array (1-D, 2-D, structured, object; 3-D or 4-D: pictures); a scipy
        sparse matrix; a dict of columns; a list of strings (one text column), of rows, of dicts or of pictures.

    Raises
    ------
    UnreadableError
        If it is none of these.
    SchemaError
        If its columns differ in length, or one holds what no model reads.
    """
    if is_image_arrays(source):
        return from_image_arrays(source)
    for read in (_from_arrow, _from_pandas, _from_numbers):
        table = read(source)
        if table is not None:
            return table
    if isinstance(source, Mapping):
        return _from_columns(source)
    if isinstance(source, list | tuple):
        return _from_list(source)
    return _from_other(source)


def _from_arrow(source: Any) -> pa.Table | None:
    import pyarrow as pa

    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if isinstance(source, pa.RecordBatchReader):
        return source.read_all()
    if isinstance(source, pa.Array | pa.ChunkedArray):
        return mark_unnamed(pa.table({TEXT_COLUMN: source}))
    return source if isinstance(source, pa.Table) else None


def _from_pandas(source: Any) -> pa.Table | None:
    # What is no module yet has made no dataframe.
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(source, pandas.Series | pandas.DataFrame | pandas.Index):
        return None
    if not isinstance(source, pandas.DataFrame):
        source = source.to_frame(name=TEXT_COLUMN if source.name is None else source.name)
    return from_pandas(source)


def _from_numbers(source: Any) -> pa.Table | None:
    if hasattr(source, "tocsc") and hasattr(source, "nnz"):
        return from_sparse(source)
    if type(source).__module__.partition(".")[0] == "numpy":
        return from_array(source, TEXT_COLUMN)
    return None


def _from_columns(source: Mapping[Any, Any]) -> pa.Table:
    import pyarrow as pa

    names = [str(name) for name in source]
    check_names(names)
    columns = []
    for name, values in zip(names, source.values(), strict=True):
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise SchemaError(
                f'column "{name}" is a single {type(values).__name__}, not a list of values',
                hint="give every column as a list, one value a row",
            )
        columns.append(array_of(values, name))
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        listed = ", ".join(f'"{name}" {len(column)}' for name, column in zip(names, columns, strict=True))
        raise SchemaError(f"the columns differ in length: {listed}", hint="give every column one value a row")
    return pa.table(dict(zip(names, columns, strict=True)))


def _from_list(source: list[Any] | tuple[Any, ...]) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    if not source:
        raise UnreadableError("the list is empty", hint="give at least one row")
    if all(isinstance(value, Mapping) for value in source):
        names = dict.fromkeys(name for row in source for name in row)
        return _from_columns({name: [row.get(name) for row in source] for name in names})
    if all(value is None or isinstance(value, str) for value in source):
        return mark_unnamed(pa.table({TEXT_COLUMN: strings(list(source))}))
    if not all(hasattr(row, "__len__") and not isinstance(row, str | bytes) for row in source):
        return from_array(np.asarray(source), TEXT_COLUMN)
    rows = [list(row) for row in source]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise SchemaError(
                f"row {index + 1} has {len(row)} values, the first has {len(rows[0])}", hint="give rows of one length"
            )
    columns = [array_of([row[i] for row in rows], f"x{i}") for i in range(len(rows[0]))]
    return mark_unnamed(pa.table({f"x{i}": column for i, column in enumerate(columns)}))


def _from_other(source: Any) -> pa.Table:
    import narwhals as nw
    import pyarrow as pa

    frame = nw.from_native(source, pass_through=True, allow_series=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.Series):
        frame = frame.alias(frame.name or TEXT_COLUMN).to_frame()
    if isinstance(frame, nw.DataFrame):
        return frame.to_arrow()
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return pa.table(source)
    if hasattr(source, "__array__"):
        import numpy as np

        return from_array(np.asarray(source), TEXT_COLUMN)
    raise UnreadableError(
        f"a {type(source).__module__}.{type(source).__qualname__} is not a table",
        hint="give a dataframe, an Arrow table, an array, a dict of columns, or the path of a CSV or Parquet file",
    )
