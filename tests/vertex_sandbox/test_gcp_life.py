"""The stand-in as a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from vertex_sandbox_kit import wait_for

from automl_bridge.errors import MissingExtraError
from automl_bridge.sandbox import life
from automl_bridge_vertex.sandbox import requirements

CHILD = """
import sys
from pathlib import Path
from automl_bridge_vertex.sandbox.gcs import Emulator
print(Emulator().address, flush=True)
sys.stdin.read()
"""


def test_the_emulator_ends_with_whoever_started_it():
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        address = process.stdout.readline().strip()
        assert requests.get(f"http://{address}/_internal/healthcheck", timeout=10).status_code == 200
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def ended(child):
        return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    wait_for(lambda: [one for one in children if not ended(one)], lambda left: not left, deadline=20)


def test_what_is_not_installed_is_named_with_the_pip_line(monkeypatch):
    monkeypatch.setitem(requirements.NEEDED, "google.cloud.no_such_service", "vertex,sandbox")
    with pytest.raises(MissingExtraError, match=r"automl-bridge\[vertex,sandbox\]"):
        requirements.check_installed()
    monkeypatch.delitem(requirements.NEEDED, "google.cloud.no_such_service")
    monkeypatch.setitem(requirements.NEEDED, "no_such_package.inner", "sandbox")
    with pytest.raises(MissingExtraError, match=r"no_such_package"):
        requirements.check_installed()


@pytest.mark.slow
def test_it_starts_and_stops_as_a_process_of_its_own(tmp_path):
    sandbox = life.start("gcp", home=tmp_path)
    try:
        assert sandbox.control()["sandbox"] == "gcp"
        assert sandbox.control("grpc")["address"] == sandbox.env["AUTOML_BRIDGE_SANDBOX_GCP_GRPC"]
        bucket = sandbox.env["AUTOML_BRIDGE_VERTEX__BUCKET"]
        assert requests.get(f"{sandbox.url}/storage/v1/b/{bucket}", timeout=10).json()["location"] == "US-CENTRAL1"
        assert life.env(home=tmp_path)["AUTOML_BRIDGE_SANDBOX"] == "gcp"
        key = sandbox.env["GOOGLE_APPLICATION_CREDENTIALS"]
        assert Path(key).stat().st_mode & 0o077 == 0
    finally:
        assert life.stop("gcp", home=tmp_path)
    assert not Path(key).exists()
