"""Crashes on purpose: let a process die at the n-th thing that it does to the world.

What a program does to the world outside of it (writing, renaming and removing files, starting processes, connecting
to a service) shows in Python's audit events, whichever library does it. From the moment of the crash on, everything
of that kind fails, so that no clean-up code can tidy what a killed process would have left.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Crash", "crash_at"]

_FILES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"}
_WORLD = {"socket.connect", "subprocess.Popen", "os.posix_spawn", "os.fork"}
_WRITE_FLAGS = 0b11  # O_WRONLY, O_RDWR


class Crash(BaseException):
    """The process is dead; no ``except Exception`` catches it."""


class _Counter:
    def __init__(self) -> None:
        self.folder: str | None = None
        self.left = 0
        self.installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None or not self._counts(event, arguments):
            return
        self.left -= 1
        if self.left <= 0:
            raise Crash(event)

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event in _WORLD:
            return True
        if event not in _FILES or not str(arguments[0]).startswith(str(self.folder)):
            return False
        if event != "open":
            return True
        _, mode, flags = arguments
        return any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & _WRITE_FLAGS)


_counter = _Counter()


@contextmanager
def crash_at(count: int, folder: Path) -> Iterator[None]:
    """Raise `Crash` at the ``count``-th change of a file in ``folder``, start of a process or connection, and after.

    Hooks cannot be removed again; the one that is installed here does nothing outside of this context.
    """
    if not _counter.installed:
        sys.addaudithook(_counter)
        _counter.installed = True
    _counter.folder, _counter.left = str(folder), count
    try:
        yield
    finally:
        _counter.folder = None
