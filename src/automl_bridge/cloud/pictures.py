"""The pictures of a column as objects: each once, named by what it shows."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.cloud.staging import Piece
from automl_bridge.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

__all__ = ["JPEG", "picture_names", "picture_pieces"]

JPEG = b"\xff\xd8"
"""How a JPEG file begins; what does not is a PNG, as the data room has it."""


def picture_names(column: pa.ChunkedArray) -> list[str]:
    """Return the name of each row's picture: a digest of its file, and ``.png`` or ``.jpg``.

    Raises
    ------
    DataError
        If a row has no picture; says how many and where the first is.
    """
    if column.null_count:
        import pyarrow.compute as pc

        row = pc.index(column.is_null(), value=True).as_py()
        raise DataError(
            f"{column.null_count:,} of {len(column):,} rows have no picture, the first is row {row}",
            hint="leave those rows out: a service learns and predicts from pictures alone",
        )
    return [_name(bytes(value.as_buffer())) for value in column]


def picture_pieces(columns: Sequence[pa.ChunkedArray]) -> list[Piece]:
    """Return the pictures of some columns as objects; what is there twice is one object."""
    pieces: dict[str, Piece] = {}
    for column in columns:
        for row, name in enumerate(picture_names(column)):
            if name not in pieces:
                mime = "image/jpeg" if name.endswith(".jpg") else "image/png"
                pieces[name] = Piece(name, partial(_file, column, row), mime)
    return list(pieces.values())


def _name(file: bytes) -> str:
    return f"{hashlib.sha256(file).hexdigest()[:40]}.{'jpg' if file.startswith(JPEG) else 'png'}"


def _file(column: pa.ChunkedArray, row: int) -> bytes:
    return bytes(column[row].as_buffer())
