"""SHA-256 of a table's content: the same rows in the same order, however they are chunked or stored."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["fingerprint"]

_LARGE = 1 << 18
"""Bytes a column, on average, from which threads pay."""


def fingerprint(table: pa.Table) -> str:
    """Return the SHA-256, in hex, of names, types and values.

    Each column is hashed on its own, in threads: its values as fixed-width bytes with zeros where one is missing,
    or its characters and lengths; then which are missing. What lies under a missing value never counts.

    Parameters
    ----------
    table
        In the form of `tidy.tidy`.
    """
    whole = hashlib.sha256(f"automl-bridge table 1\n{table.num_rows}\n".encode())
    # Handing out a column costs more than hashing a small one.
    with ThreadPoolExecutor() if table.nbytes > _LARGE * table.num_columns else nullcontext() as pool:
        digests = pool.map(_column_digest, table.columns) if pool else map(_column_digest, table.columns)
        for field, digest in zip(table.schema, digests, strict=True):
            whole.update(f"{len(field.name)} {field.name} {field.type}\n".encode())
            whole.update(digest)
    return whole.hexdigest()


def _column_digest(column: pa.ChunkedArray) -> bytes:
    import pyarrow as pa

    values, extra = hashlib.sha256(), hashlib.sha256()
    kind = column.type
    variable = pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    start = 0
    for chunk in column.chunks:
        if variable:
            _hash_strings(chunk, values, extra)
        else:
            _hash_fixed(chunk, values, extra, start)
        start += len(chunk)
    return hashlib.sha256(values.digest() + extra.digest()).digest()


def _hash_strings(chunk: pa.Array, values: hashlib._Hash, lengths: hashlib._Hash) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(chunk):
        return
    sizes = pc.binary_length(chunk)
    width = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, width, len(chunk) + 1, chunk.offset * np.dtype(width).itemsize)
    if int(ends[-1]) - int(ends[0]) != (pc.sum(sizes).as_py() or 0):
        # There are characters under missing values: leave them behind.
        present = pa.concat_arrays([chunk.drop_null()])
        _, offsets, data = present.buffers()
        ends = np.frombuffer(offsets, width, len(present) + 1, present.offset * np.dtype(width).itemsize)
    if data is not None:
        values.update(memoryview(data)[int(ends[0]) : int(ends[-1])])
    lengths.update(pc.fill_null(sizes, -1).to_numpy(zero_copy_only=False).view(np.uint8).data)


def _hash_fixed(chunk: pa.Array, values: hashlib._Hash, missing: hashlib._Hash, start: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(chunk):
        return
    if chunk.null_count:
        places = np.flatnonzero(pc.is_null(chunk).to_numpy(zero_copy_only=False)) + start
        missing.update(places.astype(np.int64).view(np.uint8).data)
    if pa.types.is_boolean(chunk.type):
        chunk = chunk.cast(pa.uint8())
    if pa.types.is_temporal(chunk.type):
        chunk = chunk.view(pa.int32() if chunk.type.bit_width == 32 else pa.int64())
    if chunk.null_count:
        chunk = pc.fill_null(chunk, pa.scalar(0, pa.int64()).cast(chunk.type))
    width = chunk.type.bit_width // 8
    data = memoryview(chunk.buffers()[1])
    values.update(data[chunk.offset * width : (chunk.offset + len(chunk)) * width])
