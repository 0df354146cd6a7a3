"""The worker: one warm process that runs a handler on one job after another.

Started by the supervisor as ``python -m automl_bridge.local.worker HANDLER WORKSPACE COMMANDS ANSWERS LIFE``,
the last three being descriptors: JSON lines come in on the first, go out on the second, and the third says
nothing but ends with the supervisor. Standard output and error go to the job's log, so prints harm nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import fcntl
except ImportError:  # Windows, where imports must not fail
    fcntl = None  # type: ignore[assignment]

from automl_bridge import errors
from automl_bridge.local.files import is_storage, storage_error, write_reserved
from automl_bridge.local.layout import JobFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from automl_bridge.backend import Outcome
    from automl_bridge.local.job import Job
    from automl_bridge.local.layout import Record

    Handler = Callable[[Job], Outcome]

__all__ = ["main"]

# Kinds of backend.Failure, by the error that a handler raised; RunFailedError names its own.
_KINDS: list[tuple[type[BaseException], str]] = [
    (errors.NoModelError, "all-trials-failed"),
    (errors.DataError, "data"),
    (errors.BackendError, "service"),
]


def main(arguments: list[str]) -> None:
    """Work until the supervisor closes the pipe."""
    handler_name, _workspace, *numbers = arguments
    commands, answers, life = map(int, numbers)
    for fd in (commands, answers, life):
        os.set_inheritable(fd, False)
    _die_with_supervisor(life)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    handler: Handler | None = None
    for command in _lines(commands):
        folder = JobFolder(Path(command["folder"]))
        _log_to(folder.log)
        answer: dict[str, Any]
        try:
            record = _record(folder)
            handler = handler or _load(handler_name, record.path)
            answer = _work(handler, folder, record, command)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor tells it as what it was
            answer = _tell(error, folder)
        _flush()
        os.write(answers, (json.dumps(answer) + "\n").encode())


def _record(folder: JobFolder) -> Record:
    record = folder.record()
    if record is None:
        raise FileNotFoundError(folder.request)
    return record


def _lines(fd: int) -> Iterator[dict[str, Any]]:
    with os.fdopen(fd, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _die_with_supervisor(life: int) -> None:
    """End this process and its children at once when the supervisor dies, whatever they are doing.

    On Linux the kernel itself kills the process group when the pipe breaks, so it holds in native code and
    for the handler's own children. (PR_SET_PDEATHSIG would leave those behind.) Elsewhere a thread does it.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        with suppress(BlockingIOError):  # it is alive
            os.read(life, 1)
            os.killpg(0, signal.SIGKILL)
    else:
        threading.Thread(target=_wait_for_end, args=(life,), daemon=True).start()


def _wait_for_end(life: int) -> None:
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def _log_to(path: Path) -> None:
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _load(name: str, path: list[str]) -> Handler:
    # Last, so that nothing of the caller's stands before the standard library.
    sys.path.extend(entry for entry in path if entry not in sys.path)
    module, _, function = name.partition(":")
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler


def _work(handler: Handler, folder: JobFolder, record: Record, command: dict[str, Any]) -> dict[str, Any]:
    from automl_bridge.backend import JobState
    from automl_bridge.local.job import Job

    left = None if command["end"] is None else command["end"] - time.monotonic()
    job = Job(folder.path, record.request, attempt=command["attempt"], seconds_left=left)
    outcome = handler(job)
    if job.saw_cancel and outcome.stopped_by in {"done", "cancel"}:
        # It stopped because it was told to: that is not the same as done, and no model yet is no failure.
        told = {"state": JobState.CANCELLED, "stopped_by": "cancel", "failure": None}
        outcome = outcome.model_copy(update=told)
    write_reserved(folder.outcome, outcome.model_dump_json(), folder.reserve)
    return {"end": "outcome"}


def _tell(error: BaseException, folder: JobFolder) -> dict[str, Any]:
    """Say what ``error`` was: of a kind that would come again, or a crash that is worth another attempt."""
    from automl_bridge.local.job import NotYetError

    if isinstance(error, NotYetError):
        return {"end": "later"}
    with suppress(OSError):  # the log may be on a full disk
        traceback.print_exception(type(error), error, _below_us(error.__traceback__))
    words = str(error) or type(error).__name__
    if is_storage(error):
        where = Path(error.filename).parent if isinstance(error, OSError) and error.filename else folder.path
        return _failed("storage", str(storage_error(error, where)))
    if isinstance(error, MemoryError) or "OOM when allocating" in words:
        return _failed("out-of-memory", f"out of memory in the worker: {words}", fresh=True)
    if isinstance(error, errors.RunCancelledError):
        return {"end": "cancelled"}
    if isinstance(error, errors.AutoMLBridgeError):
        kind = next((kind for cause, kind in _KINDS if isinstance(error, cause)), "crash")
        return _failed(getattr(error, "kind", kind), words)
    if isinstance(error, SystemExit):
        told = f"the worker ended itself: exit code {error.code}"
    else:
        told = "the worker raised " + "".join(traceback.format_exception_only(error)).strip()
    return {"end": "crash", "message": told[:4000]}


def _below_us(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is the handler's."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__ and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _failed(kind: str, message: str, *, fresh: bool = False) -> dict[str, Any]:
    return {"end": "failed", "kind": kind, "message": message[:8000], "fresh": fresh}


if __name__ == "__main__":
    main(sys.argv[1:])
