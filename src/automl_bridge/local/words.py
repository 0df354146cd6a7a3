"""How sizes, ends of processes and last words are told. Standard library only."""

from __future__ import annotations

import signal

__all__ = ["describe_exit", "last_words", "size"]

_FATAL = "Fatal Python error"
_CURRENT = "Current thread"


def size(count: float) -> str:
    """Write bytes as ``1.25 GB``."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def describe_exit(code: int) -> str:
    """Say in words how a process ended, by its code as `subprocess` numbers it."""
    if code >= 0:
        return f"the worker ended itself: exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "a signal"
    return f"the worker was killed by {name} (signal {-code})"


def last_words(output: bytes, lines: int = 12, characters: int = 1600) -> str:
    """Return the end of a log; of a crash in native code, what it was and where, without all other threads."""
    said = output.decode("utf-8", "replace").rstrip().splitlines()
    fatal = max((number for number, line in enumerate(said) if line.startswith(_FATAL)), default=None)
    if fatal is not None:
        where = next((number for number in range(fatal, len(said)) if said[number].startswith(_CURRENT)), fatal + 1)
        return "\n".join([*said[max(0, fatal - 4) : fatal + 1], *said[where : where + lines - 5]])[:characters]
    return "\n".join(said[-lines:])[-characters:]
