"""Any source as one Arrow table in one form: the door of the data room."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from automl_bridge.data.tidy import tidy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

__all__ = ["read_table", "source_name"]


def read_table(
    source: Any, *, name: str | None = None, as_text: Collection[str] = (), labels: Mapping[str, bool] | None = None
) -> pa.Table:
    """Read ``source`` into an Arrow table in the form that `tidy.tidy` describes.

    Parameters
    ----------
    source
        A path or an address (``s3://``, ``gs://``, ``az://``) of a CSV, TSV, Parquet, Arrow or Feather file;
        or what `memory.from_memory` takes: dataframes, Arrow, arrays, sparse matrices, dicts and lists.
    name
        How to speak of it in errors; by default the file's name, or ``data``.
    as_text
        Columns of a CSV file to read as they are written, whatever they look like.
    labels
        Targets of a CSV file, whose labels may look like missing values: `csv_labels` has the rule. True for those
        whose kind was set by hand to categorical or text.

    Returns
    -------
    pyarrow.Table
        Rows in the source's order. Strings, numbers, booleans, dates, stamps and durations; null where missing.

    Raises
    ------
    UnreadableError
        No such file, no permission, empty, or not a table.
    EncodingError
        Text that is not UTF-8, nor UTF-16 with a mark.
    SchemaError
        Doubled or empty names, rows of another length, nested values.
    """
    name = name or source_name(source)
    if isinstance(source, str | PathLike):
        from automl_bridge.data.files import read_file

        return tidy(read_file(fspath(source), name, as_text, labels), name)
    from automl_bridge.data.memory import from_memory

    return tidy(from_memory(source), name)


def source_name(source: Any) -> str:
    """Return how to speak of ``source``: a file's name, or ``data``."""
    if isinstance(source, str | PathLike):
        return str(fspath(source)).rstrip("/").rsplit("/", 1)[-1] or "data"
    return "data"
