"""The standard library's CSV reader, for cells of any size."""

from __future__ import annotations

import contextlib
import csv
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["any_size"]

_LARGEST = 2**31 - 1
"""The limit is a C long, which has 32 bits on Windows."""
_lock = threading.Lock()
_within = 0
_before = 0


@contextlib.contextmanager
def any_size() -> Iterator[None]:
    """Let cells have any size as long as the block runs: the reader's own limit is 131,072 characters.

    The limit is one of the whole process, so the first block that begins lifts it, and the last that ends puts it back.
    """
    global _within, _before  # noqa: PLW0603 - as the limit is
    with _lock:
        if not _within:
            _before = csv.field_size_limit(_LARGEST)
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                csv.field_size_limit(_before)
