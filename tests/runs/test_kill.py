"""kill -9 of the process at every point: another one finishes the run, with one job of each at the service."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import numpy as np
import pytest
from folder_service import Clock, Killer, Script, Service, ToyBackend, small_dataset
from sqlalchemy import Engine as Connections
from sqlalchemy import event

from automl_bridge.config import Config
from automl_bridge.runs.record import ResourceState
from automl_bridge.runs.states import RunState
from automl_bridge.runs.store import RunStore
from automl_bridge.session import Session

# A server process that has everything imported, and forks for each start: a fresh process in some milliseconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "pandas",  # pyarrow asks for it where it is installed
        "psutil",
        "psycopg",
        "pyarrow.compute",
        "pytest",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
        "automl_bridge.config",
        "automl_bridge.data.build",
        "automl_bridge.runs.engine",
        "automl_bridge.runs.predicting",
        "automl_bridge.runs.rows",
        "automl_bridge.runs.store",
        "automl_bridge.runs.tables",
        "automl_bridge.scoring",
        "automl_bridge.session",
    ]
)
PREDICT_SEED = 1


def session_at(home: Path, url: str, killer: Killer) -> Session:
    """Open a session on the service in ``home``; whatever it does is a boundary."""
    clock = Clock()
    clock.on_sleep = killer
    backend = ToyBackend(Service(home / "service", killer), Script(polls=2))
    session = Session(Config(home=home, store=url, backend="toy"), backends=lambda _: backend, clock=clock)
    session._engine.boundary = killer
    event.listen(Connections, "commit", lambda _connection: killer("before commit"))
    return session


def submit_wait_predict(home: Path, url: str, at: int | None, counted) -> None:
    """Do the main job: submit, wait, predict by a job; die at boundary ``at``."""
    killer = Killer(at)
    task, data = small_dataset()
    _, new = small_dataset(PREDICT_SEED)
    with session_at(home, url, killer) as session:
        run = session.submit(data, task=task)
        session.wait(run.id)
        session.predict(run.id, new.parts["train"])
    counted.value = killer.count


def go_on(home: Path, url: str, at: int | None, counted) -> None:
    """Do what a person does on the next day: list, wait for what has not ended, predict again."""
    killer = Killer(at)
    _, new = small_dataset(PREDICT_SEED)
    with session_at(home, url, killer) as session:
        for run in session.list():
            ended = session.wait(run.id)
            outputs = session.predict(ended.id, new.parts["train"]).outputs
            np.save(home / "outputs.npy", outputs)
    counted.value = killer.count


def run_process(target, home: Path, url: str, at: int | None) -> tuple[int, int]:
    """Run ``target`` in a process of its own; returns its exit code and how many boundaries there were."""
    counted = PROCESSES.Value("i", 0)
    process = PROCESSES.Process(target=target, args=(home, url, at, counted))
    process.start()
    process.join(60)
    code = process.exitcode
    assert code is not None, "the process hangs"
    process.close()
    return code, counted.value


def check_world(home: Path, url: str, number: object) -> None:
    """Check that nothing is lost, doubled or left, whatever has happened."""
    store, service = RunStore(url), Service(home / "service")
    runs = store.all()
    jobs = service.names("job")
    assert len(jobs) == len(set(jobs)), (number, jobs)
    if not runs:
        assert jobs == []
        store.close()
        return
    (run,) = runs
    assert run.state is RunState.SUCCEEDED, (number, run.state, store.events(run.id))
    assert run.scores
    assert len(run.usage.items) == 2
    predicting = [name for name in jobs if "-p" in name]
    assert len(predicting) == 1
    assert sorted(jobs) == sorted([run.name, f"{run.name}-h", *predicting])
    models = service.names("model")
    assert len(models) == len(set(models)), (number, models)
    assert service.present("model") == []
    assert {resource.state for resource in store.resources(run.id)} == {ResourceState.DELETED}
    states = [event.message for event in store.events(run.id) if event.kind == "state"]
    assert states == [str(state) for state in RunState][:7] + ["succeeded"]
    rows = small_dataset(PREDICT_SEED)[1].parts["train"].num_rows
    assert np.load(home / "outputs.npy").shape == (rows, 2)
    store.close()


def sweep(home: Path, url_of, first: int = 1, step: int = 1) -> int:
    """Kill at boundary 1, 2, 3 … until the process ends by itself; returns how many there were."""
    number = first
    while True:
        place = home / str(number)
        url = url_of(place)
        code, count = run_process(submit_wait_predict, place, url, number)
        assert code in {0, -signal.SIGKILL}, (number, code)
        assert run_process(go_on, place, url, None)[0] == 0, number
        check_world(place, url, number)
        if code == 0:
            return count
        number += step


def test_the_process_is_killed_at_every_boundary(home):
    assert sweep(home, lambda place: f"sqlite:///{place / 'store.sqlite'}") > 50


def test_it_is_killed_at_every_fifth_boundary_over_postgresql(home, postgresql):
    import psycopg

    def database(place: Path) -> str:
        with psycopg.connect(f"{postgresql}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "kill{place.name}"')
        return f"{postgresql}/kill{place.name}"

    sweep(home, database, first=2, step=5)


@pytest.mark.parametrize("apart", [3, 7, 12])
def test_each_process_that_goes_on_is_killed_too(home, apart):
    """Die again and again, a few boundaries further on each time."""
    url = f"sqlite:///{home / 'store.sqlite'}"
    run_process(submit_wait_predict, home, url, 20)
    deaths = 0
    while True:
        code, _ = run_process(go_on, home, url, apart + deaths)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
    check_world(home, url, apart)
    assert deaths > 2
