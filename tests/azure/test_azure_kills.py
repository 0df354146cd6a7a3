"""SIGKILL at every boundary of a run: before and after each call to Azure, and between two effects of the engine.

For each boundary a process of its own starts a run and dies there. The next one finds it in the store and finishes the
same job: one AutoML job, one command job, the score, and nothing temporary left. Where there is no run in the store,
there is nothing in the workspace either.
"""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from az_sandbox import QuickClock, begin, end, lead_to, settings_of
from az_world import dataset

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge_azure import AzureBackend
from automl_bridge_azure.rest import JOBS_VERSION
from cloud_kit import Ticks

BUDGET = Budget(max_time=3600, max_trials=1)
SOME = 15
"""Every so-manieth boundary is tried where not every one is: each takes five seconds of a core, half of them for the
imports of the process that predicts."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    home = tmp_path_factory.mktemp("azure")
    yield begin(home)
    end(home)


@pytest.fixture
def world(sandbox, monkeypatch, tmp_path):
    lead_to(sandbox, monkeypatch)

    def session(ticks: Ticks | None = None) -> Session:
        config = load_config(overrides={"home": tmp_path})
        made = AzureBackend(settings_of(sandbox), tmp_path / "work")
        opened = Session(config, backends=lambda _: made, clock=QuickClock())
        if ticks is not None:
            opened._engine.boundary = ticks.tick
        return opened

    return session


def whole_run(session: Session) -> None:
    task, built = dataset(300)
    run = session.submit(built, task=task, backend="azure", metric="accuracy", budget=BUDGET)
    session.wait(run.id)


def in_a_process_that_dies(world, last: int) -> bool:
    """Run until the boundary; returns whether it was reached."""
    from azure.core.pipeline.transport import RequestsTransport

    pid = os.fork()
    if not pid:
        try:
            ticks = Ticks(last)
            # Every call of every client goes through it: Resource Manager, the data plane, blobs.
            RequestsTransport.send = ticks.around(RequestsTransport.send)
            whole_run(world(ticks))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def names(backend: AzureBackend, stem: str) -> list[str]:
    clients = backend._clients
    pages = clients.rest.pages(clients.arm("jobs"), {"api-version": JOBS_VERSION})
    return sorted(one["name"] for page in pages for one in page if one["name"].startswith(stem))


def check(session: Session, backend: AzureBackend) -> None:
    runs = session.list()
    if not runs:
        return
    (run,) = runs
    done = session.wait(run.id)
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["accuracy"] > 0.8
    assert done.usage.known
    assert names(backend, run.name) == [run.name, f"{run.name}-h"]
    left = [one for one in backend.resources() if (one.run or "").startswith(run.name)]
    assert left == []


def sweep(world, tmp_path, step: int) -> int:
    # The number of polls differs from run to run: one that ends before its boundary has no more of them.
    for tried, last in enumerate(range(1 + step // 2, 10_000, step)):
        reached = in_a_process_that_dies(world, last)
        session = world()
        check(session, session._engine.backend("azure"))
        session.close()
        if not reached:
            return tried
        for leftover in tmp_path.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    raise AssertionError("a run has no 10,000 boundaries")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_some_boundaries(world, tmp_path):
    assert sweep(world, tmp_path, SOME) > 3


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_boundary(world, tmp_path):
    assert sweep(world, tmp_path, 1) > 50
