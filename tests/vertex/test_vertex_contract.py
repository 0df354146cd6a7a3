"""Every tier of BackendContract over the sandbox, over a socket, plain and with 30 % of calls failing."""

from __future__ import annotations

import pytest
from vx_sandbox import Patient, at, served, settings_of

from automl_bridge.budget import Budget
from automl_bridge.testing.contract import BackendContract, TaskContract
from cloud_kit import sweep_up

# A process that "dies" in the middle of connecting leaves a socket that nobody closes.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    yield from served(tmp_path_factory)
    sweep_up()


@pytest.fixture(autouse=True)
def _at_the_sandbox(sandbox, monkeypatch, _google_variables):
    at(sandbox, monkeypatch)


class AtTheSandbox:
    """A backend that finds it."""

    grpc = False

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, sandbox, tmp_path_factory):
        with pytest.MonkeyPatch.context() as patch:
            at(sandbox, patch)
            yield Patient(settings_of(sandbox, grpc=cls.grpc), tmp_path_factory.mktemp("work"))
        sandbox.control("faults", method="DELETE")


class TestContract(AtTheSandbox, BackendContract):
    """Nothing fails but what is asked to."""

    rows = 1800
    budget = Budget(max_time=3600)

    @pytest.mark.usefixtures("trained")
    def test_what_was_planned_can_be_deleted_and_then_nothing_is_left(self, backend):
        """Here, so that it comes last: what it deletes is what the other tests predict with."""
        super().test_what_was_planned_can_be_deleted_and_then_nothing_is_left(backend)


class TestContractOverGrpc(TestContract):
    """The same by the other transport."""

    grpc = True


class TestContractWithFaults(TestContract):
    """30 % of all calls fail: throttled, a 500, the connection reset before or after the request took effect."""

    patience = 240.0

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _faults(cls, sandbox):
        for seed, kind in enumerate(("throttle", "server-error", "reset-before", "reset-after")):
            sandbox.control("faults", {"kind": kind, "operations": ["*"], "rate": 0.075, "seed": seed})
        yield
        sandbox.control("faults", method="DELETE")


class TestTasks(AtTheSandbox, TaskContract):
    """Pictures and series."""

    rows = 1800
    budget = Budget(max_time=8 * 3600)
