"""pandas dataframes, whose object columns may hold anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.data.tidy import check_names
from automl_bridge.data.values import array_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["from_pandas"]


def from_pandas(frame: Any) -> pa.Table:
    """Return a pandas dataframe as an Arrow table; the index is left out.

    Raises
    ------
    SchemaError
        For doubled names, and for an object column with nested values.
    """
    import pyarrow as pa

    names = [_text(name) for name in frame.columns]
    check_names(names)
    frame = frame.set_axis(names, axis=1)
    for position, dtype in enumerate(frame.dtypes):
        if _is_special(dtype):
            frame = frame.assign(**{names[position]: _plain(frame.iloc[:, position])})
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, TypeError, ValueError):
        columns = [_column(frame.iloc[:, position], name) for position, name in enumerate(names)]
        table = pa.Table.from_arrays(columns, names=names)
    return table.replace_schema_metadata(None)


def _text(name: object) -> str:
    return ".".join(str(part) for part in name) if isinstance(name, tuple) else str(name)


def _is_special(dtype: Any) -> bool:
    if type(dtype).__name__ == "CategoricalDtype":
        return _is_special(dtype.categories.dtype)
    return type(dtype).__name__ in {"PeriodDtype", "IntervalDtype", "SparseDtype"}


def _plain(series: Any) -> Any:
    kind = type(series.dtype).__name__
    if kind == "CategoricalDtype":
        # What pandas.cut makes: the levels are intervals.
        return series.cat.rename_categories(series.cat.categories.astype(str))
    if kind == "PeriodDtype":
        return series.dt.to_timestamp()
    if kind == "SparseDtype":
        return series.sparse.to_dense()
    return series.astype(object).where(series.isna(), series.astype(str)).where(~series.isna(), None)


def _column(series: Any, name: str) -> pa.ChunkedArray:
    if type(series.dtype).__name__ == "CategoricalDtype":
        import pyarrow as pa

        # Categories of mixed types have no Arrow dictionary; their text does.
        codes = pa.array(series.cat.codes.to_numpy(), mask=series.isna().to_numpy())
        levels = array_of(series.cat.categories.to_numpy(), name).combine_chunks()
        return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, levels)])
    return array_of(series.to_numpy() if series.dtype == object else series, name)
