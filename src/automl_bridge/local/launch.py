"""Start and end the supervisor of a workspace. No process is trusted by its number alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.errors import RunFailedError, UnsupportedError
from automl_bridge.local import lock
from automl_bridge.local.files import read_json, storage_error

if TYPE_CHECKING:
    from automl_bridge.local.layout import Workspace

__all__ = ["ensure", "environment", "kill", "kill_worker_of", "wake"]

SUPERVISOR = "automl_bridge.local.supervisor"
WORKER = "automl_bridge.local.worker"
_PACKAGES = str(Path(__file__).parents[2])


def ensure(workspace: Workspace) -> None:
    """Return when a supervisor lives; starts one if there is none (about 40 ms).

    Raises
    ------
    StorageError
        If the workspace cannot be written.
    RunFailedError
        If the process does not start.
    """
    if os.name != "posix":
        raise UnsupportedError("local workers need Linux or macOS", hint="use a cloud backend, or WSL")
    try:
        if lock.is_held(workspace.lock):
            return
    except OSError as error:
        raise storage_error(error, workspace.path) from error
    # -P: a random.py in the working directory is not the standard library's.
    command = [sys.executable, "-P", "-m", SUPERVISOR, str(workspace.path)]
    done = subprocess.run(  # noqa: S603 - our own module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=workspace.path,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise RunFailedError(f"the supervisor of {workspace.path} did not start: {words[-2000:]}", kind="crash")


def environment() -> dict[str, str]:
    """Return our own variables, with which this package can be imported."""
    if Path(_PACKAGES).name in {"site-packages", "dist-packages"}:
        # It is found there anyway, and a worker may be of another environment.
        return dict(os.environ)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, _PACKAGES])}


def wake(workspace: Workspace) -> None:
    """Make the supervisor look at once."""
    with suppress(OSError):
        fd = os.open(workspace.wake, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, b"!")
        finally:
            os.close(fd)


def kill(workspace: Workspace, patience: float = 2.0) -> None:
    """End the supervisor and its worker now; returns when both are gone. Jobs that have not ended stay queued.

    Parameters
    ----------
    workspace
        Whose.
    patience
        Seconds after which it is not asked any more.
    """
    hard = time.monotonic() + patience
    number = signal.SIGTERM
    while workspace.path.exists() and lock.is_held(workspace.lock):
        pid = (read_json(workspace.processes) or {}).get("supervisor")
        if pid is not None and _is(pid, SUPERVISOR, workspace):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if time.monotonic() > hard:
            number = signal.SIGKILL
        time.sleep(0.01)
    kill_worker_of(workspace)


def kill_worker_of(workspace: Workspace) -> None:
    """End what a supervisor that is dead may have left; on Linux the kernel has done so already."""
    pid = (read_json(workspace.processes) or {}).get("worker")
    if pid is None or not _is(pid, WORKER, workspace):
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    while _is(pid, WORKER, workspace):
        time.sleep(0.005)


def _is(pid: int, module: str, workspace: Workspace) -> bool:
    """Whether process ``pid`` is what we think it is: its number may be another's by now."""
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return module in words and str(workspace.path) in words
