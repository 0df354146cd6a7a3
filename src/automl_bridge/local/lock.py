"""One supervisor per workspace: a lock that lives exactly as long as the process that holds it.

POSIX record locks, because a forked child does not inherit them: a caller that forks while it looks
whether the lock is held would otherwise leave it held by a child that knows nothing of it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows, where imports must not fail
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["acquire", "is_held"]


def is_held(path: Path) -> bool:
    """Whether another process holds the lock; creates the file."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        return not _try(fd)
    finally:
        os.close(fd)


def acquire(path: Path, patience: float = 0.2) -> int | None:
    """Take the lock for life; returns the descriptor to keep open, or None if another process has it.

    Parameters
    ----------
    path
        The lock's file.
    patience
        Seconds to keep trying: whoever looks with `is_held` holds it for some microseconds.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    end = time.monotonic() + patience
    while not _try(fd):
        if time.monotonic() > end:
            os.close(fd)
            return None
        time.sleep(0.005)
    return fd


def _try(fd: int) -> bool:
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the two answers that POSIX allows
        return False
    return True
