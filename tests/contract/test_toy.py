import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl_bridge import registry
from automl_bridge.testing import BackendContract

TOY = Path(__file__).parents[1] / "plugins" / "toy"


@pytest.mark.usefixtures("installed_toy")
class TestToy(BackendContract):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory):
        kind = registry.load_class("toy")
        return kind(kind.settings_class(), tmp_path_factory.mktemp("toy"))


def test_a_complete_backend_takes_at_most_80_lines():
    assert len((TOY / "automl_bridge_toy.py").read_text().splitlines()) <= 80


def test_a_plug_in_is_found_by_its_entry_point(installed_toy):
    assert "toy" in registry.names()
    assert registry.load_class("toy").name == "toy"


def test_a_plug_in_shows_on_the_command_line(toy_site, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(toy_site), str(TOY)])}
    script = "from automl_bridge import registry; print(registry.names())"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "'toy'" in done.stdout
