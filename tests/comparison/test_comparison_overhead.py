"""What a comparison adds to its slowest backend: little, as nothing waits that need not."""

from __future__ import annotations

import pytest

from automl_bridge import Session, compare, load_config
from automl_bridge.backend import Progress
from automl_bridge.comparison import latency
from automl_bridge.comparison.experiment import finish, prepare, start
from automl_bridge.data.build import build_dataset

pytestmark = pytest.mark.usefixtures("backends")

BEGAN = 1_800_000_000.0


def test_a_model_is_loaded_while_its_holdout_is_predicted(backends, signal_table):
    # Its holdout is predicted only when its model has been loaded: afterwards would be too late.
    result = compare(signal_table, target="label", backends=["loaded"])
    loaded = next(one for one in result.standings if one.backend == "loaded")
    assert loaded.score is not None
    assert loaded.latency > 0


def test_with_seeds_a_model_is_loaded_when_the_last_is_scored(backends, signal_table, gate):
    result = compare(signal_table, target="label", backends=["loaded"], seeds=2)
    assert [row.state for row in result.rows if row.backend == "loaded"] == ["succeeded"] * 2


def test_a_model_is_measured_while_others_still_train(backends, signal_table):
    # The last one trains until the model of the timed one has been measured.
    result = compare(signal_table, target="label", backends=["timed", "last"])
    assert {row.backend: row.state for row in result.rows if row.backend in {"timed", "last"}} == {
        "timed": "succeeded",
        "last": "succeeded",
    }


class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self):
        self.time = BEGAN

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class Slow:
    """Mixed in: training takes so many seconds of the clock."""

    clock, seconds = None, 0.0

    def poll(self, jobs):
        training = [job for job in jobs if job.kind == "train" and self.clock.now() < BEGAN + self.seconds]
        return {**super().poll(jobs), **{job: Progress(state="running") for job in training}}


@pytest.mark.parametrize(("name", "seconds"), [("fair", 60.0), ("away", 1800.0)], ids=["here", "at a service"])
def test_waiting_adds_less_than_a_twentieth_to_the_slowest(backends, signal_table, home, name, seconds):
    import comparison_backends as known

    kinds = {
        name: type("Slow", (Slow, {"fair": known.FairBackend, "away": known.AwayBackend}[name]), {"seconds": seconds}),
        "baseline": type("Quick", (known.FairBackend,), {"name": "baseline"}),
    }
    config, clocks = load_config(), []

    def opened():
        clock = Clock()
        clocks.append(clock)

        def make(backend):
            made = kinds[backend](kinds[backend].settings_class(), home / "work" / backend)
            made.clock = clock
            return made

        return Session(config, backends=make, clock=clock)

    _, dataset = build_dataset(signal_table, target="label")
    with opened() as session:
        prepared = prepare(session, dataset, session.spec(dataset, task="tabular-classification"), [name])
        start(session, prepared)
        result = finish(session, prepared, opened)
    assert {row.state for row in result.rows} == {"succeeded"}
    assert seconds <= max(clock.now() for clock in clocks) - BEGAN <= seconds * 1.05


class Asked:
    """A session whose predictions take so many seconds each, the first one, which loads the model, a hundred times."""

    def __init__(self, seconds):
        self.seconds, self.passed, self.calls = seconds, 0.0, 0

    def predict(self, run, row):
        assert (run, len(row.parts["predict"])) == ("r", 1)
        self.calls += 1
        self.passed += self.seconds * (100 if self.calls == 1 else 1)

    def perf_counter(self):
        return self.passed


@pytest.mark.parametrize(("seconds", "calls"), [(0.001, 30), (0.1, 6), (7.0, 1)])
def test_measuring_ends_after_half_a_second(signal_table, monkeypatch, seconds, calls):
    _, dataset = build_dataset(signal_table, target="label")
    asked = Asked(seconds)
    monkeypatch.setattr(latency, "time", asked)
    found = latency.measure(asked, "r", dataset)
    assert found.seconds == pytest.approx(seconds)
    assert found.calls == calls
