"""Searches with several worker processes on this machine."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress

import psutil
import pytest
from autokeras_bench import Bench, Fit, mixed_table, wait

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge_autokeras.request import staged_request

LONG = {"epochs": 60, "ensemble": False, "refit": False}  # long enough to do something meanwhile


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory):
    """A bench whose searches have two workers, warm from test to test."""
    bench = Bench(
        tmp_path_factory.mktemp("two") / "work", {"epochs": 3, "ensemble": False, "refit": False, "workers": 2}
    )
    yield bench
    gone(bench)


@pytest.fixture(scope="module")
def data():
    return build_dataset(mixed_table(), target="outcome")


def spec_of(bench: Bench, data, trials: int, **changes):
    task, dataset = data
    return bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=trials), **changes), dataset


def processes(bench: Bench) -> list[psutil.Process]:
    """Everything that was started for the workspace."""
    mark, found = str(bench.workspace), set()
    for process in psutil.process_iter(["cmdline"]):
        if mark in " ".join(process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                found |= {process, *process.children(recursive=True)}
    return list(found)


def trainers(bench: Bench) -> list[psutil.Process]:
    """The worker processes in the order of their numbers, as long as none was replaced."""
    spawned = [each for each in processes(bench) if "spawn_main" in " ".join(each.cmdline())]
    return sorted((each for each in spawned if "resource_tracker" not in " ".join(each.cmdline())), key=began)


def began(process: psutil.Process) -> tuple[float, int]:
    return process.create_time(), process.pid


def gone(bench: Bench) -> None:
    """End everything, and see that it is gone."""
    there = processes(bench)
    bench.backend()._queue().kill()
    assert psutil.wait_procs(there, timeout=15)[1] == []


def rows(outcome):
    return sorted((trial.id.lstrip("0"), trial.score) for trial in outcome.trials if trial.counts)


def watch(backend, job, pattern: str) -> re.Match[str]:
    return wait(lambda: re.search(pattern, backend.poll([job])[job].message), 240)


def end(backend, job, seconds: float = 240.0):
    wait(lambda: backend.poll([job])[job].state.is_final, seconds)
    return backend.collect(job)


def run(bench: Bench, spec, dataset, **settings):
    backend, _, job = bench.start(spec, dataset, **settings)
    return end(backend, job)


def alone(bench: Bench, data, trials: int, **settings):
    """What one worker finds."""
    return run(bench, *spec_of(bench, data, trials), **settings)


def test_two_workers_find_what_one_finds(two, bench, data):
    spec, dataset = spec_of(two, data, 2)
    backend, _, job = two.start(spec, dataset)
    seen = watch(backend, job, r"trial (\d) on worker (\d)")
    outcome = end(backend, job)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert seen[2] in "12"
    assert {trial.params["worker"] for trial in outcome.trials} <= {"worker 1", "worker 2"}
    assert rows(outcome) == rows(alone(bench, data, 2))


@pytest.mark.slow
def test_an_ensemble_is_made_of_networks_from_all_workers(two, data):
    spec, dataset = spec_of(two, data, 4)
    outcome = run(two, spec, dataset, ensemble=True)
    together = [trial for trial in outcome.trials if trial.id == "ensemble"]
    assert not together or set(together[0].params["networks"]) <= {trial.id for trial in outcome.trials}
    assert len(rows(outcome)) == 4
    assert two.predict(outcome, dataset.features("holdout")).shape == (80, 2)


@pytest.mark.slow
def test_workers_stay_warm_and_forget_the_job_before(two, data):
    before = {process.pid for process in trainers(two)}
    other = build_dataset(mixed_table(seed=3), target="outcome")
    spec, dataset = spec_of(two, other, 2)
    outcome = run(two, spec, dataset)
    assert len(rows(outcome)) == 2
    assert {process.pid for process in trainers(two)} == before
    assert list((two.workspace / "jobs" / spec.name).glob("worker*")) == []
    assert not (two.workspace / "jobs" / spec.name / "prepared.pickle").exists()


@pytest.mark.slow
def test_a_killed_worker_loses_only_its_trial(two, bench, data):
    spec, dataset = spec_of(two, data, 4)
    backend, _, job = two.start(spec, dataset, **LONG)
    victim = int(watch(backend, job, r"trial 2 on worker (\d)")[1])
    trainers(two)[victim - 1].kill()
    outcome = end(backend, job)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert "trial 1 is tried again" in log(two, spec)
    assert log(two, spec).count("tried again") == 1
    assert rows(outcome) == rows(alone(bench, data, 4, **LONG))


def log(bench: Bench, spec) -> str:
    return (bench.workspace / "jobs" / spec.name / "log.txt").read_text()


@pytest.mark.slow
def test_a_trial_that_kills_its_worker_twice_is_failed(two, data):
    spec, dataset = spec_of(two, data, 1)
    outcome = run(two, spec, dataset, callbacks=["parallel_accidents:Killer"])
    assert outcome.state is JobState.FAILED
    assert outcome.failure.kind == "all-trials-failed"
    assert "tried 2 times" in outcome.failure.message
    assert "SIGKILL" in outcome.failure.message


@pytest.mark.slow
def test_cancel_ends_the_trials_and_keeps_the_best(two, data):
    spec, dataset = spec_of(two, data, 50)
    backend, _, job = two.start(spec, dataset, **LONG)
    wait(lambda: len(backend.poll([job])[job].trials) >= 1 and backend.poll([job])[job].message, 240)
    started = time.monotonic()
    backend.cancel(job)
    outcome = end(backend, job)
    assert time.monotonic() - started < 10
    assert outcome.stopped_by == "cancel"
    assert outcome.model is not None
    assert two.predict(outcome, dataset.features("holdout")).shape == (80, 2)


@pytest.mark.slow
def test_max_time_is_kept(two, data):
    spec, dataset = spec_of(two, data, 3)
    backend = two.backend(**LONG)
    plan = backend.plan(spec)
    # Less than a plan would let pass: these workers have loaded TensorFlow already.
    request = {**staged_request(plan, backend.stage(plan, dataset).uris), "max_time": 8.0, "max_trials": 1000}
    started = time.monotonic()
    backend._queue().submit(spec.name, request)
    outcome = end(backend, backend.find(plan))
    assert time.monotonic() - started < 8 + 10
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert outcome.stopped_by == "max_time"


@pytest.mark.slow
def test_a_search_whose_processes_are_killed_goes_on(tmp_path, data, bench):
    own = Bench(tmp_path / "work", {**LONG, "workers": 2})
    try:
        spec, dataset = spec_of(own, data, 4)
        backend, _, job = own.start(spec, dataset)
        wait(lambda: len(backend.poll([job])[job].trials) >= 1 and backend.poll([job])[job].message, 240)
        there = processes(own)
        for process in there:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(there, timeout=15)
        outcome = end(backend, job)
        assert outcome.state is JobState.SUCCEEDED, outcome.failure
        assert rows(outcome) == rows(alone(bench, data, 4, **LONG))
    finally:
        gone(own)


@pytest.mark.slow
def test_when_the_search_itself_is_killed_its_workers_end_and_no_trial_is_blamed(tmp_path, data):
    own = Bench(tmp_path / "work", {**LONG, "workers": 2})
    try:
        spec, dataset = spec_of(own, data, 3)
        backend, _, job = own.start(spec, dataset)
        watch(backend, job, r"trial 2 on worker \d")
        old = trainers(own)
        (searching,) = [one for one in processes(own) if "local.worker" in " ".join(one.cmdline())]
        os.kill(searching.pid, signal.SIGKILL)
        assert psutil.wait_procs(old, timeout=15)[1] == []
        outcome = end(backend, job)
        assert [trial.state for trial in outcome.trials] == [JobState.SUCCEEDED] * 3
    finally:
        gone(own)


@pytest.mark.slow
def test_one_worker_goes_on_from_what_two_began(tmp_path, data):
    own = Bench(tmp_path / "work", {**LONG, "workers": 2})
    try:
        spec, dataset = spec_of(own, data, 4)
        backend, _, job = own.start(spec, dataset)
        wait(lambda: len(backend.poll([job])[job].trials) >= 1 and backend.poll([job])[job].message, 240)
        backend.cancel(job)
        end(backend, job)
        changes = {"name": "longer", "continues": spec.name, "budget": Budget(max_trials=5)}
        outcome = run(own, spec.model_copy(update=changes), dataset, workers=1)
        assert len(rows(outcome)) == 5
        assert any("goes on from" in note for note in outcome.notes)
    finally:
        gone(own)


@pytest.mark.slow
def test_auto_begins_alone_and_starts_workers_where_trials_are_long(tmp_path, data, fitted: Fit):
    own = Bench(tmp_path / "work", {**LONG, "workers": "auto"})
    try:
        spec, dataset = spec_of(own, data, 300)
        backend, _, job = own.start(spec, dataset)
        cores = len(psutil.Process().cpu_affinity())
        if cores > 1:
            watch(backend, job, r"on worker \d")
            first = wait(lambda: backend.poll([job])[job].trials)
            assert any("worker" not in trial.params for trial in first if int(trial.id) == 0)
        backend.cancel(job)
        assert end(backend, job).model is not None
    finally:
        gone(own)


@pytest.mark.slow
def test_the_memory_limit_counts_all_workers(tmp_path, data):
    own = Bench(tmp_path / "work", {**LONG, "workers": 2, "max_memory": "900MB"})
    try:
        spec, dataset = spec_of(own, data, 4)
        outcome = run(own, spec, dataset)
        assert outcome.stopped_by == "memory" or (outcome.failure and outcome.failure.kind == "out-of-memory")
        wait(lambda: not trainers(own), 15)
    finally:
        gone(own)


def test_the_number_of_workers_does_not_make_it_another_search(data, tmp_path):
    one, two = (Bench(tmp_path, {"workers": count}) for count in (1, 2))
    spec, _ = spec_of(one, data, 2)
    assert one.backend().plan(spec).request["search"] == two.backend().plan(spec).request["search"]
