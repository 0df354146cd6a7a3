"""The command line in this process, and one small AutoKeras model for all tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cases_kit import learn, mixed_table

from automl_bridge.cli.entry import invoke


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything beside it is an error."""
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command in an empty folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*words: str | Path) -> Said:
        capfd.readouterr()
        code = invoke([str(word) for word in words])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return run


FITS = {
    "baseline": {"budget": {"max_trials": 1}},
    "autokeras": {"budget": {"max_trials": 1}, "settings": {"epochs": 25, "linger": 5.0}},
}


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """Return the table that `model` learned from."""
    return mixed_table()


@pytest.fixture(scope="session", params=FITS)
def model(request: pytest.FixtureRequest, rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return an estimator that has learned twelve classes from every kind of column, by each local backend."""
    backend = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path_factory.mktemp(backend) / "home"))
        return learn(rows, backend=backend, metric="log_loss", **FITS[backend])
