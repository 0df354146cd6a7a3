"""SIGTERM in the supervisor: ends it where it is, but not in the middle of starting a worker."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["install", "shielded"]

_state = {"shielded": False, "told": False}


def install() -> None:
    """Turn SIGTERM into SystemExit."""
    signal.signal(signal.SIGTERM, _terminate)


@contextmanager
def shielded() -> Iterator[None]:
    """Put off the end until the block is left: a worker that was begun is known, and so can be ended."""
    _state["shielded"] = True
    try:
        yield
    finally:
        _state["shielded"] = False
    if _state["told"]:
        raise SystemExit(0)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    # Once: what ends the worker must not be ended itself.
    again, _state["told"] = _state["told"], True
    if not again and not _state["shielded"]:
        raise SystemExit(0)
