"""One form for every table: plain types, one mark for a missing value, names that are there once.

Whatever a table came from, afterwards strings are ``string``, categories are their values, missing is null
(never NaN), and what cannot be learned from (lists, structs) is an error that names the column.
What plain types cannot say travels in the metadata: that a column was a categorical (`CATEGORICAL_HINT` of its field)
or had values of several types (`MIXED_HINT`), which words of a file were read as missing (`MISSING_WORDS`), that a
column holds pictures in the one form of `images` (`IMAGE_HINT`) and which values of an array were black and white in
them (`SCALE_HINT`), how a file wrote the numbers of a column (`WRITTEN_HINT`), and that the columns had no names of
their own (`UNNAMED` of the schema).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_nested
from automl_bridge.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

__all__ = [
    "CATEGORICAL_HINT",
    "IMAGE_HINT",
    "MISSING_WORDS",
    "MIXED_HINT",
    "SCALE_HINT",
    "UNNAMED",
    "WRITTEN_HINT",
    "check_names",
    "has_hint",
    "is_unnamed",
    "mark_unnamed",
    "tidy",
]

CATEGORICAL_HINT = b"automl_bridge.categorical"
MIXED_HINT = b"automl_bridge.mixed"
MISSING_WORDS = b"automl_bridge.missing_words"
IMAGE_HINT = b"automl_bridge.image"
SCALE_HINT = b"automl_bridge.scale"
WRITTEN_HINT = b"automl_bridge.written"
UNNAMED = b"automl_bridge.unnamed"
_KEPT = {CATEGORICAL_HINT, MIXED_HINT, MISSING_WORDS, IMAGE_HINT, SCALE_HINT, WRITTEN_HINT}
_STRING_LIMIT = 2**31 - 1
"""Bytes that one chunk of ``string`` or ``binary`` can hold: its offsets are 32-bit."""


def tidy(table: pa.Table, name: str = "data") -> pa.Table:
    """Bring ``table`` into the form described above; columns that are in it already are not copied.

    Raises
    ------
    SchemaError
        For doubled or empty names and for types that no model reads; names the column.
    """
    import pyarrow as pa

    check_names(table.column_names, name)
    fields, columns, changed = [], [], False
    for field, column in zip(table.schema, table.columns, strict=True):
        ready = pa.types.is_large_binary(field.type) and has_hint(field, IMAGE_HINT)
        plain, hint = (column, {}) if ready else _plain(_files(column), field.name)
        changed = changed or plain is not column or field.metadata is not None
        kept = {key: value for key, value in (field.metadata or {}).items() if key in _KEPT}
        fields.append(pa.field(field.name, plain.type, metadata=kept | hint or None))
        columns.append(plain)
    keep = {UNNAMED: b"1"} if is_unnamed(table) else None
    if not changed and table.schema.metadata == keep:
        return table
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=keep)) if columns else table


def check_names(names: Sequence[str], name: str = "data") -> None:
    """Raise `SchemaError` if a column has no name, or two have the same."""
    empty = [index + 1 for index, text in enumerate(names) if not text.strip()]
    if empty:
        raise SchemaError(
            f"column {empty[0]} of {name} has no name" + (f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""),
            hint="give every column a name; a table saved by pandas with its index is saved without it by index=False",
        )
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    doubled = list(dict.fromkeys(text for text in names if text in seen or seen.add(text)))  # type: ignore[func-returns-value]
    listed = ", ".join(f'"{text}"' for text in doubled[:12])
    raise SchemaError(
        f"{name} has more than one column called {listed}",
        hint="rename or drop one of them; a join that keeps both sides makes such columns",
    )


def has_hint(field: pa.Field, hint: bytes) -> bool:
    """Whether ``field`` carries ``hint`` in its metadata."""
    return bool(field.metadata and hint in field.metadata)


def is_unnamed(table: pa.Table) -> bool:
    """Whether the columns had no names of their own, so that their position is what counts."""
    return bool(table.schema.metadata and UNNAMED in table.schema.metadata)


def mark_unnamed(table: pa.Table) -> pa.Table:
    """Say that the columns had no names of their own."""
    return table.replace_schema_metadata({UNNAMED: b"1"})


def _plain(column: pa.ChunkedArray, name: str) -> tuple[pa.ChunkedArray, dict[bytes, bytes]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    types, kind, hint = pa.types, column.type, {}
    if getattr(kind, "extension_name", "") == "arrow.uuid":
        return pa.chunked_array([pa.array(map(_text_or_none, column.to_pylist()), pa.string())]), {}
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
    if types.is_run_end_encoded(kind):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
        kind = column.type
    if types.is_dictionary(kind):
        column, hint = column.cast(kind.value_type), {CATEGORICAL_HINT: b"1"}
        kind = column.type
    if types.is_floating(kind):
        return _without_nan(column), hint
    if types.is_null(kind):
        return column.cast(pa.float64()), hint
    if types.is_large_string(kind) or types.is_string_view(kind):
        return _in_pieces(column, pa.string()), hint
    if types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return _in_pieces(column.cast(pa.large_binary()), pa.binary()), hint
    if is_nested(kind) or types.is_interval(kind):
        raise SchemaError(
            f'column "{name}" holds {kind}, and no model reads nested values',
            hint="spread it over columns of its own, or leave it out",
        )
    return column, hint


def _files(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the files of pictures that stand beside their paths, as Hugging Face's data sets have them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_struct(column.type) or not {"bytes"} <= {field.name for field in column.type} <= {
        "bytes",
        "path",
    }:
        return column
    content = pc.struct_field(column, "bytes")
    if content.null_count == len(content) and column.type.get_field_index("path") >= 0:
        return pc.struct_field(column, "path")
    return content


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    nan = pc.is_nan(column)
    if not pc.any(nan).as_py():
        return column
    return pc.if_else(nan, pa.scalar(None, column.type), column)


def _in_pieces(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    pieces = []
    for chunk in column.chunks:
        # A chunk that is too long for 32-bit offsets is halved until its pieces fit.
        waiting = [chunk]
        while waiting:
            piece = waiting.pop()
            if piece.nbytes > _STRING_LIMIT and len(piece) > 1:
                half = len(piece) // 2
                waiting += [piece[half:], piece[:half]]
            else:
                pieces.append(piece.cast(kind))
    return pa.chunked_array(pieces, kind)
