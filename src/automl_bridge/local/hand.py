"""The worker as the supervisor holds it: start, ask, listen, kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.local.layout import Record, Workspace

__all__ = ["WorkerProcess"]


class WorkerProcess:
    """A worker process, in a session (so a process group) of its own.

    Parameters
    ----------
    workspace
        Whose worker it is; on its command line, so that it can be told from any other process.
    record
        The job it is started for: handler, interpreter, and variables beside the supervisor's own.
    log
        Where its output goes until it works on a job.
    """

    def __init__(self, workspace: Workspace, record: Record, log: Path) -> None:
        self._kind = _kind(record)
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        life, self._life = os.pipe()
        theirs = (commands, answers, life)
        # The interpreter of whoever submitted: who looks now may be in an environment without the handler's packages.
        python = record.python if os.access(record.python, os.X_OK) else sys.executable
        command = [python, "-P", "-m", "automl_bridge.local.worker", record.handler, str(workspace.path)]
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [*command, *map(str, theirs)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, "PYTHONFAULTHANDLER": "1", **record.env},
                    cwd=workspace.path,
                    pass_fds=theirs,
                    start_new_session=True,
                )
        finally:
            for fd in theirs:
                os.close(fd)
        self.pid = self._process.pid
        from automl_bridge.local.watch import MemoryWatch

        self.memory = MemoryWatch(self.pid)
        self._buffer = b""

    def serves(self, record: Record) -> bool:
        """Whether it is of the kind that the job needs."""
        return self._kind == _kind(record)

    def ask(self, folder: Path, attempt: int, end: float | None) -> None:
        """Give it a job. A worker that is dead takes it in silence; `answer` tells.

        ``end`` is the deadline by `time.monotonic`, which is the same in all processes, and which neither a
        clock that is set nor a suspended machine moves. None: no limit.
        """
        command = {"folder": str(folder), "attempt": attempt, "end": end}
        with suppress(BrokenPipeError):
            os.write(self._commands, (json.dumps(command) + "\n").encode())

    def answer(self, timeout: float, wake: int | None) -> dict[str, Any] | None:
        """Wait for its answer, at most ``timeout`` seconds, or until something comes through ``wake``.

        Raises
        ------
        EOFError
            If the worker has ended.
        """
        watched = [self._answers] if wake is None else [self._answers, wake]
        ready, _, _ = select.select(watched, [], [], max(0.0, timeout))
        if self._answers not in ready:
            return None
        chunk = os.read(self._answers, 65536)
        if not chunk:
            raise EOFError
        self._buffer += chunk
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        answer: dict[str, Any] = json.loads(line)
        return answer

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        if self._process.returncode is None and hasattr(os, "waitid"):
            # Without reaping it: as long as it is there, its number and its group's are not another's.
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, flags) is not None
        return self._process.poll() is not None

    def kill(self) -> int:
        """End it and its children now; returns how it ended, as `subprocess` numbers it."""
        if self._process.returncode is None:
            family = self.memory.tree()[1:]
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            for process in family:
                # Children that left the group; psutil makes sure that it is the same process.
                with suppress(Exception):
                    process.kill()
        code = self._process.wait()
        self._close()
        return code

    def _close(self) -> None:
        for fd in (self._commands, self._answers, self._life):
            with suppress(OSError):
                os.close(fd)
        self._commands = self._answers = self._life = -1


def _kind(record: Record) -> tuple[object, ...]:
    return record.handler, record.python, record.env
