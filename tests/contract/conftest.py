"""The toy plug-in, installed as anybody's would be: a module and its entry point on the path."""

import importlib
import sys
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "plugins" / "toy"


def _dist_info(folder, name, version, entry_points):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture(scope="session")
def toy_site(tmp_path_factory):
    """A folder that says what `pip install tests/plugins/toy` would say, from the plug-in's own pyproject.toml."""
    import tomllib

    project = tomllib.loads((TOY / "pyproject.toml").read_text())["project"]
    lines = ["[automl_bridge.backends]"]
    lines += [f"{name} = {target}" for name, target in project["entry-points"]["automl_bridge.backends"].items()]
    site = tmp_path_factory.mktemp("site")
    _dist_info(site, project["name"], project["version"], "\n".join(lines))
    return site


@pytest.fixture(scope="session")
def installed_toy(toy_site):
    added = [str(toy_site), str(TOY)]
    sys.path[:0] = added
    importlib.invalidate_caches()
    yield
    for path in added:
        sys.path.remove(path)
    sys.modules.pop("automl_bridge_toy", None)
