"""Where things are in a workspace, and what a job's request says. Standard library only: the supervisor reads it.

========================  ==========================================================================
``supervisor.lock``       held by the living supervisor (the kernel lets go of it when it dies)
``supervisor.json``       its process, and its worker's
``wake``                  a FIFO: a byte in it makes the supervisor look
``queue/<name>``          an empty file per job that has not ended
``jobs/<name>/``          ``request.json`` (never changed), ``run.json`` (attempts, time worked),
                          ``progress.json``, ``checkpoint.json``, ``outcome.json``, ``cancel``,
                          ``log.txt``; the rest belongs to the handler
========================  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.local.files import read_json
from automl_bridge.local.words import last_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["JobFolder", "Record", "Workspace"]


@dataclass(frozen=True)
class Record:
    """What ``request.json`` holds.

    Parameters
    ----------
    name, request
        The job, and what the handler is asked.
    handler, env
        ``package.module:function``, and variables for the worker that runs it.
    path, python
        The caller's ``sys.path`` and interpreter, so that a handler that it can import can be imported.
    linger
        Seconds that the worker stays warm after it.
    max_memory
        Bytes (resident) that the worker and its children may use; None: no limit.
    submitted
        Epoch seconds.
    """

    name: str
    handler: str
    request: dict[str, Any]
    submitted: float
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    python: str = ""
    linger: float = 30.0
    max_memory: int | None = None

    @property
    def max_time(self) -> float | None:
        """Seconds that the job may work; None: no limit."""
        value = self.request.get("max_time")
        return None if value is None else float(value)

    @property
    def grace(self) -> float:
        """Seconds after the deadline in which the handler may still return; 3 s or 10 % of max_time, if less."""
        value = self.request.get("grace")
        if value is not None:
            return float(value)
        return min(3.0, 0.1 * (self.max_time or 30.0))

    @property
    def attempts(self) -> int:
        """How often a job that crashes is started in all."""
        return max(1, int(self.request.get("attempts") or 2))


class JobFolder:
    """The files of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.request = path / "request.json"
        self.run = path / "run.json"
        self.progress = path / "progress.json"
        self.checkpoint = path / "checkpoint.json"
        self.outcome = path / "outcome.json"
        self.cancel = path / "cancel"
        self.log = path / "log.txt"
        self.reserve = path / ".reserve"

    def record(self) -> Record | None:
        """Read the request; None if there is none."""
        value = read_json(self.request)
        return None if value is None else Record(**value)

    def last_words(self) -> str:
        """Return the end of the log."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 65536))
                return last_words(file.read())
        except OSError:
            return ""


class Workspace:
    """The files of one queue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.jobs = path / "jobs"
        self.queue = path / "queue"
        self.lock = path / "supervisor.lock"
        self.processes = path / "supervisor.json"
        self.wake = path / "wake"
        self.log = path / "supervisor.log"

    def job(self, name: str) -> JobFolder:
        """Return the folder of a job, which need not exist."""
        return JobFolder(self.jobs / name)

    def waiting(self) -> Iterator[tuple[Record, JobFolder]]:
        """Yield the jobs that have not ended, first submitted first."""
        try:
            names = [path.name for path in self.queue.iterdir()]
        except OSError:
            return
        found = []
        for name in names:
            folder = self.job(name)
            if folder.outcome.exists():
                (self.queue / name).unlink(missing_ok=True)
            elif (record := folder.record()) is not None:
                found.append((record, folder))
        yield from sorted(found, key=lambda pair: (pair[0].submitted, pair[0].name))
