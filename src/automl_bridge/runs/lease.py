"""Who drives a run: one process at a time, and a dead one is succeeded at once.

A lease names its owner (machine, process, when the process began) and ends by itself. While a drive lasts, a thread
renews it. A lease is free for the taking when it has ended, or when its owner can be seen to be dead, which only a
process on the same machine can see.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import threading
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LEASE_SECONDS", "Heartbeat", "Owner", "is_dead"]

LEASE_SECONDS = 60.0
"""How long a lease lasts unless it is renewed: what another machine waits for when the owner's one has died."""

# Drives of this very process that have not ended; an owner of this process that is not among them is dead.
_alive: set[str] = set()


@dataclass(frozen=True)
class Owner:
    """Who holds a lease.

    Parameters
    ----------
    host
        The machine and, on Linux, its process-id namespace: only there does `pid` mean anything.
    pid, started
        The process, and when it began (seconds since the epoch): process ids are used again.
    token
        One drive within the process.
    """

    host: str
    pid: int
    started: float
    token: str

    @classmethod
    def new(cls) -> Owner:
        """Return an owner for a drive of this process; `close` it when the drive ends."""
        owner = cls(_host(), os.getpid(), _started(os.getpid()), secrets.token_hex(8))
        _alive.add(owner.token)
        return owner

    def close(self) -> None:
        """Say that the drive has ended, however it ended."""
        _alive.discard(self.token)

    def to_json(self) -> str:
        """Write it as one line of JSON."""
        return json.dumps(asdict(self))


def is_dead(text: str) -> bool:
    """Whether the owner written as ``text`` can be seen to be dead from here."""
    try:
        owner = Owner(**json.loads(text))
    except (ValueError, TypeError):
        return False
    if owner.host != _host():
        return False
    if owner.pid == os.getpid() and owner.started == _started(owner.pid):
        return owner.token not in _alive
    started = _started_now(owner.pid)
    return started is not None and started != owner.started


@cache
def _host() -> str:
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{platform.node()} {boot} {namespace}".strip()


@cache
def _started(pid: int) -> float:
    """When this process began; the argument makes a forked child ask anew."""
    return _started_now(pid) or 0.0


def _started_now(pid: int) -> float | None:
    """When the process began: 0 if there is none, None if it may not be looked at."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return 0.0
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return 0.0
    except psutil.Error:
        return None


class Heartbeat:
    """Calls ``renew`` every so often from a thread, so that a long upload keeps its lease.

    Parameters
    ----------
    renew
        What to call; an error in it is left to the driving thread, which meets it on its next write.
    every
        Seconds between two calls.
    """

    def __init__(self, renew: Callable[[], None], every: float = LEASE_SECONDS / 3) -> None:
        self._renew = renew
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="automl-bridge-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _beat(self) -> None:
        from automl_bridge.errors import StateError, StorageError

        while not self._stop.wait(self._every):
            try:
                self._renew()
            except (StateError, StorageError):
                continue
