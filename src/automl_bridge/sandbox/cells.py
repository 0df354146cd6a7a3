"""CSV cells of any size: services take texts that are longer than Python's reader does by itself."""

from __future__ import annotations

import csv

__all__ = ["take_any_size"]


def take_any_size() -> None:
    """Let `csv` read cells of more than 131,072 characters, in all of this process: a stand-in has one of its own."""
    csv.field_size_limit(2**31 - 1)  # a C long, which has 32 bits on Windows
