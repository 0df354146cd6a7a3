"""Where words go: one JSON document or a report on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

__all__ = ["Output", "claim_stdout", "current", "install"]

WIDTH = 100
"""Columns used where there is no terminal to ask; COLUMNS overrides it."""


@dataclass
class Output:
    """The two streams of one command.

    Parameters
    ----------
    json_mode
        Whether standard output carries one JSON document and nothing else.
    debug
        Whether unexpected errors show their traceback.
    stream
        What standard output was before anything else could write to it.
    """

    json_mode: bool = False
    debug: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _wrote: bool = False

    @cached_property
    def out(self) -> Console:
        """Console for the report; standard error under ``--json``, as standard output is the document's."""
        return _console(sys.stderr if self.json_mode else self.stream)

    @cached_property
    def err(self) -> Console:
        """Console for errors, questions and what must not be in a pipe."""
        return _console(sys.stderr)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches the report as it grows."""
        return self.out.is_terminal and not self.out.is_dumb_terminal

    def document(self, content: object) -> None:
        """Write the JSON document: the first wins, there is never a second."""
        if self._wrote:
            return
        self._wrote = True
        self.stream.write(json.dumps(_finite(content), ensure_ascii=False, default=str) + "\n")
        self.stream.flush()

    def line(self, text: str) -> None:
        """Write a line of the report as it is: no markup, not wrapped."""
        self.out.print(text, markup=False, highlight=False, soft_wrap=True)


_current = Output()


def current() -> Output:
    """Return the output of the command that runs."""
    return _current


def install(output: Output) -> Output:
    """Make ``output`` the one that `current` returns."""
    global _current  # noqa: PLW0603 - one process runs one command; the commands are plain functions
    _current = output
    return output


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process here; `entry` gives it the exit code that shells expect.
            raise BrokenPipeError

    piped = not (hasattr(stream, "isatty") and stream.isatty())
    width = WIDTH if piped and not os.environ.get("COLUMNS") else None
    return Ours(file=stream, highlight=False, emoji=False, width=width)


def _finite(value: Any) -> Any:
    """NaN and infinities have no JSON: they become null."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


@contextlib.contextmanager
def claim_stdout() -> Iterator[TextIO]:
    """Yield standard output for the one who claims it; whoever else writes there writes to standard error.

    Libraries print, and native code writes to descriptor 1 directly, so the descriptor itself is moved.
    """
    ours = sys.stdout
    saved = _move_descriptor(ours)
    stream = ours if saved is None else os.fdopen(saved, "w", encoding="utf-8", newline="")
    sys.stdout = sys.stderr
    try:
        yield stream
    finally:
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
        sys.stdout = ours
        if saved is not None:
            os.dup2(saved, 1)
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _move_descriptor(stdout: TextIO) -> int | None:
    """Point descriptor 1 at standard error; return a copy of what it was, or None under a captured stream."""
    try:
        if stdout.fileno() != 1:
            return None
        stdout.flush()
        saved = os.dup(1)
        os.dup2(sys.stderr.fileno(), 1)
    except (OSError, ValueError, AttributeError):
        return None
    return saved
