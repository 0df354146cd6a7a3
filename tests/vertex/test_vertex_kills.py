"""SIGKILL at every boundary of a run: before and after each call to Google, and between two effects of the engine.

For each boundary a process of its own starts a run and dies there. The next one finds it in the store and finishes the
same job: one training pipeline, one batch prediction job, the score, and nothing temporary left. Where there is no run
in the store, there is nothing in the project either.
"""

from __future__ import annotations

import os
import signal

import pytest
from vx_sandbox import QuickClock, at, served, settings_of
from vx_world import dataset

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge_vertex import VertexBackend
from automl_bridge_vertex.clients import Clients
from automl_bridge_vertex.objects import Objects
from automl_bridge_vertex.requests import RUN_LABEL
from cloud_kit import Ticks

BUDGET = Budget(max_cost_usd=30)
SOME = 17
"""Without ``-m slow`` only every so-manieth boundary is tried."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    yield from served(tmp_path_factory)


@pytest.fixture
def world(sandbox, monkeypatch, tmp_path, _google_variables):
    at(sandbox, monkeypatch)

    def session(ticks: Ticks | None = None) -> Session:
        config = load_config(overrides={"home": tmp_path})
        made = VertexBackend(settings_of(sandbox), tmp_path / "work")
        opened = Session(config, backends=lambda _: made, clock=QuickClock())
        if ticks is not None:
            opened._engine.boundary = ticks.tick
        return opened

    return session


def whole_run(session: Session) -> None:
    task, built = dataset(1500)
    run = session.submit(built, task=task, backend="vertex", metric="accuracy", budget=BUDGET)
    session.wait(run.id)


def in_a_process_that_dies(world, last: int) -> bool:
    """Run until the boundary; returns whether it was reached."""
    pid = os.fork()
    if not pid:
        try:
            ticks = Ticks(last)
            for owner, names in (
                (Clients, ("ask", "tell", "found")),
                (Objects, ("create", "read", "check_region", "delete_under")),
            ):
                for name in names:
                    setattr(owner, name, ticks.around(getattr(owner, name)))
            whole_run(world(ticks))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def named(backend: VertexBackend, noun: str, run: str) -> list[str]:
    clients = backend._clients
    client = {"training_pipelines": clients.pipelines, "batch_prediction_jobs": clients.jobs, "models": clients.models}
    request = {"parent": backend.settings.parent}
    found = getattr(client[noun], f"list_{noun}")(request=request)
    return [one.labels[RUN_LABEL] for one in found if one.labels[RUN_LABEL].startswith(run)]


def check(session: Session, backend: VertexBackend) -> None:
    runs = session.list()
    if not runs:
        return
    (run,) = runs
    done = session.wait(run.id)
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["accuracy"] > 0.9
    assert done.usage.known
    assert named(backend, "training_pipelines", run.name) == [run.name]
    assert named(backend, "batch_prediction_jobs", run.name) == [f"{run.name}-h"]
    assert named(backend, "models", run.name) == [run.name]
    left = [one for one in backend.resources() if (one.run or "").startswith(run.name)]
    # What stays is the model, to predict with later, and the run's own files.
    assert sorted(one.kind for one in left) == ["job files", "model"]


def sweep(world, tmp_path, step: int) -> int:
    import shutil

    # The number of polls differs from run to run: one that ends before its boundary has no more of them.
    for tried, last in enumerate(range(1 + step // 2, 10_000, step)):
        reached = in_a_process_that_dies(world, last)
        session = world()
        check(session, session._engine.backend("vertex"))
        session.close()
        if not reached:
            return tried
        for leftover in tmp_path.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    raise AssertionError("a run has no 10,000 boundaries")


@pytest.mark.slow
def test_some_boundaries(world, tmp_path):
    assert sweep(world, tmp_path, SOME) > 3


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_boundary(world, tmp_path):
    assert sweep(world, tmp_path, 1) > 50
