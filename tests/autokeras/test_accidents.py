"""Searches that are killed, crash, run out of time or are gone on with by another job."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import pytest
from autokeras_bench import Bench, Fit, mixed_table, wait

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.local.queue import LocalQueue
from automl_bridge.scoring import score
from automl_bridge_autokeras import AutoKerasBackend
from automl_bridge_autokeras.request import staged_request


@pytest.fixture
def own(tmp_path):
    """A workspace whose processes this test may end."""
    bench = Bench(tmp_path / "work", {"epochs": 3})
    yield bench
    bench.backend()._queue().kill()


def job_of(bench, *, trials=3, **changes):
    task, dataset = build_dataset(mixed_table(), target="outcome")
    budget = Budget(max_trials=trials)
    return bench.spec(dataset, task, "outcome", "roc_auc", **{"budget": budget, **changes}), dataset


def finish(backend: AutoKerasBackend, job):
    wait(lambda: backend.poll([job])[job].state.is_final)
    return backend.collect(job)


def test_a_search_whose_processes_are_killed_goes_on(own, bench):
    spec, dataset = job_of(own, trials=2)
    backend, _, job = own.start(spec, dataset)
    wait(lambda: len(backend.poll([job])[job].trials) >= 1)
    processes = own_processes(own)
    assert len(processes) >= 2
    for pid in processes:
        with suppress(ProcessLookupError):  # the worker dies with its supervisor
            os.kill(pid, signal.SIGKILL)
    outcome = finish(backend, job)
    assert outcome.state is JobState.SUCCEEDED
    assert len([trial for trial in outcome.trials if trial.counts]) == 2
    again = bench.spec(dataset, spec.task, "outcome", "roc_auc", budget=spec.budget)
    undisturbed = bench.run(again, dataset, ensemble=True, refit=True)
    assert [(t.id, t.score) for t in outcome.trials] == [(t.id, t.score) for t in undisturbed.trials]


def own_processes(bench):
    import psutil

    mark = str(bench.workspace)
    return {p.pid for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or ())}


@pytest.mark.slow
def test_a_trial_that_crashes_its_worker_is_failed_and_the_search_goes_on(own):
    spec, dataset = job_of(own)
    backend = own.backend()
    plan = backend.plan(spec)
    queue = LocalQueue(own.workspace, "autokeras_handlers:crash_in_second_trial")
    queue.submit(spec.name, staged_request(plan, backend.stage(plan, dataset).uris))
    wait(lambda: queue.progress(spec.name).state.is_final)
    outcome = queue.outcome(spec.name)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    states = [trial.state for trial in outcome.trials if trial.counts]
    assert states == [JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.FAILED]
    assert "died while it ran this trial" in outcome.trials[-1].message
    assert int(outcome.trials[-1].id) == 1


def test_another_job_goes_on_from_finished_trials(bench, fitted: Fit):
    changes = {"name": "longer", "continues": fitted.spec.name, "budget": Budget(max_trials=3)}
    longer = bench.run(fitted.spec.model_copy(update=changes), fitted.dataset, epochs=12)
    before = {trial.id: trial.score for trial in fitted.outcome.trials}
    assert len(longer.trials) == 3
    assert before.items() <= {trial.id: trial.score for trial in longer.trials}.items()
    assert any("goes on from" in note for note in longer.notes)


def test_nothing_left_to_do_returns_the_best_at_once(bench, fitted: Fit):
    changes = {"name": "no-longer", "continues": fitted.spec.name}
    outcome = bench.run(fitted.spec.model_copy(update=changes), fitted.dataset, epochs=12)
    assert outcome.trials == fitted.outcome.trials
    rows = fitted.dataset.features("holdout")
    assert (bench.predict(outcome, rows) == bench.predict(fitted.outcome, rows)).all()


def test_other_data_are_never_gone_on_with(bench, fitted: Fit):
    task, dataset = build_dataset(mixed_table(seed=5), target="outcome")
    spec = bench.spec(dataset, task, "outcome", "roc_auc", continues=fitted.spec.name)
    outcome = bench.run(spec, dataset)
    assert len(outcome.trials) == 1
    assert any("starts anew" in note for note in outcome.notes)


def test_the_time_limit_is_kept_and_leaves_a_model(bench, fitted: Fit):
    spec, dataset = job_of(bench)
    backend = bench.backend()
    plan = backend.plan(spec)
    # Less than a plan would let pass: this worker has loaded TensorFlow already.
    request = {**staged_request(plan, backend.stage(plan, dataset).uris), "max_time": 4.0, "max_trials": 1000}
    started = time.monotonic()
    backend._queue().submit(spec.name, request)
    outcome = finish(backend, backend.find(plan))
    assert time.monotonic() - started < 4 + 5
    assert outcome.stopped_by == "max_time"
    assert outcome.state is JobState.SUCCEEDED
    assert bench.predict(outcome, dataset.features("holdout")).shape == (80, 2)


def test_without_time_for_a_network_there_is_a_linear_model(bench, fitted: Fit):
    spec, dataset = job_of(bench)
    backend = bench.backend()
    plan = backend.plan(spec)
    request = {**staged_request(plan, backend.stage(plan, dataset).uris), "max_time": 1.5, "grace": 5}
    backend._queue().submit(spec.name, request)
    outcome = finish(backend, backend.find(plan))
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert [trial.id for trial in outcome.trials] == ["linear"]
    assert any("the model is linear" in note for note in outcome.notes)
    outputs = bench.predict(outcome, dataset.features("holdout"))
    assert score("roc_auc", outputs, dataset.target_codes("holdout")) > 0.85


@pytest.mark.slow
def test_memory_does_not_grow_from_trial_to_trial(own):
    import psutil

    spec, dataset = job_of(own, trials=14)
    backend, _, job = own.start(spec, dataset)
    seen = {}

    def sample():
        progress = backend.poll([job])[job]
        workers = [pid for pid in own_processes(own) if "local.worker" in " ".join(psutil.Process(pid).cmdline())]
        for pid in workers:
            seen[len(progress.trials)] = psutil.Process(pid).memory_info().rss
        return progress.state.is_final

    wait(sample, 600)
    assert seen[12] < 1.05 * seen[4]


@pytest.mark.slow
def test_a_memory_limit_ends_in_words(own):
    spec, dataset = job_of(own)
    outcome = own.run(spec, dataset, max_memory=2**28)
    assert outcome.stopped_by == "memory"
    assert outcome.model is not None or outcome.failure.kind == "out-of-memory"
