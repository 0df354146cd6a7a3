"""What every test starts from: folders of its own, no settings of the person who runs it, no metadata addresses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked slow unless ``-m`` names a choice of its own."""
    if config.option.markexpr:
        return
    keep = [item for item in items if "slow" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "slow" in item.keywords])
    items[:] = keep


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("AUTOML_BRIDGE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the folder that `AUTOML_BRIDGE_HOME` names in this test."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def credit_csv() -> Path:
    """Return the example table: 4,454 loans, 13 features with missing values, ``status`` good or bad."""
    return Path(__file__).parents[1] / "examples" / "data" / "credit.csv"
