"""The engine keeps watched caps: its own, and those of callers that died."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runs"))
from folder_service import Clock, Script, Service, ToyBackend, small_dataset

from automl_bridge.backend import Cap, JobState, Progress
from automl_bridge.budget import Budget
from automl_bridge.costs.prices import Price, PriceBook
from automl_bridge.costs.usage import Usage, UsageItem, UsageRange
from automl_bridge.errors import CredentialsError, TransientError
from automl_bridge.runs.engine import Engine, new_id
from automl_bridge.runs.specs import make_spec
from automl_bridge.runs.states import RunState
from automl_bridge.runs.store import RunStore

BOOK = PriceBook([
    Price(provider="toy", service="Toy", sku="toy", region="here", unit="hour", usd=36.0,
          source_url="u", source_date=date(2026, 1, 1), confidence="high"),
])  # fmt: skip


def hours(quantity: float) -> Usage:
    return Usage(items=(UsageItem(sku="toy", quantity=quantity, unit="hour", region="here"),))


DONE = Progress(state=JobState.SUCCEEDED)


class Metered(ToyBackend):
    """Bills one cent a second from the beginning on, and says so; stops when it is asked to."""

    kind = "watched"
    started: float | None = None
    stopped: float | None = None

    def __init__(self, service, script, clock):
        super().__init__(service, script)
        self.clock = clock

    def plan(self, spec):
        usage = UsageRange(low=hours(0.01), likely=hours(0.1), high=hours(0.2), worst=hours(1))
        plan = super().plan(spec).model_copy(update={"usage": usage, "duration": (36.0, 3600.0)})
        return plan.model_copy(update={"cap": Cap(kind=self.kind, because="as asked")})

    def poll(self, jobs):
        self.started = self.clock.now() if self.started is None else self.started
        answers = super().poll(jobs)
        return {
            ref: one if ref.kind == "predict" else one.model_copy(update={"usage": hours(self.seconds / 3600)})
            for ref, one in answers.items()
        }

    def _progress(self, job):
        if job["spec"]["kind"] == "predict" or job["cancelled"]:
            return DONE
        return Progress(state=JobState.RUNNING)

    @property
    def seconds(self) -> float:
        return (self.clock.now() if self.stopped is None else self.stopped) - (self.started or self.clock.now())

    def cancel(self, job):
        super().cancel(job)
        self.stopped = self.clock.now()

    def collect(self, job):
        outcome = super().collect(job)
        used = hours(self.seconds / 3600) if job.kind == "train" else hours(0)
        return outcome.model_copy(update={"usage": used})


class World:
    def __init__(self, home, kind="watched"):
        self.clock, self.script = Clock(), Script(polls=100_000)
        self.backend = Metered(Service(home / "service"), self.script, self.clock)
        self.backend.kind = kind
        self.store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
        self.home = home
        self.engine = self.new_engine()
        task, data = small_dataset()
        data = self.engine.data.save(data)
        spec = make_spec(
            f"ab-{new_id()}", data.profile, task=task, target=None, metric=None, budget=Budget(max_cost_usd=5), seed=0
        )
        run = self.engine.record(self.backend.plan(spec), data)
        self.engine.create([run], data)
        self.id = run.id

    def new_engine(self) -> Engine:
        return Engine(self.store, self.home, lambda _: self.backend, self.clock, prices=lambda _: BOOK)

    def usd(self, run) -> float:
        return sum(item.quantity for item in run.usage.items) * 36


@pytest.fixture
def world(home):
    made = World(home)
    yield made
    made.store.close()


def test_a_watched_run_is_stopped_within_its_cap_and_keeps_its_model(world):
    run = world.engine.drive([world.id])[0]
    assert run.state is RunState.SUCCEEDED
    assert run.outcome.stopped_by == "max_cost"
    assert run.outcome.state is JobState.SUCCEEDED
    assert run.scores
    assert 0.5 * 5 < world.usd(run) <= 5
    assert any("keeps its cost cap of $5.00" in note for note in run.notes)
    assert world.script.calls.count("cancel") == 1


def test_the_next_command_that_sees_it_stops_a_run_whose_caller_died(world):
    world.engine.drive([world.id], timeout=60)
    assert world.store.get(world.id).state is RunState.RUNNING
    assert world.new_engine().look_at_caps() == []
    assert not world.store.get(world.id).capped
    world.clock.time += 350
    assert world.new_engine().look_at_caps() == []
    run = world.store.get(world.id)
    assert (run.state, run.capped, world.script.calls.count("cancel")) == (RunState.RUNNING, True, 1)
    ended = world.new_engine().drive([world.id])[0]
    assert ended.outcome.stopped_by == "max_cost"
    assert world.usd(ended) <= 5


def test_a_process_that_dies_before_it_stops_the_job_leaves_the_wish(world):
    world.engine.drive([world.id], timeout=60)
    world.clock.time += 350
    cancel, world.backend.cancel = world.backend.cancel, lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.new_engine().look_at_caps()
    assert world.store.get(world.id).capped
    world.backend.cancel = cancel
    ended = world.new_engine().drive([world.id])[0]
    assert ended.outcome.stopped_by == "max_cost"


def test_a_service_that_does_not_answer_is_asked_again_to_stop(world):
    world.script.errors["cancel"] = [TransientError("busy"), TransientError("busy")]
    run = world.engine.drive([world.id])[0]
    assert run.outcome.stopped_by == "max_cost"
    assert world.script.calls.count("cancel") == 3
    assert world.usd(run) <= 5


def test_a_job_that_cannot_be_looked_at_is_told_and_stays(world):
    world.engine.drive([world.id], timeout=60)
    world.script.errors["poll"] = [CredentialsError("expired")]
    blind = world.new_engine().look_at_caps()
    assert [(run, str(error)) for run, error in blind] == [(world.id, "expired")]
    assert world.store.get(world.id).state is RunState.RUNNING


def test_guaranteed_caps_are_left_to_the_service(home):
    world = World(home, kind="guaranteed")
    world.engine.drive([world.id], timeout=600)
    run = world.store.get(world.id)
    assert (run.state, run.capped) == (RunState.RUNNING, False)
    assert world.engine.look_at_caps() == []
    world.store.close()
