"""One attempt at a job: ask the worker, watch deadline, memory and cancellation, see how it ends.

What counts as a job's time is what the supervisor spent on it, over all attempts, including the start of the
worker: neither waiting behind another job, nor time in which everything was dead (killed, switched off,
suspended). It is written down every second, so at most that much is forgotten when the supervisor is killed.
"""

from __future__ import annotations

import json
import math
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import StorageError
from automl_bridge.local import verdict
from automl_bridge.local.files import read_json, write_text
from automl_bridge.local.words import describe_exit, size

if TYPE_CHECKING:
    from automl_bridge.local.hand import WorkerProcess
    from automl_bridge.local.layout import JobFolder, Record
    from automl_bridge.local.verdict import Verdict

__all__ = ["Attempt", "Crash", "JobGoneError", "Later", "RunState"]

TICK = 0.2
"""Seconds between looks at memory and flags while a job runs."""
HEARTBEAT = 1.0
CANCEL_GRACE = 3.0
"""Seconds that a handler has to return after a cancel; ``cancel_grace`` in the request says otherwise."""


class JobGoneError(Exception):
    """Somebody deleted the job's folder."""


class Crash(Exception):  # noqa: N818 - a way to end, not a fault of the supervisor
    """The worker crashed; the message says how."""


class Later(Exception):  # noqa: N818 - no error: the handler raised `NotYetError`
    """What the job needs is taken; it is to be asked again."""


@dataclass
class RunState:
    """What ``run.json`` holds: how often the job was begun, and how long it was worked on, in seconds."""

    attempt: int = 1
    worked: float = 0.0
    interruptions: int = 0
    crashes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: JobFolder, record: Record) -> RunState:
        """Go on from what an earlier supervisor wrote down, or begin."""
        known = read_json(folder.run)
        if known is not None:
            state = cls(**known)
            state.interruptions += 1
            return state
        # The start of the supervisor is the job's own time, so that the deadline is max_time after submission;
        # longer than that, and it was waiting for another one.
        waited = time.time() - record.submitted
        return cls(worked=waited if 0 <= waited < 1 else 0.0)

    def save(self, folder: JobFolder) -> None:
        """Write it down; a full disk does not matter here."""
        try:
            write_text(folder.run, json.dumps(asdict(self)), durable=False)
        except StorageError as error:
            if not folder.request.exists():
                raise JobGoneError(folder.name) from error

    def left(self, record: Record) -> float:
        """Seconds of max_time that are left."""
        return math.inf if record.max_time is None else record.max_time - self.worked


class Attempt:
    """One attempt; `run` returns the verdict, or None if the worker wrote the outcome itself."""

    def __init__(self, record: Record, folder: JobFolder, state: RunState, worker: WorkerProcess) -> None:
        self._record = record
        self._folder = folder
        self._state = state
        self._worker = worker
        self._begun = self._beaten = time.monotonic()
        self._worked_before = state.worked
        self._cancel_seen = math.inf

    def run(self, wake: int | None) -> Verdict | None:
        """Give the job to the worker and see it through.

        Raises
        ------
        Crash
            If the worker crashed in a way that may be worth another attempt.
        Later
            If the job has to wait for something.
        """
        left = self._state.left(self._record)
        self._worker.ask(self._folder.path, self._state.attempt, None if math.isinf(left) else self._begun + left)
        try:
            while True:
                ended = self._step(wake, self._begun + left)
                if ended is not None:
                    return ended or None
        finally:
            self._state.worked = self._worked_before + time.monotonic() - self._begun

    def _step(self, wake: int | None, deadline: float) -> Verdict | None:
        """Look once; an empty verdict means that the outcome is written."""
        now = time.monotonic()
        events = (deadline + self._record.grace, self._cancel_seen + self._cancel_grace)
        try:
            answer = self._worker.answer(min(TICK, *(event - now for event in events)), wake)
        except EOFError:
            return self._died()
        if answer is not None:
            return self._answered(answer)
        if self._worker.has_ended():
            # A child that it forked holds its end of the pipe.
            return self._died()
        _drain(wake)
        self._heartbeat(time.monotonic())
        return self._check_limits(*events)

    def _check_limits(self, out_of_time: float, out_of_patience: float) -> Verdict | None:
        now = time.monotonic()
        if math.isinf(self._cancel_seen) and self._folder.cancel.exists():
            self._cancel_seen = now
        used, limit = self._worker.memory.sample(), self._record.max_memory
        if limit is not None and used > limit:
            return self._kill() or verdict.out_of_memory(self._checkpoint(), _over(used, limit))
        if now >= out_of_patience:
            return self._kill() or verdict.cancelled(self._checkpoint())
        if now >= out_of_time:
            return self._kill() or verdict.too_long(self._checkpoint(), self._record)
        return None

    @property
    def _cancel_grace(self) -> float:
        return float(self._record.request.get("cancel_grace", CANCEL_GRACE))

    def _heartbeat(self, now: float) -> None:
        if now - self._beaten >= HEARTBEAT:
            self._beaten = now
            self._state.worked = self._worked_before + now - self._begun
            self._state.save(self._folder)

    def _kill(self) -> Verdict | None:
        """Kill the worker; an empty verdict if it answered just before."""
        self._worker.kill()
        return {} if self._folder.outcome.exists() else None

    def _checkpoint(self) -> Verdict | None:
        return read_json(self._folder.checkpoint)

    def _answered(self, answer: dict[str, Any]) -> Verdict:
        if answer["end"] == "outcome":
            return {}
        if answer.get("fresh") or answer["end"] == "crash":
            self._worker.kill()
        if answer["end"] == "cancelled" or self._folder.cancel.exists():
            return verdict.cancelled(self._checkpoint())
        if answer["end"] == "later":
            raise Later
        if answer["end"] == "crash":
            raise Crash(answer["message"])
        return verdict.failed(self._checkpoint(), answer["kind"], answer["message"])

    def _died(self) -> Verdict:
        """Tell how a worker ended that said nothing."""
        # Its end of the pipe is closed, so it is dying; or the handler closed it, which comes to the same.
        patience = time.monotonic() + 1.0
        while not self._worker.has_ended() and time.monotonic() < patience:
            time.sleep(0.002)
        code = self._worker.kill()
        if self._folder.outcome.exists():
            return {}
        if self._folder.cancel.exists():
            return verdict.cancelled(self._checkpoint())
        memory = self._worker.memory
        if code == -9 and memory.killed_by_system():
            return verdict.out_of_memory(self._checkpoint(), _short(memory.used, memory.available))
        raise Crash(describe_exit(code))


def _over(used: int, limit: int) -> str:
    return (
        f"out of memory: the worker used {size(used)}, the limit is max_memory = {size(limit)}\n"
        "what you can do: raise max_memory, or give it fewer rows or smaller models"
    )


def _short(used: int, available: int) -> str:
    return (
        f"out of memory: the system killed the worker, which used {size(used)}; {size(available)} were left\n"
        "what you can do: close other programs, set max_memory, or give it fewer rows or smaller models"
    )


def _drain(wake: int | None) -> None:
    if wake is not None:
        with suppress(BlockingIOError):
            while os.read(wake, 4096):
                pass
