"""Which searches run side by side: over a cluster those of other seeds; without any cluster."""

from __future__ import annotations

import pytest
from autokeras_bench import Bench, mixed_table, wait

from automl_bridge.backend import JobState
from automl_bridge.data.build import build_dataset
from automl_bridge.local.layout import Workspace
from automl_bridge_autokeras import lanes

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def own(tmp_path):
    bench = Bench(tmp_path / "work", {"epochs": 1, "linger": 60})
    yield bench
    bench.backend().kill()


@pytest.fixture(scope="module")
def data():
    return build_dataset(mixed_table(), target="outcome")


def spec_of(bench, data, seed):
    task, dataset = data
    return bench.spec(dataset, task, "outcome", "roc_auc", seed=seed)


@pytest.mark.parametrize(("address", "expected"), [(None, [0, 0, 0, 0, 0]), ("auto", [0, 1, 2, 3, 0])])
def test_seeds_have_lanes_where_the_work_is_elsewhere(own, data, address, expected):
    backend = own.backend(ray_address=address)
    assert [lanes.lane_of(backend.plan(spec_of(own, data, seed))) for seed in range(5)] == expected


def test_a_cluster_that_is_gone_is_told_by_each_run(own, data):
    """In lanes of their own: submitted, found, polled and collected there."""
    started = [own.start(spec_of(own, data, seed), data[1], ray_address=NOWHERE) for seed in (0, 1)]
    backend = started[0][0]
    jobs = [job for _, _, job in started]
    assert [backend.find(plan) for _, plan, _ in started] == jobs
    wait(lambda: all(backend.poll(jobs)[job].state.is_final for job in jobs))
    for job in jobs:
        outcome = backend.collect(job)
        assert outcome.state is JobState.FAILED
        assert outcome.failure.kind == "service"
        assert f"nothing answers at the Ray address {NOWHERE}" in outcome.failure.message
    assert {path.name for path in (own.workspace / "jobs").iterdir()} == {job.name for job in jobs}
    held = [Workspace(lanes.place(own.workspace, lane)).processes for lane in (0, 1)]
    assert all(file.exists() for file in held)  # two supervisors


def test_lanes_with_nothing_to_do_end_for_one_that_waits(own, data):
    from automl_bridge.local import lock

    backend, _, first = own.start(spec_of(own, data, 0), data[1], ray_address=NOWHERE)
    _, _, second = own.start(spec_of(own, data, 1), data[1], ray_address=NOWHERE)
    wait(lambda: all(one.state.is_final for one in backend.poll([first, second]).values()))
    spaces = [Workspace(lanes.place(own.workspace, lane)) for lane in (0, 1)]
    wait(lambda: not any(any(space.waiting()) for space in spaces))
    assert [lock.is_held(space.lock) for space in spaces] == [True, True]
    lanes.end_idle(spaces[1].jobs / second.name)
    assert [lock.is_held(space.lock) for space in spaces] == [False, True]
