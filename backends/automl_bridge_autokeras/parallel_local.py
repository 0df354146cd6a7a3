"""Worker processes on this machine: each spawned by itself, so that one that dies takes nothing along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from automl_bridge.local.words import describe_exit
from automl_bridge_autokeras.parallel_worker import environment, serve

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

__all__ = ["LocalSlot", "wait_for"]

_END_SECONDS = 1.0  # for a process that was asked to end by itself


class LocalSlot:
    """A worker process.

    Parameters
    ----------
    number
        From 1.
    threads
        That TensorFlow uses in it.
    """

    def __init__(self, number: int, threads: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        self.name = f"worker {number}"
        self.connection: Connection[Any, Any] = mine
        # Daemonic: it is ended when this process ends in order; when it does not, its pipe ends.
        self.process: SpawnProcess = context.Process(target=_main, args=(theirs, number, threads), daemon=True)
        self.process.start()
        theirs.close()

    def send(self, message: Any) -> None:
        """Say something; to a dead one in silence."""
        with suppress(OSError):
            self.connection.send(message)

    def heard(self) -> list[Any]:
        """Return what it has said.

        Raises
        ------
        EOFError
            If it has ended and said nothing more.
        """
        messages = []
        try:
            while self.connection.poll():
                messages.append(self.connection.recv())
        except (EOFError, OSError) as error:
            if not messages:
                raise EOFError from error
        return messages

    def describe_end(self) -> str:
        """Say how it ended."""
        self.process.join(_END_SECONDS)
        code = self.process.exitcode
        return "its pipe was closed" if code is None else describe_exit(code).replace("the worker", "its process", 1)

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def close(self) -> None:
        """Let it end by itself, which it does at once unless it runs a trial."""
        self.connection.close()
        self.process.join(_END_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()


def wait_for(slots: list[LocalSlot], timeout: float) -> list[LocalSlot]:
    """Return the slots that have something to say or have ended, after ``timeout`` seconds at most."""
    if not slots:
        time.sleep(timeout)
        return []
    by_connection = {slot.connection: slot for slot in slots}
    return [by_connection[each] for each in connection.wait(list(by_connection), timeout)]  # type: ignore[index]


def _main(channel: Connection[Any, Any], number: int, threads: int | None) -> None:
    """Run in the new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment(threads))
    with suppress(BrokenPipeError):
        serve(channel, f"worker {number}")
    os._exit(0)  # not through the interpreter's end: a library's threads could keep it
