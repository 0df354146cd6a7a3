import os
import urllib.request
from pathlib import Path

import psutil
import pytest

from automl_bridge.errors import BackendError
from automl_bridge.sandbox import life

TOY = "sandbox_toy_service:Toy"


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")])))
    yield tmp_path
    for sandbox in life.status(home=tmp_path):
        life.stop(sandbox.provider, home=tmp_path)


def test_starts_once_tells_its_variables_and_stops(home):
    sandbox = life.start(TOY, home=home)
    assert sandbox.control()["sandbox"] == "toy"
    assert life.start(TOY, home=home) == sandbox
    assert life.status(home=home) == [sandbox]
    assert life.env(home=home) == {"TOY_ENDPOINT": sandbox.url, "AUTOML_BRIDGE_SANDBOX": TOY}
    with urllib.request.urlopen(sandbox.url, timeout=10) as answer:
        assert answer.status == 200
    assert life.stop(TOY, home=home)
    assert not life.stop(TOY, home=home)
    assert life.env(home=home) == {}
    assert not psutil.pid_exists(sandbox.pid)


def test_one_that_was_killed_is_not_taken_for_running(home):
    sandbox = life.start(TOY, home=home)
    process = psutil.Process(sandbox.pid)
    process.kill()
    life._started.pop(sandbox.pid).wait(10)
    assert life.status(home=home) == []
    assert life.start(TOY, home=home).pid != sandbox.pid


def test_a_port_that_is_taken_is_said_with_the_log(home):
    sandbox = life.start(TOY, home=home)
    with pytest.raises(BackendError, match="did not start") as caught:
        life.start(TOY, home=home / "other", port=sandbox.port)
    assert "log" in caught.value.hint
