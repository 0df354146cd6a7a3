"""Asks a process of its own to convert a bundle, so that the caller never loads TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from automl_bridge import errors
from automl_bridge.bundle import read_bundle
from automl_bridge.errors import UnknownNameError
from automl_bridge.local.launch import environment
from automl_bridge.local.words import describe_exit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FORMATS", "convert_elsewhere"]

FORMATS = ("keras", "savedmodel", "onnx")


def convert_elsewhere(bundle: Path, path: Path, form: str, env: Mapping[str, str]) -> Path:
    """Write the network of ``bundle`` into the folder ``path``; returns it.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    UnsupportedError
        If the format cannot hold this network.
    RunFailedError
        If the process died.
    """
    if form not in FORMATS:
        raise UnknownNameError.of("format", form, ("bundle", *FORMATS))
    read_bundle(bundle)
    command = [sys.executable, "-P", "-m", "automl_bridge_autokeras.convert", str(bundle), str(path), form]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env={**environment(), **env}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        words = describe_exit(done.returncode).replace("the worker", "the process that exports")
        raise errors.RunFailedError(f"{words}\n{done.stderr.strip()[-2000:]}", kind="crash")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        kind: type[errors.AutoMLBridgeError] = getattr(errors, answer["error"])
        raise kind(answer["message"], hint=answer["hint"])
    return path
