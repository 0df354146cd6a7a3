"""What runs in a `Child`: frames in on standard input, frames out on what was standard output.

Started as ``python -m automl_bridge.local.child TARGET PATH…``; the paths are folders of the parent's ``sys.path``.
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
from typing import TYPE_CHECKING, Any

from automl_bridge.local import frames

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

_LOG_LIMIT = 1 << 20
"""Bytes of output after which it starts anew."""


def main(arguments: list[str]) -> None:
    """Answer until the parent closes the pipe, or dies."""
    target, *path = arguments
    # The protocol gets descriptors of its own; whatever prints, in Python or not, prints to the log.
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    sys.path.extend(entry for entry in path if entry not in sys.path)
    with suppress(EOFError, BrokenPipeError):
        _serve(target, requests, answers)
    _flush()
    # Not through the interpreter's end: a library's threads could keep it.
    os._exit(0)


def _serve(target: str, requests: int, answers: int) -> None:
    _, argument = frames.read_frame(requests)
    predict: Callable[[Any], Any] | None = None
    try:
        module, _, function = target.partition(":")
        predict = getattr(importlib.import_module(module), function)(json.loads(argument))
        frames.write_frame(answers, b"R")
    except Exception as error:  # noqa: BLE001 - the parent raises it
        _tell(answers, error)
    while predict is not None:
        _, content = frames.read_frame(requests)
        try:
            parts = frames.array_frame(predict(frames.read_table(content)))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            _tell(answers, error)
        else:
            frames.write_frame(answers, b"A", *parts)
        _flush()


def _tell(answers: int, error: Exception) -> None:
    traceback.print_exception(error)
    frames.write_frame(answers, b"E", frames.error_frame(error))


def _follow(parent: int) -> None:
    # The pipe ends with the parent, unless another process that it forked has it too.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    with suppress(OSError):
        if os.fstat(2).st_size > _LOG_LIMIT:
            os.ftruncate(2, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
