"""What the supervisor does all day: the next job, its attempts, its outcome; then wait, warm, then end."""

from __future__ import annotations

import json
import os
import select
import stat
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError
from automl_bridge.local import ending, verdict
from automl_bridge.local.attempt import Attempt, Crash, JobGoneError, Later, RunState
from automl_bridge.local.files import read_json, storage_error, write_reserved, write_text
from automl_bridge.local.hand import WorkerProcess
from automl_bridge.local.launch import kill_worker_of

if TYPE_CHECKING:
    from automl_bridge.local.layout import JobFolder, Record, Workspace
    from automl_bridge.local.verdict import Verdict

__all__ = ["Server"]

FIRST_LINGER = 1.0
"""Seconds to wait for the job that the supervisor was started for."""
LOOK = 2.0
"""Seconds between looks at an idle workspace that could have been deleted; jobs come through the FIFO at once."""
LOOK_WITHOUT_FIFO = 0.2
MAX_INTERRUPTIONS = 5
"""How often a job is taken up again after the supervisor was killed: it may be what kills it."""
LATER = 2.0
"""Seconds until a job is asked again that has to wait for something other than this worker."""
RESERVE = b" " * 65536


class Server:
    """Serves one workspace, whose lock is held."""

    def __init__(self, workspace: Workspace) -> None:
        self._files = workspace
        self._worker: WorkerProcess | None = None
        self._wake: int | None = None
        self._until = time.monotonic() + FIRST_LINGER

    def serve(self) -> None:
        """Work until there has been nothing to do for as long as the last job asked to linger."""
        self._note_processes()
        self._wake = _open_wake(self._files)
        kill_worker_of(self._files)
        while True:
            job = next(self._files.waiting(), None)
            if job is not None:
                self._run(*job)
                self._until = time.monotonic() + job[0].linger
            elif not self._wait():
                return

    def close(self) -> None:
        """End the worker."""
        self._drop_worker()
        self._note_processes()
        if self._wake is not None:
            os.close(self._wake)

    def _wait(self) -> bool:
        """Wait for work; whether to go on."""
        left = self._until - time.monotonic()
        if left <= 0 or not self._files.queue.exists():
            return False
        pause = min(left, LOOK_WITHOUT_FIFO if self._wake is None else LOOK)
        _pause(self._wake, pause)
        return True

    def _run(self, record: Record, folder: JobFolder) -> None:
        """See a job through to its outcome."""
        try:
            end = self._attempts(record, folder)
            if end is not None:
                self._write_outcome(folder, end)
        except JobGoneError:
            self._drop_worker()
        (self._files.queue / folder.name).unlink(missing_ok=True)

    def _attempts(self, record: Record, folder: JobFolder) -> Verdict | None:
        checkpoint = read_json(folder.checkpoint)
        if folder.cancel.exists():
            return verdict.cancelled(checkpoint)
        state = RunState.of(folder, record)
        if state.interruptions > MAX_INTERRUPTIONS:
            reason = f"it was interrupted {state.interruptions} times: supervisor and worker were killed"
            return verdict.crashed(checkpoint, [reason], folder.last_words())
        if not folder.reserve.exists():
            with suppress(OSError):
                folder.reserve.write_bytes(RESERVE)
        while True:
            try:
                return self._attempt(record, folder, state)
            except StorageError as error:
                return verdict.failed(read_json(folder.checkpoint), "storage", str(error))
            except Crash as crash:
                self._drop_worker()
                state.crashes.append(str(crash))
                state.attempt += 1
                with suppress(OSError):  # its log may be on a full disk too
                    sys.stderr.write(f"{folder.name}: {crash}\n")
            except SystemExit:
                # Told to end, which is not the job's fault.
                state.interruptions -= 1
                state.save(folder)
                raise
            if len(state.crashes) >= record.attempts or state.left(record) <= 0:
                return verdict.crashed(read_json(folder.checkpoint), state.crashes, folder.last_words())

    def _attempt(self, record: Record, folder: JobFolder, state: RunState) -> Verdict | None:
        """Make an attempt; where the job has to wait for something it is asked again, and that time does not count."""
        while True:
            state.save(folder)
            worked = state.worked
            try:
                return Attempt(record, folder, state, self._worker_for(record, folder)).run(self._wake)
            except Later:
                state.worked = worked
                _pause(self._wake, LATER)
                if folder.cancel.exists():
                    return verdict.cancelled(read_json(folder.checkpoint))

    def _worker_for(self, record: Record, folder: JobFolder) -> WorkerProcess:
        """Return the warm worker if it fits the job, else a new one."""
        worker = self._worker
        if worker is not None:
            limit = record.max_memory
            fits = worker.serves(record) and not worker.has_ended()
            # One that already uses half of what it may is better replaced than killed on the way.
            if fits and (limit is None or worker.memory.sample() < limit / 2):
                return worker
            self._drop_worker()
        try:
            with ending.shielded():
                self._worker = WorkerProcess(self._files, record, folder.log)
        except OSError as error:
            if not folder.path.exists():
                raise JobGoneError(folder.name) from error
            raise storage_error(error, folder.path) from error
        self._note_processes()
        return self._worker

    def _drop_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _write_outcome(self, folder: JobFolder, end: Verdict) -> None:
        """Write it, if need be when there is room again: a job that has ended is not run a second time."""
        while True:
            try:
                return write_reserved(folder.outcome, json.dumps(end), folder.reserve)
            except StorageError as error:
                if not folder.path.exists():
                    raise JobGoneError(folder.name) from error
                self._drop_worker()
                _pause(self._wake, 1.0)

    def _note_processes(self) -> None:
        worker = None if self._worker is None else self._worker.pid
        with suppress(StorageError):
            text = json.dumps({"supervisor": os.getpid(), "worker": worker})
            write_text(self._files.processes, text, durable=False)


def _open_wake(files: Workspace) -> int | None:
    """Open the FIFO; None where the file system has none (then the queue is looked at now and then)."""
    try:
        with suppress(FileExistsError):
            os.mkfifo(files.wake)
        if not stat.S_ISFIFO(files.wake.stat().st_mode):
            return None
        # For writing too, so that it never ends when the last writer closes it.
        return os.open(files.wake, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


def _pause(wake: int | None, seconds: float) -> None:
    if wake is None:
        time.sleep(seconds)
        return
    select.select([wake], [], [], seconds)
    with suppress(BlockingIOError):
        os.read(wake, 4096)
