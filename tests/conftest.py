"""What every test starts from: folders of its own, no settings of the person who runs it, no metadata addresses."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import tomllib
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
def _interruptible():
    """Take Ctrl-C as a terminal gives it, whatever started pytest and whatever ran before.

    What a script starts in the background ignores it (POSIX shells), a command that was interrupted in this process
    ignores it from then on, and every process that a test starts inherits that.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


TOY = Path(__file__).parent / "plugins" / "toy"


def _dist_info(folder, name, version, entry_points):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture(scope="session")
def toy_site(tmp_path_factory):
    """A folder that says what `pip install tests/plugins/toy` would say, from the plug-in's own pyproject.toml."""
    project = tomllib.loads((TOY / "pyproject.toml").read_text())["project"]
    lines = ["[automl_bridge.backends]"]
    lines += [f"{name} = {target}" for name, target in project["entry-points"]["automl_bridge.backends"].items()]
    site = tmp_path_factory.mktemp("site")
    _dist_info(site, project["name"], project["version"], "\n".join(lines))
    return site


@pytest.fixture(scope="module")
def installed_toy(toy_site):
    """The toy plug-in, installed as anybody's would be: a module and its entry point on the path."""
    added = [str(toy_site), str(TOY)]
    sys.path[:0] = added
    importlib.invalidate_caches()
    yield
    for path in added:
        sys.path.remove(path)
    sys.modules.pop("automl_bridge_toy", None)


@pytest.fixture
def toy_backend(installed_toy):
    """Return the name of a backend that is not one of ours."""
    return "toy"
