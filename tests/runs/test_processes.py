"""Several processes over one store: each run is driven by one of them at a time."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

from folder_service import Script, Service, ToyBackend, small_dataset

from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.runs.engine import Engine, new_id
from automl_bridge.runs.lease import Heartbeat, Owner
from automl_bridge.runs.specs import make_spec
from automl_bridge.runs.states import RunState
from automl_bridge.runs.store import RunStore
from automl_bridge.task import Task

PROCESSES = multiprocessing.get_context("spawn")
DEADLINE = 120.0


class LocalToy(ToyBackend):
    """Answers as fast as a backend on this machine."""

    capabilities = Capabilities(
        tasks={Task.TABULAR_CLASSIFICATION: None}, features={Feature.LOCAL_PREDICTION: None, Feature.CANCEL: None}
    )


def engine_at(home: Path, url: str, polls: int = 2) -> Engine:
    return Engine(RunStore(url), home, lambda _: LocalToy(Service(home / "service"), Script(polls=polls)))


def create(engine: Engine, count: int) -> list[str]:
    task, data = small_dataset()
    saved = engine.data.save(data)
    backend, runs = engine.backend("toy"), []
    for _ in range(count):
        spec = make_spec(f"ab-{new_id()}", saved.profile, task=task, target=None, metric=None)
        runs.append(engine.record(backend.plan(spec), saved))
    engine.create(runs, saved)
    return [run.id for run in runs]


def drive_all(home: Path, url: str, ids: list[str], gate) -> None:
    """Wait for the other one, then drive all runs to their ends."""
    engine = engine_at(home, url)
    gate.wait(DEADLINE)
    ended = engine.drive(ids, timeout=DEADLINE)
    assert {run.state for run in ended} == {RunState.SUCCEEDED}


def test_two_processes_drive_twenty_runs_and_each_is_submitted_once(home, store_url):
    engine = engine_at(home, store_url)
    ids = create(engine, 20)
    gate = PROCESSES.Barrier(2)
    processes = [PROCESSES.Process(target=drive_all, args=(home, store_url, ids, gate)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(DEADLINE)
        assert process.exitcode == 0
    runs = engine.store.get_many(ids)
    assert {run.state for run in runs.values()} == {RunState.SUCCEEDED}
    names = [name for run in runs.values() for name in (run.name, f"{run.name}-h")]
    assert Service(home / "service").names("job") == sorted(names)
    for run_id in ids:
        states = [event.message for event in engine.store.events(run_id) if event.kind == "state"]
        assert states == [*dict.fromkeys(states)]
    engine.store.close()


def submit_one(home: Path, url: str, gate) -> None:
    engine = engine_at(home, url)
    gate.wait(DEADLINE)
    engine.drive(create(engine, 1), timeout=DEADLINE)


def test_two_processes_create_one_store_at_once(home, store_url):
    gate = PROCESSES.Barrier(2)
    processes = [PROCESSES.Process(target=submit_one, args=(home, store_url, gate)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(DEADLINE)
        assert process.exitcode == 0
    store = RunStore(store_url)
    assert [run.state for run in store.all()] == [RunState.SUCCEEDED] * 2
    store.close()


def test_one_waits_while_another_one_drives(home, store_url):
    """The second sees progress and the end, and sends nothing itself."""
    engine, other = engine_at(home, store_url, polls=8), engine_at(home, store_url)
    (run_id,) = create(engine, 1)
    engine.drive([run_id], until=lambda run: run.state is RunState.RUNNING)
    started, told = threading.Event(), []
    driver = threading.Thread(
        target=lambda: engine.drive([run_id], on_change=lambda _: started.set(), timeout=DEADLINE), daemon=True
    )
    driver.start()
    assert started.wait(DEADLINE)
    run = other.drive([run_id], on_change=told.append, timeout=DEADLINE)[0]
    driver.join(DEADLINE)
    assert run.state is RunState.SUCCEEDED
    assert told[-1] == run
    assert other.backend("toy").script.calls in ([], ["poll"])
    engine.store.close()


def test_a_long_call_keeps_its_lease(home, store_url):
    """A call that lasts longer than the lease: the heartbeat renews it meanwhile."""
    store = RunStore(store_url)
    (run_id,) = create(Engine(store, home, lambda _: LocalToy(Service(home / "service"))), 1)
    owner, rival = Owner.new(), Owner("elsewhere", 1, 1.0, "t")
    assert store.acquire([run_id], owner, time.time() - 3600) == {run_id}
    renewed = threading.Event()

    def renew() -> None:
        store.renew(owner, time.time())
        renewed.set()

    with Heartbeat(renew, every=0.01):
        assert renewed.wait(DEADLINE)
    assert store.acquire([run_id], rival, time.time()) == set()
    owner.close()
    store.close()


def test_a_wish_to_stop_reaches_the_process_that_drives(home, store_url):
    engine = engine_at(home, store_url, polls=10**9)
    (run_id,) = create(engine, 1)
    running, ended = threading.Event(), []

    def told(run) -> None:
        if run.state is RunState.RUNNING:
            running.set()

    driver = threading.Thread(
        target=lambda: ended.extend(engine.drive([run_id], on_change=told, timeout=DEADLINE)), daemon=True
    )
    driver.start()
    assert running.wait(DEADLINE)
    RunStore(store_url).request_cancel(run_id, time.time())
    # The prediction's job takes one poll only.
    job_done = lambda: len(engine.backend("toy").script.calls) and engine.store.get(run_id).state.is_final  # noqa: E731
    until = time.monotonic() + DEADLINE
    while not job_done() and time.monotonic() < until:
        if engine.store.get(run_id).state is RunState.SCORING:
            engine.backend("toy").script.polls = 1
        driver.join(0.02)
    driver.join(DEADLINE)
    assert [run.state for run in ended] == [RunState.CANCELLED]
    assert ended[0].scores
    engine.store.close()
