"""The command line as a person or a program runs it: a process of its own."""

from __future__ import annotations

import json
import os
import random
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


def _run(words: tuple[str | Path, ...], *, cwd: Path, env: Mapping[str, str]) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "automl_bridge.cli", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120", **env},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Done]:
    """Return a function that runs ``automl-bridge`` with the given words, in a folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path = folder) -> Done:
        return _run(words, cwd=cwd, env=env or {})

    return run


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a CSV of 200 rows: two numbers, a category with blanks, and ``label``, yes or no."""
    rng = random.Random(0)
    lines = ["size,weight,colour,label"]
    for _ in range(200):
        size, colour = rng.gauss(0, 1), rng.choice(["red", "green", ""])
        label = "yes" if size + (colour == "red") + rng.gauss(0, 0.5) > 0.3 else "no"
        lines.append(f"{size:.3f},{rng.random():.3f},{colour},{label}")
    path = tmp_path_factory.mktemp("data") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def _trained_once(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("trained")
    env = {"AUTOML_BRIDGE_HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    done = _run(("fit", table, "--target", "label", "--backend", "baseline", "--json"), cwd=folder, env=env)
    assert done.code == 0, done.err
    return folder / "home", done.document


@pytest.fixture
def trained(_trained_once: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the document of a finished baseline run on `table`, and make its store the test's; only to be read."""
    home, document = _trained_once
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(home))
    return document


@pytest.fixture
def slow(tmp_path: Path) -> Mapping[str, str]:
    """Return the variables that make the backend ``slow`` known to a command."""
    info = tmp_path / "site" / "slow_backend-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-backend\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[automl_bridge.backends]\nslow = slow_backend:SlowBackend\n")
    folders = [str(info.parent), str(Path(__file__).parent / "plugin"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
