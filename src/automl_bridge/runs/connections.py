"""The process's connections to its stores: kept between sessions, closed at the end of the process.

Opening a SQLite file, compiling the statements and, above all, closing the last connection (which empties the
write-ahead log) take longer than all that a short run writes.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

__all__ = ["close_all", "engine_for", "forget", "seen"]

_KEPT = 8
_lock = threading.RLock()
_engines: OrderedDict[URL, tuple[Engine, int | None]] = OrderedDict()
_pid = os.getpid()
# A parent's connections must neither be used nor be closed by its child: SQLite's locks would be lost.
_inherited: list[object] = []


def engine_for(url: URL, file: Path | None, make: Callable[[], Engine]) -> Engine:
    """Return the engine for ``url``, a new one if ``file`` is another one than when it was made."""
    with _lock:
        _leave_the_parents()
        inode = _inode(file)
        engine, known = _engines.pop(url, (None, None))
        if engine is not None and known != inode:
            engine.dispose()
            engine = None
        if engine is None:
            engine = make()
        _engines[url] = (engine, inode)
        while len(_engines) > _KEPT:
            _engines.popitem(last=False)[1][0].dispose()
        return engine


def seen(url: URL, file: Path | None) -> None:
    """Note which file ``file`` is, once it is there."""
    with _lock:
        if url in _engines:
            _engines[url] = (_engines[url][0], _inode(file))


def forget(url: URL) -> None:
    """Close the connections to ``url``; its engine stays, and opens new ones when it is used."""
    with _lock:
        _leave_the_parents()
        if url in _engines:
            _engines[url][0].dispose()


def close_all() -> None:
    """Close all connections of this process."""
    with _lock:
        _leave_the_parents()
        while _engines:
            _engines.popitem()[1][0].dispose()


def _leave_the_parents() -> None:
    global _pid  # noqa: PLW0603 - this module is the process's one register
    if _pid != os.getpid():
        _inherited.append(dict(_engines))
        _engines.clear()
        _pid = os.getpid()


def _inode(file: Path | None) -> int | None:
    try:
        return file.stat().st_ino if file else None
    except OSError:
        return None


atexit.register(close_all)
