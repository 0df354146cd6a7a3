"""The supervisor: one small process per workspace that feeds jobs to a warm worker and writes down how they ended.

Started by `launch.start` as ``python -m automl_bridge.local.supervisor WORKSPACE``; it detaches itself, so it
outlives its caller, and ends by itself when nothing was asked for some time. Standard library and psutil only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from automl_bridge.local import ending, lock
from automl_bridge.local.layout import Workspace

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Detach and serve; the starter's process ends as soon as it is certain that a supervisor lives."""
    workspace = Workspace(Path(arguments[0]))
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        # Nothing to read: the other one died before it could tell, its words are on standard error.
        os._exit(0 if os.read(told, 1) else 1)
    os.close(told)
    os.setsid()
    ending.install()
    held = lock.acquire(workspace.lock)
    _detach_streams(workspace.log)
    os.write(tell, b"+")
    os.close(tell)
    while held is not None:
        _serve(workspace)
        os.close(held)
        # Whoever submitted while the lock was still held relied on us.
        held = lock.acquire(workspace.lock) if any(workspace.waiting()) else None


def _serve(workspace: Workspace) -> None:
    from automl_bridge.local.serving import Server

    server = Server(workspace)
    try:
        server.serve()
    finally:
        server.close()


def _detach_streams(log: Path) -> None:
    """Keep nothing of the caller open, or it would wait for us."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    except OSError:
        errors = null
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(errors, 2)
    for fd in {null, errors}:
        os.close(fd)


if __name__ == "__main__":
    main(sys.argv[1:])
