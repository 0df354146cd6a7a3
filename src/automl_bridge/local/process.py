"""Child: a warm process that answers tables with arrays, for predicting without loading a heavy library here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

try:
    import fcntl
except ImportError:  # Windows, where imports must not fail
    fcntl = None  # type: ignore[assignment]

from automl_bridge.errors import AutoMLBridgeError, RunFailedError
from automl_bridge.local import frames
from automl_bridge.local.launch import environment
from automl_bridge.local.words import describe_exit, last_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Child"]


class Child:
    """A process that loads something once and then answers calls; it dies with this one, however this one dies.

    Loading begins at once and does not block; the first call waits for it. Calls from several threads take turns.
    In a forked process, the first call starts a process of its own. One that died stays dead: every call raises.

    Parameters
    ----------
    target
        ``package.module:function``. Called in the child once with ``argument``, it returns a function from a
        table to an array of float64, shape (rows, outputs).
    argument
        JSON.
    env
        Variables for the child, beside our own.
    """

    def __init__(self, target: str, argument: dict[str, Any], *, env: Mapping[str, str] | None = None) -> None:
        self._target = target
        self._argument = argument
        self._env = dict(env or {})
        self._start()

    def _start(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._ready = False
        self._closed = False
        self._failure: AutoMLBridgeError | None = None
        self._log = _unnamed_file()
        path = [str(Path(entry).absolute()) for entry in sys.path]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "automl_bridge.local.child", self._target, *path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if self._log is None else self._log,
            env={**environment(), "PYTHONFAULTHANDLER": "1", **self._env},
            # No buffers, and so no locks, that a forked process could inherit in the middle of something.
            bufsize=0,
            # Ctrl-C is the parent's business.
            start_new_session=True,
        )
        with suppress(BrokenPipeError):  # a child that died at once is told at the first call
            self._send(b"J", json.dumps(self._argument).encode())

    @property
    def pid(self) -> int:
        """The child's process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether calls can be answered."""
        return self._owner == os.getpid() and not self._closed and self._process.poll() is None

    def wait_ready(self) -> None:
        """Return when it has loaded.

        Raises
        ------
        AutoMLBridgeError
            What ``target`` raised; RunFailedError for an error that is not ours, and if the process died.
        """
        self._own()
        with self._lock:
            self._await_ready()

    def call(self, table: pa.Table) -> NDArray[np.float64]:
        """Answer ``table`` with an array, shape (rows, outputs).

        Raises
        ------
        AutoMLBridgeError
            What the child raised; RunFailedError for an error that is not ours, and if the process died.
        """
        self._own()
        with self._lock:
            self._await_ready()
            return frames.read_array(self._exchange(b"T", frames.table_frame(table)))

    def close(self) -> None:
        """End the process; may be called twice. A call that another thread waits for raises."""
        if self._owner != os.getpid():
            self._forget()
        elif not self._closed:
            self._closed = True
            self._end()
            self._close_log()

    def __enter__(self) -> Self:
        """Return itself; closes at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __del__(self) -> None:
        """End the process if nobody closed it."""
        with suppress(Exception):
            self.close()

    def _own(self) -> None:
        if self._owner != os.getpid():
            closed = self._closed
            self._forget()
            if not closed:
                self._start()
        if self._closed:
            raise RunFailedError(f"the process of {self._target} was closed", kind="crash")

    def _await_ready(self) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._ready:
            try:
                self._exchange(None)
            except AutoMLBridgeError as error:
                self._failure = error
                raise
            self._ready = True

    def _exchange(self, kind: bytes | None, *parts: Any) -> bytearray:
        """Send, unless ``kind`` is None, and return the content of the answer."""
        assert self._process.stdout is not None
        whole = False
        try:
            if kind is not None:
                self._send(kind, *parts)
            answer, content = frames.read_frame(self._process.stdout.fileno())
            whole = True
        except (EOFError, OSError, ValueError):
            raise self._death() from None
        finally:
            if not whole:
                # Also after Ctrl-C in the middle: half an answer would be taken for the next one.
                self._end()
        if answer == b"E":
            raise frames.read_error(content)
        return content

    def _send(self, kind: bytes, *parts: Any) -> None:
        assert self._process.stdin is not None
        frames.write_frame(self._process.stdin.fileno(), kind, *parts)

    def _death(self) -> RunFailedError:
        if self._closed:
            return RunFailedError(f"the process of {self._target} was closed", kind="crash")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        told = describe_exit(self._end()).replace("the worker", f"the process of {self._target}")
        tail = _tail(self._log)
        return RunFailedError(f"{told}\nlast lines of its output:\n{tail}" if tail else told, kind="crash")

    def _end(self) -> int:
        with suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        return code

    def _forget(self) -> None:
        """Let go of a process that is the parent's, without ending it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._close_log()
        self._process.returncode = 0
        self._owner = os.getpid()
        self._closed = True

    def _close_log(self) -> None:
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _unnamed_file() -> int | None:
    """Return a file for the child's output, or None: predicting must work where nothing can be written."""
    try:
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("child-output")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
    except OSError:
        return None
    # Appending, so that the child can empty it when it grows.
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
    return fd


def _tail(fd: int | None) -> str:
    if fd is None:
        return ""
    length = os.fstat(fd).st_size
    return last_words(os.pread(fd, 65536, max(0, length - 65536)))
