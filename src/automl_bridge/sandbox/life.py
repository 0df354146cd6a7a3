"""Start, stop and find the stand-ins of this machine. Each is a detached process with a state file.

``<home>/sandbox/<provider>.json`` says where it listens and which process it is; ``.log`` beside it holds
what it printed. They listen on the loopback address only.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import BackendError, StateError
from automl_bridge.sandbox.clock import DEFAULT_FACTOR
from automl_bridge.sandbox.server import load_factory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Sandbox", "env", "start", "status", "stop"]

START_SECONDS = 90.0
STOP_SECONDS = 20.0
_started: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that this one started, by number: they are its children and are waited for when they are stopped."""


@dataclass(frozen=True)
class Sandbox:
    """A stand-in that runs.

    Parameters
    ----------
    provider, url, port, pid
        Which, where, and the process behind it.
    env
        Variables that lead the vendor's clients to it.
    created
        When its process began (epoch seconds), so that another with the same number is not mistaken for it.
    certificate
        File of the certificate to trust, where it is served over TLS.
    """

    provider: str
    url: str
    port: int
    pid: int
    created: float
    env: dict[str, str] = field(default_factory=dict)
    certificate: str = ""

    def control(self, action: str = "", body: Any = None, *, method: str | None = None) -> Any:
        """Call its control endpoint ``/sandbox/<action>``; returns the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 (always to the loopback address)
            f"{self.url}/sandbox/{action}".rstrip("/"), data=data, method=method or ("GET" if body is None else "POST")
        )
        trust = ssl.create_default_context(cafile=self.certificate) if self.certificate else None
        with urllib.request.urlopen(request, timeout=30, context=trust) as answer:  # noqa: S310
            return json.loads(answer.read())


def start(provider: str, *, home: Path, port: int = 0, factor: float = DEFAULT_FACTOR) -> Sandbox:
    """Start the stand-in of ``provider``; one that runs already is returned as it is.

    Parameters
    ----------
    provider
        Name of an entry point of the group ``automl_bridge.sandboxes`` (``aws`` …), or ``module:function``.
    home
        The folder of this tool's data; the state file is in its ``sandbox`` folder.
    port
        0 takes a free one.
    factor
        Simulated seconds in a real one while a job runs.

    Raises
    ------
    UnknownNameError, MissingExtraError
        If there is no such stand-in, or what it needs is not installed.
    BackendError
        If it does not come up; names the log.
    """
    load_factory(provider)
    folder = home / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder / f"{_stem(provider)}.lock"):
        running = _read(folder, provider)
        if running is not None:
            return running
        log = folder / f"{_stem(provider)}.log"
        command = [sys.executable, "-m", "automl_bridge.sandbox.serve", provider]
        command += ["--state", str(folder / f"{_stem(provider)}.json"), "--port", str(port), "--factor", str(factor)]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 (our own module)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_clean_env(),
            )
        _started[process.pid] = process
        return _await_start(process, folder, provider, log)


def stop(provider: str, *, home: Path) -> bool:
    """Stop the stand-in of ``provider``; returns whether one ran."""
    import psutil

    folder = home / "sandbox"
    running = _read(folder, provider)
    if running is None:
        return False
    try:
        process = psutil.Process(running.pid)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        pass  # it ended by itself
    child = _started.pop(running.pid, None)
    if child is not None:
        child.wait()
    (folder / f"{_stem(provider)}.json").unlink(missing_ok=True)
    return True


def status(*, home: Path) -> list[Sandbox]:
    """Return the stand-ins that run, by name."""
    folder = home / "sandbox"
    found = (_read(folder, path.stem) for path in sorted(folder.glob("*.json")))
    return [sandbox for sandbox in found if sandbox is not None]


def env(*, home: Path) -> dict[str, str]:
    """Return the variables that lead every client to the stand-ins that run; none run, none are returned.

    ``AUTOML_BRIDGE_SANDBOX`` holds their names, with commas.
    """
    running = status(home=home)
    merged: dict[str, str] = {}
    for sandbox in running:
        merged |= sandbox.env
    if running:
        merged["AUTOML_BRIDGE_SANDBOX"] = ",".join(sandbox.provider for sandbox in running)
    return merged


def _stem(provider: str) -> str:
    return re.sub(r"[^\w-]", "-", provider)


def _read(folder: Path, provider: str) -> Sandbox | None:
    import psutil

    path = folder / f"{_stem(provider)}.json"
    try:
        sandbox = Sandbox(**json.loads(path.read_text()))
        process = psutil.Process(sandbox.pid)
        alive = abs(process.create_time() - sandbox.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, TypeError, psutil.NoSuchProcess):
        return None
    return sandbox if alive else None


def _await_start(process: subprocess.Popen[bytes], folder: Path, provider: str, log: Path) -> Sandbox:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        sandbox = _read(folder, provider)
        if sandbox is not None and sandbox.pid == process.pid:
            return sandbox
        time.sleep(0.02)
    process.kill()
    process.wait()
    _started.pop(process.pid, None)
    said = log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing was printed"]
    raise BackendError(f"the {provider} sandbox did not start: {said[0]}", hint=f"see {log}; is the port free?")


def _clean_env() -> dict[str, str]:
    """Return this process's variables without those of a sandbox: its server must not call itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AUTOML_BRIDGE_SANDBOX"))}


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process start a stand-in at a time; a lock whose owner is dead is taken over."""
    import psutil

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            try:
                owner = int(path.read_text() or "0")
            except (FileNotFoundError, ValueError):
                owner = 0
            if owner and not psutil.pid_exists(owner):
                path.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise StateError(f"another process holds {path}", hint=f"remove {path} if none is starting") from None
            time.sleep(0.02)
    try:
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        yield
    finally:
        path.unlink(missing_ok=True)
