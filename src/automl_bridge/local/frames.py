"""Frames on a pipe between a parent and its `Child`: eight bytes of length, one of kind, then the content.

========  ===========================================================================
kind      content
========  ===========================================================================
``J``     JSON: the argument, to begin with
``T``     a table as an Arrow IPC stream
``A``     an array: rows and columns (two int64), then float64 in C order
``R``     nothing: the child is ready
``E``     JSON: an error, by the names of its classes, with message, hint, limit, source
========  ===========================================================================
"""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any

from automl_bridge import errors

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "array_frame",
    "error_frame",
    "read_array",
    "read_error",
    "read_frame",
    "read_table",
    "table_frame",
    "write_frame",
]

_HEAD = struct.Struct("<Qc")
_SHAPE = struct.Struct("<qq")


def write_frame(pipe: int, kind: bytes, *parts: Any) -> None:
    """Write a frame made of some buffers to a descriptor."""
    views = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
    length = sum(view.nbytes for view in views)
    head = _HEAD.pack(length, kind)
    # One write for what is small: a system call and a wake-up less on the other side.
    chunks = [memoryview(b"".join([head, *views]))] if length < 1 << 16 else [memoryview(head), *views]
    for chunk in chunks:
        done = 0
        while done < len(chunk):
            done += os.write(pipe, chunk[done:])


def read_frame(pipe: int) -> tuple[bytes, bytearray]:
    """Read a frame from a descriptor: kind and content.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    length, kind = _HEAD.unpack(_read(pipe, _HEAD.size))
    return kind, _read(pipe, length)


def _read(pipe: int, length: int) -> bytearray:
    content = bytearray(length)
    view, done = memoryview(content), 0
    while done < length:
        count = os.readv(pipe, [view[done:]])
        if not count:
            raise EOFError
        done += count
    return content


def table_frame(table: pa.Table) -> Any:
    """Return the content of a frame that holds a table."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read_table(content: bytes | bytearray) -> pa.Table:
    """Return the table of a frame, without copying."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
        return reader.read_all()


def array_frame(array: NDArray[np.float64]) -> tuple[bytes, NDArray[np.float64]]:
    """Return the contents of a frame that holds a 2-D array.

    Raises
    ------
    TypeError
        If it is not two-dimensional.
    """
    import numpy as np

    whole = np.ascontiguousarray(array, dtype=np.float64)
    if np.ndim(array) != 2:
        raise TypeError(f"an array of shape (rows, outputs) was expected, not {np.shape(array)}")
    return _SHAPE.pack(*whole.shape), whole


def read_array(content: bytes | bytearray) -> NDArray[np.float64]:
    """Return the array of a frame; it may be written to."""
    import numpy as np

    shape = _SHAPE.unpack_from(content)
    return np.frombuffer(content, np.float64, offset=_SHAPE.size).reshape(shape)


def error_frame(error: BaseException) -> bytes:
    """Return the content of a frame that holds an error."""
    state = {name: getattr(error, name, None) for name in ("hint", "limit", "source", "kind")}
    known = isinstance(error, errors.AutoMLBridgeError)
    return json.dumps(
        {
            "names": [cls.__name__ for cls in type(error).__mro__],
            "message": error.message if isinstance(error, errors.AutoMLBridgeError) else str(error),
            "state": {name: value for name, value in state.items() if isinstance(value, str | int)} if known else {},
        }
    ).encode()


def read_error(content: bytes | bytearray) -> errors.AutoMLBridgeError:
    """Return the error of a frame: of the nearest class of ours, else a RunFailedError that names the class."""
    told = json.loads(content)
    for name in told["names"]:
        cls = getattr(errors, name, None)
        if isinstance(cls, type) and issubclass(cls, errors.AutoMLBridgeError):
            error = cls(told["message"])
            error.__dict__.update(told["state"])
            return error
    kind = "out-of-memory" if "MemoryError" in told["names"] else "crash"
    return errors.RunFailedError(f"{told['names'][0]}: {told['message']}", kind=kind)
