"""A terminal of 100 × 40 with a command in it, its keys and its screen."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psutil

SECONDS = 90.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The command needs the terminal as its controlling one, or Ctrl-C would be a character like others.
_PROGRAM = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from automl_bridge.cli import main; main()"


class Terminal:
    """Runs ``automl-bridge`` with ``words``."""

    def __init__(self, *words: str | Path, cwd: Path, env: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", **env},
            start_new_session=True,
        )
        os.close(slave)
        self.raw = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was written, without what moves the cursor or colours."""
        return _ESCAPES.sub("", self.raw).replace("\r", "")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, *, after: int = 0) -> int:
        """Read until ``pattern`` was written; return where it ends in `text`."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.compile(pattern).search(self.text, after)):
            if not self._read(deadline):
                raise AssertionError(f"never saw {pattern!r} in:\n{self.text[-3000:]}")
        return found.end()

    def wait(self) -> int:
        """Read until it has ended; return its exit code."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(timeout=max(1.0, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        """Read what there is; False once there will be no more."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            content = os.read(self._master, 65536)
        except OSError:  # Linux says so when the last one has closed the other side
            return False
        self.raw += content.decode(errors="replace")
        return bool(content)


def workers(home: Path) -> list[psutil.Process]:
    """Return the living processes that were started for ``home``."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AUTOML_BRIDGE_HOME") == str(home) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def wait_until_gone(home: Path) -> list[psutil.Process]:
    """Wait for the processes of ``home`` to end; return those that did not."""
    return psutil.wait_procs(workers(home), timeout=SECONDS)[1]
