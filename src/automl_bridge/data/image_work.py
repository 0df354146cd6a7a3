"""Work on many pictures: in threads, in order, with few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["spread"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_FEW = 16
"""Up to so many items are not worth threads."""
_MOST = 8
"""Threads at most: each may hold a decoded picture of `images.MAX_PIXELS`."""


def spread(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Do ``work`` on each item and give the results in the items' order; a few items ahead, and no more.

    Pillow lets go of the interpreter while it decodes, scales and encodes.
    """
    waiting = iter(items)
    first = [item for _, item in zip(range(_FEW + 1), waiting, strict=False)]
    if len(first) <= _FEW:
        yield from map(work, first)
        return
    workers = min(_MOST, (os.cpu_count() or 1) + 1)
    with ThreadPoolExecutor(workers) as pool:
        pending = deque(pool.submit(work, item) for item in first)
        try:
            for item in waiting:
                yield pending.popleft().result()
                pending.append(pool.submit(work, item))
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
