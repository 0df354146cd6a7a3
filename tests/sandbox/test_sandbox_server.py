import http.client
import json
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime

import pytest
from sandbox_toy_service import Toy

from automl_bridge.errors import UnknownNameError
from automl_bridge.sandbox.server import SandboxServer, load_factory


@pytest.fixture
def server():
    with SandboxServer(Toy) as running:
        yield running


def call(server, path="/", method="GET", body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def test_listens_on_loopback_only_and_says_what_it_is(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert json.loads(call(server, "/sandbox"))["sandbox"] == "toy"
    assert server.env == {"TOY_ENDPOINT": server.url, "AUTOML_BRIDGE_SANDBOX": "toy"}


def test_counts_calls_by_operation(server):
    for method in ("GET", "POST", "POST"):
        call(server, method=method)
    assert json.loads(call(server, "/sandbox/calls")) == {"toy.Add": 2, "toy.Show": 1}
    call(server, "/sandbox/calls", "DELETE")
    assert server.calls.to_json() == {}


def test_a_fault_is_worded_by_the_service(server):
    server.faults.add("throttle", count=1)
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(server)
    assert caught.value.code == 418
    assert caught.value.read() == b"throttle"
    caught.value.close()
    assert call(server) == "0"


def test_a_reset_before_takes_no_effect_and_one_after_does(server):
    for kind, value in (("reset-before", "0"), ("reset-after", "1")):
        server.faults.add(kind, "toy.Add", count=1)
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected, urllib.error.URLError)):
            call(server, method="POST")
        assert call(server) == value


def test_a_slow_answer_comes_late(server):
    server.faults.add("slow", seconds=0.3)
    began = time.monotonic()
    assert call(server) == "0"
    assert time.monotonic() - began >= 0.3


def test_faults_come_and_go_by_the_control_endpoint(server):
    call(server, "/sandbox/faults", "POST", {"kind": "server-error", "operations": ["toy.Show"]})
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(server)
    caught.value.close()
    assert json.loads(call(server, "/sandbox/faults"))[0]["struck"] == 1
    call(server, "/sandbox/faults", "DELETE")
    assert call(server) == "0"


def test_answers_carry_the_simulated_date(server):
    before = server.clock.time()
    call(server, "/sandbox/clock", "POST", {"advance": 86400})
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        dates = answer.headers.get_all("Date")
    assert len(dates) == 1
    assert parsedate_to_datetime(dates[0]).timestamp() - before >= 86399


def test_a_service_has_control_actions_of_its_own(server):
    call(server, method="POST")
    assert json.loads(call(server, "/sandbox/reset", "POST", {})) == {"value": 0}
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        call(server, "/sandbox/unknown", "POST", {})
    caught.value.close()


def test_a_foreign_host_name_or_a_signed_request_does_not_reach_the_controls(server):
    assert call(server, "/sandbox", headers={"Host": "evil.example"}) == "0"
    assert call(server, "/sandbox", headers={"Authorization": "signed"}) == "0"


def test_a_bad_control_request_is_said_to_be_one(server):
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        call(server, "/sandbox/faults", "POST", {"kind": "earthquake"})
    assert "earthquake" in json.loads(caught.value.read())["error"]
    caught.value.close()


def test_an_unknown_provider_is_named():
    with pytest.raises(UnknownNameError, match="atlantis"):
        load_factory("atlantis")
