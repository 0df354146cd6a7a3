"""Engine: what becomes of a run, and of what its service does to it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from folder_service import Clock, Script, Service, ToyBackend, failed, predictions, small_dataset

from automl_bridge.backend import JobState, Outcome
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import (
    CredentialsError,
    LimitError,
    RejectedError,
    RunCancelledError,
    RunFailedError,
    StorageError,
    TransientError,
    UnsupportedError,
)
from automl_bridge.runs.engine import Engine, new_id
from automl_bridge.runs.lease import Owner
from automl_bridge.runs.record import ResourceState
from automl_bridge.runs.specs import make_spec
from automl_bridge.runs.states import RunState
from automl_bridge.runs.store import RunStore
from automl_bridge.scoring import score


class World:
    """A store, a service with its backend, and an engine between them."""

    def __init__(self, home, url=None):
        self.clock, self.script = Clock(), Script()
        self.service = Service(home / "service")
        self.backend = ToyBackend(self.service, self.script)
        self.store = RunStore(url or f"sqlite:///{home / 'store.sqlite'}")
        self.engine = Engine(self.store, home, lambda _: self.backend, self.clock)
        self.task, data = small_dataset()
        self.data = self.engine.data.save(data)

    def create(self, **changes):
        spec = make_spec(
            f"ab-{new_id()}", self.data.profile, task=self.task, target=None, metric=None,
            **{"budget": Budget(max_cost_usd=2), "seed": 3, **changes},
        )  # fmt: skip
        run = self.engine.record(self.backend.plan(spec), self.data)
        self.engine.create([run], self.data)
        return run

    def finish(self, run, **options):
        return self.engine.drive([run.id], **options)[0]

    def states(self, run):
        return [event.message for event in self.store.events(run.id) if event.kind == "state"]


@pytest.fixture
def world(home):
    made = World(home)
    yield made
    made.store.close()


ALL = ["created", "staging", "submitting", "running", "collecting", "scoring", "cleaning", "succeeded"]


def test_a_run_goes_through_all_states_to_scores(world):
    run = world.finish(world.create())
    assert run.state is RunState.SUCCEEDED
    assert world.states(run) == ALL
    assert run == world.store.get(run.id)
    assert world.service.names("job") == [run.name, f"{run.name}-h"]
    outputs = np.load(run.predictions_path)
    assert outputs.shape == (run.spec.profile.rows["holdout"], 2)
    codes = world.data.target_codes("holdout")
    for metric in ("log_loss", "accuracy", "roc_auc"):
        assert run.scores[metric] == score(metric, outputs, codes)
    assert run.score == run.scores["roc_auc"] == run.interval.value
    assert len(run.usage.items) == 2
    assert run.usage.known


def test_the_intent_is_in_the_store_before_the_job_exists(world):
    run = world.create()
    seen = []

    def look(what):
        if what == "before model":
            known = {one.name: one.state for one in world.store.resources(run.id)}
            seen.append((world.store.get(run.id).state, known))

    world.service.boundary = look
    world.finish(run)
    assert seen[0] == (RunState.SUBMITTING, {f"{run.name}-m": ResourceState.PLANNED})
    both = {f"{run.name}-m": ResourceState.CREATED, f"{run.name}-h-m": ResourceState.PLANNED}
    assert seen[1] == (RunState.SCORING, both)


def test_temporary_resources_are_deleted_at_the_end(world):
    run = world.finish(world.create())
    assert world.service.names("model") == [f"{run.name}-h-m", f"{run.name}-m"]
    assert world.service.present("model") == []
    assert {one.state for one in world.store.resources(run.id)} == {ResourceState.DELETED}


def test_the_holdout_job_is_a_predict_job_within_the_cost_cap(world):
    run = world.finish(world.create(budget=Budget(max_cost_usd=2, max_time=60)))
    job = next(job for job in world.store.jobs(run.id) if job.kind == "predict")
    spec = job.plan.spec
    assert (spec.name, spec.kind, spec.budget) == (f"{run.name}-h", "predict", Budget(max_cost_usd=2))
    assert spec.profile.rows == {"predict": run.spec.profile.rows["holdout"]}
    assert spec.model == run.model


def test_a_lost_answer_is_asked_again_later_and_later(world):
    world.script.errors = {
        "stage": [TransientError("502")] * 2,
        "submit": [TransientError("lost")] * 3,
        "poll": [TransientError("503")],
        "collect": [TransientError("504")],
        "delete": [TransientError("505")],
    }
    run = world.finish(world.create())
    assert run.state is RunState.SUCCEEDED
    assert world.service.names("job") == [run.name, f"{run.name}-h"]
    retries = [event.message for event in world.store.events(run.id) if event.kind == "retry"]
    assert retries == [
        *["staging: 502"] * 2, *["submitting: lost"] * 3, "collecting: 504", "cleaning: 505",
    ]  # fmt: skip
    # The waits of a service that stays broken are tested with Backoff; here that they were slept at all.
    assert sum(world.clock.slept) > 0.5 + 1 + 0.5 + 1 + 2 + 0.5 + 0.5 + 0.5


def test_a_service_that_stays_broken_pauses_the_run(world):
    world.script.errors = {"submit": [TransientError("down")] * 100}
    run = world.create()
    with pytest.raises(TransientError, match="down"):
        world.finish(run)
    assert world.store.get(run.id).state is RunState.SUBMITTING
    world.script.errors = {}
    assert world.finish(run).state is RunState.SUCCEEDED


@pytest.mark.parametrize("call", ["stage", "find", "submit", "poll", "collect", "delete"])
@pytest.mark.parametrize("error", [CredentialsError("expired"), StorageError("no space left")])
def test_what_the_caller_can_mend_pauses_the_run_and_does_not_fail_it(world, call, error):
    world.script.errors = {call: [error]}
    run = world.create()
    with pytest.raises(type(error), match=str(error)):
        world.finish(run)
    paused = world.store.get(run.id)
    assert not paused.state.is_final
    assert paused.failure is None
    run = world.finish(run)
    assert run.state is RunState.SUCCEEDED
    assert run.scores
    assert len(run.usage.items) == 2
    assert world.service.names("job") == [run.name, f"{run.name}-h"]


def test_a_full_disk_of_the_system_is_named(world):
    world.script.errors = {"stage": [OSError(28, "No space left on device", "/data/x/part.bin")]}
    with pytest.raises(StorageError, match=r"no space left in /data/x: [\d,.]+ MB are free"):
        world.finish(world.create())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RejectedError("no such role"), "service"),
        (LimitError("too few rows", limit="toy.rows"), "data"),
        (UnsupportedError("not here"), "data"),
        (RunFailedError("quota", kind="quota"), "quota"),
    ],
)
@pytest.mark.parametrize("call", ["stage", "submit", "collect"])
def test_what_the_service_refuses_fails_the_run(world, call, error, kind):
    world.script.errors = {call: [error]}
    run = world.finish(world.create())
    assert run.state is RunState.FAILED
    assert (run.failure.kind, run.failure.message) == (kind, str(error))
    assert world.service.present("model") == []
    with pytest.raises(RunFailedError) as raised:
        run.raise_if_failed()
    assert raised.value.kind == kind


def test_a_bug_goes_through_and_leaves_the_run_as_it_is(world):
    world.script.errors = {"collect": [KeyError("bug")]}
    run = world.create()
    with pytest.raises(KeyError, match="bug"):
        world.finish(run)
    assert world.store.get(run.id).state is RunState.COLLECTING
    assert world.finish(run).state is RunState.SUCCEEDED


@pytest.mark.parametrize("kind", ["crash", "out-of-memory", "time-limit", "all-trials-failed", "quota"])
def test_the_kind_of_a_failure_is_kept(world, kind):
    world.script.outcome = lambda _name, outcome: failed(kind).model_copy(update={"trials": outcome.trials})
    run = world.finish(world.create())
    assert (run.state, run.failure.kind) == (RunState.FAILED, kind)
    assert run.outcome.trials
    assert run.scores == {}
    assert world.states(run) == [*ALL[:5], "cleaning", "failed"]


def test_an_end_without_a_model_is_a_failure(world):
    world.script.outcome = lambda _name, _outcome: Outcome(state=JobState.SUCCEEDED)
    run = world.finish(world.create())
    assert run.state is RunState.FAILED
    assert "without a model" in run.failure.message


@pytest.mark.parametrize("wrong", ["failed", "shape", "missing", "probabilities"])
def test_a_holdout_that_cannot_be_scored_keeps_the_model(world, wrong, tmp_path):
    def outcome(name, given):
        if not name.endswith("-h"):
            return given
        if wrong == "failed":
            return failed("crash", "predicting crashed")
        values = {"shape": np.ones((3, 2)), "probabilities": np.full((8, 2), 7.0)}.get(wrong)
        path = tmp_path / "wrong.npy"
        if values is not None:
            np.save(path, values)
        return given.model_copy(update={"predictions": path})

    world.script.outcome = outcome
    run = world.finish(world.create())
    assert run.state is RunState.SUCCEEDED
    assert run.model is not None
    assert run.scores == {}
    assert any("the holdout could not be scored" in note for note in run.notes)


def test_progress_is_kept_and_told(world):
    world.script.polls = 3
    told = []
    run = world.finish(world.create(), on_change=told.append)
    assert [one.state for one in told if one.state is not RunState.RUNNING] == [
        RunState(state) for state in ALL[1:3]
    ] + [RunState(state) for state in ALL[4:]]
    assert [len(one.progress.trials) for one in told if one.state is RunState.RUNNING and one.progress] == [1, 2]
    assert len(run.progress.trials) == 3
    assert [event.message for event in world.store.events(run.id) if event.kind == "trial"] == [
        f"{number} share: 0.5" for number in (1, 2, 3)
    ]


def test_a_timeout_returns_the_run_as_it_is(world):
    world.script.polls = 10**6
    run = world.create()
    began = world.clock.time
    assert world.finish(run, timeout=100).state is RunState.RUNNING
    assert 100 <= world.clock.time - began < 101
    owner = Owner.new()
    assert world.store.acquire([run.id], owner, world.clock.now()) == {run.id}
    owner.close()


def test_polls_become_rare_while_nothing_changes(world):
    world.script.polls = 10**6
    world.backend._progress = lambda _job: world.service.boundary("same") or _running()
    world.finish(world.create(), timeout=3600)
    # 20 seconds apart at last, and never nearer than one.
    assert 3600 / 20 <= world.script.calls.count("poll") <= 3600 / 20 + 20


def _running():
    from automl_bridge.backend import Progress

    return Progress(state=JobState.RUNNING)


def test_many_runs_are_polled_in_one_call(world):
    world.script.polls = 3
    runs = [world.create() for _ in range(30)]
    ended = world.engine.drive([run.id for run in runs])
    assert {run.state for run in ended} == {RunState.SUCCEEDED}
    assert [run.id for run in ended] == [run.id for run in runs]
    # Three for the trainings, one or two for the predictions.
    assert world.script.calls.count("poll") <= 6
    assert world.service.names("job") == sorted(name for run in runs for name in (run.name, f"{run.name}-h"))


def test_one_paused_run_does_not_hold_up_the_others(world):
    runs = [world.create() for _ in range(3)]
    world.script.errors = {"submit": [CredentialsError("expired")]}
    with pytest.raises(CredentialsError):
        world.engine.drive([run.id for run in runs])
    states = [world.store.get(run.id).state for run in runs]
    assert states == [RunState.SUBMITTING, RunState.SUCCEEDED, RunState.SUCCEEDED]


def test_a_job_that_is_gone_fails_the_run_after_a_while(world):
    run = world.create()
    world.finish(run, until=lambda one: one.state.is_submitted)
    world.service.delete("job", run.name)
    began = world.clock.time
    run = world.finish(run)
    assert run.state is RunState.FAILED
    assert "no longer knows the job" in run.failure.message
    assert world.clock.time - began >= 60
    assert world.service.names("job") == [run.name]


def test_a_list_that_lags_is_waited_for(world):
    run = world.create()
    lag = iter([True] * 3 + [False] * 100)
    poll = world.backend.poll
    world.backend.poll = lambda jobs: {} if next(lag) else poll(jobs)
    assert world.finish(run).state is RunState.SUCCEEDED


def cancel_later(world, run, polls):
    def ask():
        if world.script.calls.count("poll") >= polls:
            world.store.request_cancel(run.id, world.clock.now())

    world.clock.on_sleep = ask


def test_cancel_keeps_the_best_so_far(world):
    world.script.polls = 10**6
    run = world.create()
    cancel_later(world, run, 3)
    run = world.finish(
        run,
        on_change=lambda one: (
            setattr(world.script, "polls", 1) if one.state.is_submitted and one.state is not RunState.RUNNING else None
        ),
    )
    assert run.state is RunState.CANCELLED
    assert run.cancelling
    assert run.raise_if_failed() is run
    assert run.outcome.stopped_by == "cancel"
    assert run.scores
    assert world.script.calls.count("cancel") == 1
    assert world.states(run) == [*ALL[:-1], "cancelled"]


@pytest.mark.parametrize("state", [RunState.CREATED, RunState.STAGING, RunState.SUBMITTING])
def test_cancel_before_the_job_exists_starts_none(world, state):
    run = world.create()
    world.finish(run, until=lambda one: one.state is state)
    world.store.request_cancel(run.id, world.clock.now())
    run = world.finish(run)
    assert run.state is RunState.CANCELLED
    assert run.model is None
    assert world.service.names("job") == []
    with pytest.raises(RunCancelledError):
        run.raise_if_failed()


def test_cancel_of_a_job_whose_answer_was_lost_finds_and_stops_it(world):
    world.script.polls = 10**6
    run = world.create()
    world.finish(run, until=lambda one: one.state is RunState.SUBMITTING)
    submit = world.backend.submit
    world.backend.submit = lambda plan, staged: submit(plan, staged) and _raise(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.finish(run)
    world.backend.submit = submit
    world.store.request_cancel(run.id, world.clock.now())
    run = world.finish(
        run, on_change=lambda one: setattr(world.script, "polls", 1) if one.state is RunState.COLLECTING else None
    )
    assert run.state is RunState.CANCELLED
    assert run.model is not None
    assert world.service.names("job") == [run.name, f"{run.name}-h"]


def _raise(error):
    raise error


def test_a_job_that_ended_before_the_wish_to_stop_has_succeeded(world):
    run = world.create()
    world.finish(run, until=lambda one: one.state is RunState.COLLECTING)
    world.store.request_cancel(run.id, world.clock.now())
    assert world.finish(run).state is RunState.SUCCEEDED


def test_a_job_that_cannot_be_stopped_goes_on(world):
    world.script.errors = {"cancel": [UnsupportedError("no")]}
    world.script.polls = 5
    run = world.create()
    cancel_later(world, run, 2)
    assert world.finish(run).state is RunState.SUCCEEDED
    assert any("could not be stopped" in event.message for event in world.store.events(run.id))


def test_a_resource_that_cannot_be_deleted_is_said_and_stays_listed(world):
    world.script.errors = {"delete": [RejectedError("locked")]}
    run = world.finish(world.create())
    assert run.state is RunState.SUCCEEDED
    assert any("could not be deleted: locked" in note for note in run.notes)
    left = [one for one in world.store.resources(run.id) if one.state is not ResourceState.DELETED]
    assert [one.name for one in left] == world.service.present("model")
    assert len(left) == 1


def test_no_holdout_no_scores(world):
    table = small_dataset(rows=30)[1].parts["train"]
    world.task, data = build_dataset(table, target="y", holdout=0)
    world.data = world.engine.data.save(data)
    run = world.finish(world.create())
    assert run.state is RunState.SUCCEEDED
    assert run.scores == {}
    assert world.states(run) == [*ALL[:5], "cleaning", "succeeded"]


class Stopped(KeyboardInterrupt):
    """Told apart from a real one."""


def test_an_interrupt_at_any_point_leaves_everything_consistent(home):
    """Ctrl-C flies through at the N-th boundary, for each N until none is left; the same process goes on."""
    number = 0
    while True:
        number += 1
        world = World(home / str(number))
        run = world.create()
        hit = interrupted_at(world, run, number)
        ended = world.finish(run)
        assert ended.state is RunState.SUCCEEDED, number
        assert ended.scores
        assert world.service.names("job") == [run.name, f"{run.name}-h"], number
        assert world.service.present("model") == []
        assert world.states(run) == ALL
        world.store.close()
        if not hit:
            break
    assert number > 30


def interrupted_at(world, run, number) -> bool:
    counts = iter(range(1, 10**6))

    def boundary(_what):
        if next(counts) == number:
            raise Stopped

    world.engine.boundary = world.service.boundary = boundary
    world.clock.on_sleep = lambda: boundary("sleep")
    try:
        world.finish(run)
    except Stopped:
        return True
    finally:
        world.engine.boundary = world.service.boundary = lambda _what: None
        world.clock.on_sleep = lambda: None
    return False


def test_the_data_is_found_when_the_home_has_moved(world, home):
    run = world.create()
    moved = home.with_name("moved")
    world.store.close()
    home.rename(moved)
    store = RunStore(f"sqlite:///{moved / 'store.sqlite'}")
    service = Service(moved / "service")
    engine = Engine(store, moved, lambda _: ToyBackend(service), Clock())
    assert engine.drive([run.id])[0].state is RunState.SUCCEEDED
    store.close()


def test_predictions_are_what_the_service_gave(world):
    run = world.finish(world.create())
    spec = next(job for job in world.store.jobs(run.id) if job.kind == "predict").plan.spec
    assert np.array_equal(np.load(run.predictions_path), predictions(spec))
    assert json.loads(run.model_dump_json())["scores"] == run.scores
