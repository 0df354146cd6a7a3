"""The command line as a person or a program runs it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SECONDS = 120
"""Deadline of one command; it guards against hanging, nothing is measured by it."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything beside it is an error."""
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Done]:
    """Return a function that runs ``automl-bridge`` with the given words, in a folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir(exist_ok=True)

    def run(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path = folder) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "automl_bridge.cli", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "120", **(env or {})},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run
