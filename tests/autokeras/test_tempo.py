"""A search ends in time on a machine that becomes slower: told with a clock of its own, so that none of it is luck."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from automl_bridge.backend import JobState
from automl_bridge.metrics import METRICS
from automl_bridge_autokeras import recorder as recorders
from automl_bridge_autokeras.guard import LinearGuard
from automl_bridge_autokeras.recorder import Recorder
from automl_bridge_autokeras.tempo import Tempo

BUILD, CHUNK, KEEP, SAVE = 2.0, 0.2, 0.3, 0.3  # seconds of a quiet machine
EPOCHS = 20


class Machine:
    """A clock, and how many times slower everything is from some moment on."""

    def __init__(self, slow: float = 1.0, since: float = 0.0) -> None:
        self.now, self.worked, self._slow, self._since = 0.0, 0.0, slow, since

    def works(self, seconds: float) -> None:
        self.worked += seconds
        quickly = min(seconds, max(0.0, self._since - self.now))
        self.now += quickly + (seconds - quickly) * self._slow


class FakeJob:
    """As much of a `Job` as a recorder asks."""

    cancelled = False

    def __init__(self, machine: Machine, limit: float) -> None:
        self._machine, self.deadline, self.kept = machine, limit, []

    @property
    def seconds_left(self) -> float:
        return self.deadline - self._machine.now

    def report(self, progress) -> None:
        """Nobody looks."""

    def checkpoint(self, outcome) -> None:
        self.kept.append(outcome)


def searched(folder, monkeypatch, machine, *, limit=60.0, scores=lambda trial: 0.5 + trial / 100, trials=1000):
    """Search on ``machine`` as the tuner does, trial after trial; returns the recorder and what came of it."""
    monkeypatch.setattr(recorders, "time", SimpleNamespace(monotonic=lambda: machine.now))
    monkeypatch.setattr(recorders, "Tempo", lambda: Tempo(lambda: machine.now, lambda: machine.worked))
    recorder = Recorder(FakeJob(machine, limit), folder, METRICS["roc_auc"], trials, lambda *_: machine.works(SAVE), {})
    recorder.keep_guard(LinearGuard.from_json({"classes": True, "means": [], "kept": [], "weights": [[1, 1]]}), 0.4)
    while len(recorder.trials) < trials and not recorder.is_late:
        trial(recorder, machine, len(recorder.trials), scores(len(recorder.trials)))
    recorder.search_ended()
    return recorder, recorder.final()


def trial(recorder, machine, number, score):
    name, began = str(number), machine.now
    machine.works(BUILD)
    recorder.trial_started(name, EPOCHS)
    for epoch in range(1, EPOCHS + 1):
        machine.works(CHUNK)
        stopped = recorder.stop()
        if stopped and epoch > 1:
            break
        recorder.epoch_ended(name, SimpleNamespace(number=epoch, scores={"roc_auc": score}, best=True), None)
        if stopped:
            break
    machine.works(KEEP)
    recorder.trial_ended(Result(name, score, epoch, machine.now - began), None)


class Result:
    """As much of a `TrialResult` as a recorder asks; TensorFlow need not be loaded for it."""

    values, cut, file = {}, False, None

    def __init__(self, trial_id, score, epochs, seconds):
        self.trial_id = trial_id
        self._document = {"scores": {"roc_auc": score}, "best_epoch": 1, "epochs": epochs, "seconds": seconds}

    def document(self):
        return {**self._document, "size": 10}


@pytest.mark.parametrize("slow", [2, 5, 10])
def test_a_search_ends_in_time_on_a_slow_machine(tmp_path, monkeypatch, slow):
    machine = Machine(slow)
    searched(tmp_path, monkeypatch, machine, limit=120.0)
    assert machine.now <= 120


@pytest.mark.parametrize(
    ("slow", "since"),
    [
        *[(2, since) for since in (25, 38, 51, 55, 58)],
        *[(5, since) for since in (5, 13, 21, 30, 37, 40)],
        *[(10, since) for since in (7, 11, 14, 17, 30)],
    ],
)
def test_a_search_ends_in_time_on_a_machine_that_becomes_slow(tmp_path, monkeypatch, slow, since):
    """What was measured before is stretched. A network that is being built just then cannot be: it is not tried."""
    machine = Machine(slow, since)
    _, outcome = searched(tmp_path, monkeypatch, machine)
    assert outcome.stopped_by == "max_time"
    assert machine.now <= 60


def test_a_quiet_machine_uses_its_time(tmp_path, monkeypatch):
    machine = Machine()
    searched(tmp_path, monkeypatch, machine)
    assert machine.now > 60 - BUILD - 2


def test_time_goes_to_no_trial_that_could_not_be_stopped(tmp_path, monkeypatch):
    """What a trial takes until it can be stopped is known from the ones before."""
    machine = Machine()
    recorder, _ = searched(tmp_path, monkeypatch, machine, trials=2)
    for left in (BUILD + 2.5, 1.0):
        recorder._job.deadline = machine.now + left
        assert recorder.is_late is (left < BUILD)


@pytest.mark.parametrize("better", [True, False])
def test_the_linear_model_is_no_trial(tmp_path, monkeypatch, better):
    """Where no network had its time, and none is better, it is what is kept: a row beside the trials that were made."""
    monkeypatch.setattr(Result, "cut", True)
    scores = lambda _: 0.9 if better else 0.1  # noqa: E731 - the guard's is 0.4
    _, outcome = searched(tmp_path, monkeypatch, Machine(), limit=1000.0, trials=10, scores=scores)
    assert outcome.stopped_by == "max_trials"
    assert [row.id for row in outcome.trials if not row.counts] == ([] if better else ["linear"])
    assert sum(row.counts for row in outcome.trials) == 10


def test_a_trial_that_is_kept_unfinished_and_failed_counts_once(tmp_path, monkeypatch):
    """Its first network was kept, its worker died, and it was marked as failed."""
    machine = Machine()
    recorder, _ = searched(tmp_path, monkeypatch, machine, limit=1.0)  # no time for any
    recorder.trial_started("0", EPOCHS)
    recorder.epoch_ended("0", SimpleNamespace(number=1, scores={"roc_auc": 0.8}, best=True), None)
    recorder.trial_failed("0", "the worker died")
    outcome = recorder.final()
    assert [(row.id, row.state, row.counts) for row in outcome.trials] == [
        ("0", JobState.SUCCEEDED, False),
        ("0", JobState.FAILED, True),
    ]
