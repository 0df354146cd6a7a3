"""Columns that may not fit into memory: kept in a temporary file from a size on, and mapped from there."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["LIMIT", "Spool", "filtered"]

LIMIT = 256 << 20
"""Bytes of a column that are held in memory."""


class Spool:
    """Takes a column chunk by chunk; beyond `LIMIT` bytes it lies in a file, of which the system keeps what it can.

    Parameters
    ----------
    kind
        Type of the column.
    """

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._chunks: list[pa.Array] = []
        self._bytes = 0
        self._path: Path | None = None
        self._writer: Any = None

    def add(self, chunk: pa.Array) -> None:
        """Take the next values.

        Raises
        ------
        StorageError
            If the folder of temporary files has no space left.
        """
        self._chunks.append(chunk)
        self._bytes += chunk.nbytes
        if self._writer is not None or self._bytes > LIMIT:
            with self._told():
                self._spill()

    def finish(self) -> pa.ChunkedArray:
        """Return the column."""
        import pyarrow as pa

        if self._writer is None or self._path is None:
            return pa.chunked_array(self._chunks, self._kind)
        with self._told():
            self._writer.close()
            with pa.memory_map(str(self._path)) as source:
                column = pa.ipc.open_file(source).read_all().column(0)
            self._forget()
        return column

    def _spill(self) -> None:
        import pyarrow as pa

        if self._writer is None:
            handle, name = tempfile.mkstemp(".arrow", "automl-bridge-")
            os.close(handle)
            self._path = Path(name)
            self._writer = pa.ipc.new_file(name, pa.schema([("values", self._kind)]))
        for chunk in self._chunks:
            self._writer.write_batch(pa.record_batch([chunk], names=["values"]))
        self._chunks = []

    def _forget(self) -> None:
        """Remove the file's name; its content lives as long as it is mapped."""
        assert self._path is not None
        try:
            self._path.unlink()
        except PermissionError:  # Windows keeps the name of a mapped file
            atexit.register(self._path.unlink, missing_ok=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._path is not None:
                self._path.unlink(missing_ok=True)
            raise StorageError(
                f"cannot keep pictures in {tempfile.gettempdir()}: {error.strerror or error}",
                hint="free some space, or set TMPDIR to a folder that takes them",
            ) from error


def filtered(column: pa.ChunkedArray, keep: pa.BooleanArray) -> pa.ChunkedArray:
    """Return the values of a column where ``keep`` is true, chunk by chunk."""
    spool, start = Spool(column.type), 0
    for chunk in column.chunks:
        spool.add(chunk.filter(keep.slice(start, len(chunk))))
        start += len(chunk)
    return spool.finish()
