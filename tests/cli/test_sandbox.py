"""``automl-bridge sandbox``: start, lead a shell to it, stop; and what it says where there is none."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

pytest.importorskip("moto", reason="the sandbox extra is not installed")


def bridge(*arguments, home):
    import os

    return subprocess.run(
        [sys.executable, "-m", "automl_bridge.cli", "sandbox", *arguments],
        env={**os.environ, "AUTOML_BRIDGE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def started(home):
    yield bridge("start", "aws", "--json", home=home)
    bridge("stop", home=home)


def test_a_shell_is_led_to_it_and_back(started, home):
    url = json.loads(started.stdout)["sandboxes"][0]["url"]
    assert url.startswith("http://127.0.0.1:")
    lines = bridge("env", home=home).stdout.splitlines()
    variables = dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)
    assert variables["AWS_ENDPOINT_URL"] == url
    assert variables["AUTOML_BRIDGE_SANDBOX"] == "aws"
    assert json.loads(bridge("start", "aws", "--json", home=home).stdout)["sandboxes"][0]["url"] == url
    assert json.loads(bridge("stop", "--json", home=home).stdout) == {"stopped": {"aws": True}}
    assert bridge("env", home=home).returncode == 2


def test_an_unknown_one_is_named(home):
    done = bridge("start", "asw", home=home)
    assert done.returncode == 2
    assert 'Did you mean "aws"' in done.stderr
