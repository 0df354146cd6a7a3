"""What ``automl-bridge doctor autokeras`` looks at. Nothing here imports TensorFlow into the caller's process."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from automl_bridge.backend import Check
from automl_bridge.costs.gpus import Gpus, found_gpus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["checks"]

_PACKAGES = ("autokeras", "keras", "keras-tuner", "tensorboard", "six")
_GPU = """
import json, tensorflow as tf
found = tf.config.list_physical_devices("GPU")
print(json.dumps([tf.config.experimental.get_device_details(each).get("device_name", each.name) for each in found]))
"""
_LEAST_MEMORY = 2 * 2**30  # TensorFlow and a small search take about 1 GB
_LEAST_KERAS = (3, 12)


def checks(workspace: Path, environment: dict[str, str]) -> Iterable[Check]:
    """Look at packages, memory, cores, GPUs and the workspace."""
    for package in _PACKAGES:
        yield _package(package)
    yield _tensorflow()
    yield _memory()
    yield Check(name="cores", ok=True, detail=str(os.cpu_count() or 1))
    yield _gpus(environment)
    yield _writable(workspace)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(package: str) -> Check:
    found = _version(package)
    if found is None:
        return Check(name=f"package {package}", ok=False, detail='pip install "automl-bridge[autokeras]"')
    if package == "keras" and tuple(int(part) for part in found.split(".")[:2]) < _LEAST_KERAS:
        return Check(name="package keras", ok=False, detail=f"{found}; 3.12 or newer is needed")
    return Check(name=f"package {package}", ok=True, detail=found)


def _tensorflow() -> Check:
    for package in ("tensorflow", "tensorflow-cpu", "tensorflow-macos"):
        if (found := _version(package)) is not None:
            return Check(name=f"package {package}", ok=True, detail=found)
    return Check(name="package tensorflow", ok=False, detail='pip install "automl-bridge[autokeras]"')


def _memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available
    detail = f"{free / 2**30:.1f} GiB available"
    return Check(name="memory", ok=free >= _LEAST_MEMORY, detail=detail)


def _gpus(environment: dict[str, str]) -> Check:
    """Ask TensorFlow in a process of its own; it takes some seconds."""
    try:
        answer = subprocess.run(  # noqa: S603 - our own interpreter, a constant program
            [sys.executable, "-c", _GPU],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env={**os.environ, **environment},
        )
        seen = [str(name) for name in json.loads(answer.stdout.strip().splitlines()[-1])]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return Check(name="tensorflow starts", ok=False, detail=str(error)[:300])
    return Check(name="tensorflow starts", ok=True, detail=_gpu_words(seen, found_gpus()))


def _gpu_words(seen: list[str], listed: Gpus) -> str:
    """Say what TensorFlow computes on: the GPUs that it sees, beside those that the driver lists."""
    if seen:
        others = f"; a search uses the first of {len(seen)}" if len(seen) > 1 else ""
        return f"it computes on {seen[0]}{others}"
    if listed.number:
        return (
            f"the driver lists {listed.number} × {listed.model}, but TensorFlow sees no GPU: it computes on the cores; "
            'pip install "tensorflow[and-cuda]" brings what it needs'
        )
    return "no GPU: it computes on the cores"


def _writable(workspace: Path) -> Check:
    # The nearest folder that is there: looking must leave nothing behind.
    place = next((folder for folder in (workspace, *workspace.parents) if folder.exists()), workspace)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        detail = f"{workspace}: {error.strerror}; set AUTOML_BRIDGE_HOME to a folder that can be written"
        return Check(name="workspace", ok=False, detail=detail)
    return Check(name="workspace", ok=True, detail=str(workspace))
