"""SIGKILL at every boundary of a run: before and after each call to AWS, and between two effects of the engine.

For each boundary a process of its own starts a run and dies there. The next one finds it in the store and finishes the
same job: one AutoML job, one transform job, the score, and nothing temporary left. Where there is no run in the store,
there is nothing in the account either.
"""

from __future__ import annotations

import os
import signal

import pytest
from sm_sandbox import QuickClock, begin, end, settings_of
from sm_world import dataset

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge_sagemaker import SageMakerBackend
from cloud_kit import Ticks

pytest.importorskip("moto")

BUDGET = Budget(max_time=3600, max_trials=1)
SOME = 12
"""Without ``-m slow`` only every so-manieth boundary is tried."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    home = tmp_path_factory.mktemp("aws")
    yield begin(home)
    end(home)


@pytest.fixture
def world(sandbox, monkeypatch, tmp_path):
    for name, value in sandbox.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def session(ticks: Ticks | None = None) -> Session:
        config = load_config(overrides={"home": tmp_path})
        made = SageMakerBackend(settings_of(sandbox), tmp_path / "work")
        opened = Session(config, backends=lambda _: made, clock=QuickClock())
        if ticks is not None:
            opened._engine.boundary = ticks.tick
        return opened

    return session


def whole_run(session: Session) -> None:
    task, built = dataset(900)
    run = session.submit(built, task=task, backend="sagemaker", metric="accuracy", budget=BUDGET)
    session.wait(run.id)


def in_a_process_that_dies(world, last: int) -> bool:
    """Run until the boundary; returns whether it was reached."""
    from botocore.client import BaseClient

    pid = os.fork()
    if not pid:
        try:
            ticks = Ticks(last)
            BaseClient._make_api_call = ticks.around(BaseClient._make_api_call)
            whole_run(world(ticks))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def names(call: str, key: str, name: str, stem: str) -> list[str]:
    import boto3

    return [one[name] for one in getattr(boto3.client("sagemaker"), call)(NameContains=stem, MaxResults=100)[key]]


def check(session: Session, backend: SageMakerBackend) -> None:
    runs = session.list()
    if not runs:
        return
    (run,) = runs
    done = session.wait(run.id)
    assert done.state is RunState.SUCCEEDED, done.failure
    assert done.scores["accuracy"] > 0.9
    assert done.usage.known
    assert names("list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName", run.name) == [run.name]
    transforms = names("list_transform_jobs", "TransformJobSummaries", "TransformJobName", f"{run.name}-h")
    assert transforms == [f"{run.name}-h"]
    left = [one for one in backend.resources() if (one.run or "").startswith(run.name)]
    # What stays is the model's own files, to predict with later.
    assert [(one.kind, one.name.endswith(f"/{run.name}/")) for one in left] == [("job files", True)]


def sweep(world, tmp_path, step: int) -> int:
    import shutil

    # The number of polls differs from run to run: one that ends before its boundary has no more of them.
    for tried, last in enumerate(range(1 + step // 2, 10_000, step)):
        reached = in_a_process_that_dies(world, last)
        session = world()
        check(session, session._engine.backend("sagemaker"))
        session.close()
        if not reached:
            return tried
        for leftover in tmp_path.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    raise AssertionError("a run has no 10,000 boundaries")


def test_some_boundaries(world, tmp_path):
    assert sweep(world, tmp_path, SOME) > 3


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_boundary(world, tmp_path):
    assert sweep(world, tmp_path, 1) > 50
