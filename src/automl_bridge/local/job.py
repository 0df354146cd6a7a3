"""Job: what a handler sees of the job that it works on."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import StorageError
from automl_bridge.local.files import write_text
from automl_bridge.local.layout import JobFolder

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.backend import Outcome, Progress

__all__ = ["Job", "NotYetError"]


class NotYetError(Exception):
    """A handler raises it where what the job needs is taken: it is asked again soon, and the time does not count."""


class Job:
    """One job, in the worker. A handler is ``function(job) -> Outcome``.

    It looks at `should_stop` between steps, reports, checkpoints after each piece of work that is of
    use by itself, and can go on from what an earlier attempt left in `folder`.

    Parameters
    ----------
    folder
        The job's folder; the handler may keep its own files there, under names that `layout` does not use.
    request
        What `LocalQueue.submit` was given.
    attempt
        1, and one more after each crash of the worker; being interrupted from outside (the supervisor
        was killed, the machine restarted) does not count. On a later attempt, what was being
        worked on may be what crashed.
    seconds_left
        Seconds left of ``max_time``; None if there is no limit.
    """

    def __init__(
        self, folder: Path, request: dict[str, Any], *, attempt: int = 1, seconds_left: float | None = None
    ) -> None:
        self.name = folder.name
        self.folder = folder
        self.request = request
        self.attempt = attempt
        self.deadline = None if seconds_left is None else time.time() + seconds_left
        """Epoch seconds by which the handler should return, or None. Use `seconds_left` to measure."""
        self._end = math.inf if seconds_left is None else time.monotonic() + seconds_left
        self._files = JobFolder(folder)
        self.saw_cancel = False
        """Whether the handler was told that the job is cancelled."""

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, negative after it; infinite if there is none."""
        return self._end - time.monotonic()

    @property
    def cancelled(self) -> bool:
        """Whether someone asked to end the job and keep the best so far."""
        self.saw_cancel = self.saw_cancel or self._files.cancel.exists()
        return self.saw_cancel

    @property
    def should_stop(self) -> bool:
        """Whether to return now with the best so far."""
        return self.cancelled or self.seconds_left <= 0

    def report(self, progress: Progress) -> None:
        """Say how far it is; about 0.1 ms. A full disk does not matter here."""
        with suppress(StorageError):
            write_text(self._files.progress, progress.model_dump_json(), durable=False)

    def checkpoint(self, outcome: Outcome) -> None:
        """Keep ``outcome`` as what came of the job, should it be stopped from here on; replaces the one before.

        Raises
        ------
        StorageError
            If it cannot be written; the one before stays.
        """
        write_text(self._files.checkpoint, outcome.model_dump_json())
