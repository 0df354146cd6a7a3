"""The room of workers, how many there are, and what is refused: without any process."""

from __future__ import annotations

import math
import pickle
import socket
from types import SimpleNamespace

import pytest
from autokeras_bench import mixed_table
from pydantic import ValidationError

from automl_bridge.budget import Budget
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.local import LOCAL_SKU, local_book
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import BudgetError, RunFailedError
from automl_bridge.metrics import METRICS
from automl_bridge.spec import JobSpec
from automl_bridge_autokeras import AutoKerasSettings, parallel
from automl_bridge_autokeras.parallel_messages import Begun, Done, JobOrder, Ready, Refused, Stop, TrialOrder
from automl_bridge_autokeras.parallel_recorder import CORE_SKU, ParallelRecorder
from automl_bridge_autokeras.parallel_room import Died, Room
from automl_bridge_autokeras.prepared import Prepared
from automl_bridge_autokeras.ray_request import ray_checks, ray_environment
from automl_bridge_autokeras.request import plan_train


class Scripted:
    """A worker that says what a test lets it say."""

    def __init__(self, number):
        self.name = f"worker {number}"
        self.got, self.says, self.ended = [], [], None

    def send(self, message):
        self.got.append(message)

    def heard(self):
        if self.ended is not None:
            raise EOFError
        said, self.says = self.says, []
        return said

    def describe_end(self):
        return self.ended

    def kill(self):
        self.ended = self.ended or "killed"

    close = kill


@pytest.fixture
def made():
    return []


@pytest.fixture
def room(made):
    def make(number):
        made.append(Scripted(number))
        return made[-1]

    room = Room(make, lambda slots, _timeout: [slot for slot in slots if slot.says or slot.ended])
    room.open(2)
    return room


def order(name="job"):
    return JobOrder(name=name, spec={}, settings={}, prepared=b"", folder="/jobs/job/worker")


def trial(trial_id="0"):
    return TrialOrder(trial_id, {}, None)


def ready(room, made, name="job"):
    room.begin(order(name))
    for slot in made[:2]:
        slot.says = [Ready(name, slot.name)]
    assert room.listen(0) == []


def test_workers_are_idle_once_they_have_the_job(room, made):
    room.begin(order())
    assert room.idle == []
    assert [slot.got[0].folder for slot in made] == ["/jobs/job/worker-1", "/jobs/job/worker-2"]
    made[1].says = [Ready("job", "worker 2 (elsewhere)")]
    room.listen(0)
    assert room.idle == [2]
    assert room.where(2) == "worker 2 (elsewhere)"


def test_what_is_said_of_a_trial_comes_from_who_runs_it(room, made):
    ready(room, made)
    room.give(1, trial("7"))
    assert (room.idle, room.busy) == ([2], {1: "7"})
    made[0].says = [Begun("7", 12)]
    made[1].says = [Begun("7", 12)]  # of a job before
    assert room.listen(0) == [(1, Begun("7", 12))]
    room.stop()
    assert made[0].got[-1] == Stop("7")
    room.finished(1)
    assert room.idle == [1, 2]


def test_a_dead_worker_is_replaced_and_tells_which_trial_it_had(room, made):
    ready(room, made)
    room.give(2, trial("3"))
    made[1].ended = "signal 9"
    assert room.listen(0) == [(2, Died("3", "worker 2 died: signal 9"))]
    assert len(made) == 3
    assert made[2].got[0].name == "job"
    assert room.idle == [1]


def test_a_worker_that_never_gets_ready_is_given_up(room, made):
    room.begin(order())
    while room.size:
        for slot in made:
            slot.ended = "exit code 1"
        room.listen(0)
    assert len(made) == 4  # each was tried twice
    assert "exit code 1" in room.last_words


def test_a_worker_that_refuses_the_job_is_given_up(room, made):
    room.begin(order())
    for _ in range(2):
        made[-1].says = [Refused("job", "UsageError: no such function")]
        room.listen(0)
    assert room.size == 1
    assert room.last_words == "UsageError: no such function"


def test_a_full_disk_is_told(room, made):
    ready(room, made)
    full = Refused("job", "No space left on device", storage=True)
    made[0].says = [full]
    assert room.listen(0) == [(1, full)]


def test_the_end_of_a_job_keeps_idle_workers_and_ends_others(room, made):
    ready(room, made)
    room.give(1, trial())
    room.end()
    assert made[0].ended
    assert made[1].got[-1] is None
    assert room.size == 1
    room.open(2)
    assert len(made) == 3


def test_what_belongs_to_the_job_before_is_not_listened_to(room, made):
    ready(room, made)
    room.end()
    room.begin(order("next"))
    made[0].says = [Ready("job", "worker 1"), Done("0", {}, {}, {}), Refused("job", "late")]
    assert room.listen(0) == []
    assert room.idle == []
    made[0].says = [Ready("next", "worker 1")]
    room.listen(0)
    assert room.idle == [1]


def test_fewer_workers_end_the_surplus(room, made):
    room.open(1)
    assert (made[0].ended, made[1].ended) == (None, "killed")


# -- how many ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "workers", "warm", "pays"),
    [(10, 2, False, False), (10, 2, True, True), (120, 2, False, True), (1e6, 1, True, False), (30, 8, False, True)],
)
def test_workers_pay_where_trials_are_long(seconds, workers, warm, pays):
    assert (parallel.gain(seconds, workers, warm=warm) > 0) is pays


@pytest.mark.parametrize(
    ("trials", "left", "waits"),
    [(10, None, True), (10, 600.0, True), (1000, 600.0, False), (1000, 20.0, True)],
)
def test_auto_sees_first_how_long_a_trial_takes_unless_time_alone_is_limited(tmp_path, trials, left, waits):
    job = SimpleNamespace(
        folder=tmp_path, request={"max_trials": trials}, deadline=None if left is None else 1.0, seconds_left=left
    )
    assert parallel.Crew(job, AutoKerasSettings(workers="auto")).waits is waits


def test_memory_bounds_the_workers_of_auto():
    assert parallel.local_workers(AutoKerasSettings(workers="auto", max_memory="2GB")) == 1


# -- what is sent and what is refused ----------------------------------------------------------------------------------


def spec(dataset, task, **budget):
    return JobSpec(
        name="job", task=task, target=("outcome",), metric="roc_auc", profile=dataset.profile, budget=Budget(**budget)
    )


@pytest.fixture(scope="module")
def table():
    return build_dataset(mixed_table(), target="outcome")


def test_the_data_of_a_search_can_be_sent(table):
    task, dataset = table
    asked = spec(dataset, task)
    prepared = Prepared.of(dataset, asked, AutoKerasSettings(), "roc_auc")
    sent = pickle.loads(pickle.dumps(prepared))
    guard, scores = sent.guard()
    assert scores == prepared.guard()[1]
    outputs = guard.predict(prepared.inputs.linear(prepared.validation.arrays.inputs))
    assert sent.judge.evaluate(outputs) == prepared.judge.evaluate(outputs) == scores


def test_files_of_the_user_are_sent_as_text(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def build():\n    return 1\n")
    sent = parallel._as_text({"search_space": f"{file}:build", "callbacks": ["package.module:Name"]})
    assert sent["search_space"] == {"source": file.read_text(), "name": "build"}
    assert sent["callbacks"] == ["package.module:Name"]


def test_a_worker_with_other_versions_is_refused():
    from automl_bridge_autokeras import train

    mine = train.versions()
    parallel._same_versions(Ready("job", "here", mine))
    with pytest.raises(RunFailedError, match=r"worker 3 has other versions: keras 0\.1 \(here "):
        parallel._same_versions(Ready("job", "worker 3", {**mine, "keras": "0.1"}))


def test_a_cap_in_dollars_is_refused_on_a_cluster(table):
    task, dataset = table
    asked = spec(dataset, task, max_cost_usd=5)
    settings = AutoKerasSettings(ray_address="head:6379")
    with pytest.raises(BudgetError, match="cannot be kept on a Ray cluster"):
        plan_train(asked, settings)
    plan = plan_train(asked.model_copy(update={"budget": Budget(max_time="10m")}), settings)
    assert any("head:6379" in note for note in plan.notes)
    assert not plan.usage.likely.known


@pytest.mark.parametrize("address", ["auto", "head:6379", "ray://10.0.0.5:10001", "[::1]:6379", "a-b.example.org:1"])
def test_addresses_of_clusters(address):
    assert AutoKerasSettings(ray_address=address).ray_address == address


@pytest.mark.parametrize("address", ["local", "head", "http://head:8265", "head:port", ""])
def test_what_is_no_address(address):
    with pytest.raises(ValidationError, match="ray_address"):
        AutoKerasSettings(ray_address=address)


def test_where_no_cluster_answers_it_is_said_at_once():
    from automl_bridge_autokeras.ray_room import attach

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(RunFailedError, match=f"nothing answers at the Ray address {address}"):
        attach(address)


def test_tokens_are_not_written_down(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    taken = ray_environment()
    assert taken["RAY_AUTH_MODE"] == "token"
    assert taken["RAY_USAGE_STATS_ENABLED"] == "0"
    assert "secret" not in taken.values()


def test_the_doctor_looks_at_the_cluster():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        found = {check.name: check for check in ray_checks(AutoKerasSettings(ray_address=address))}
    assert found["ray cluster"].ok
    gone = {check.name: check for check in ray_checks(AutoKerasSettings(ray_address=address))}
    assert not gone["ray cluster"].ok
    assert address in gone["ray cluster"].detail
    assert list(ray_checks(AutoKerasSettings())) == []


def test_processors_of_other_machines_are_counted_and_what_they_cost_is_not_known(tmp_path):
    job = SimpleNamespace(cancelled=False, seconds_left=math.inf, deadline=None, report=lambda _: None)
    recorder = ParallelRecorder(job, tmp_path, METRICS["roc_auc"], 2, lambda *_: None, {})
    assert [item.sku for item in recorder.usage().items] == [LOCAL_SKU]
    recorder.held_elsewhere = lambda: 4
    usage = recorder.usage()
    assert [item.sku for item in usage.items] == [LOCAL_SKU, CORE_SKU]
    assert usage.items[1].quantity > 0
    outcome = recorder.final()
    assert any(CORE_SKU in note for note in outcome.notes)
    assert cost_of(outcome.usage, local_book(0.1)).usd is None


def test_progress_says_which_trial_runs_where(tmp_path):
    told = []
    job = SimpleNamespace(cancelled=False, seconds_left=math.inf, deadline=None, report=told.append)
    recorder = ParallelRecorder(job, tmp_path, METRICS["roc_auc"], 4, lambda *_: None, {})
    recorder.trial_given("1", 2, "worker 2")
    recorder.trial_given("0", 1, "worker 1")
    recorder.trial_started("1", 12)
    assert told[-1].message == "trial 1 on worker 1; trial 2 on worker 2"
    assert (told[-1].trial, told[-1].epochs, told[-1].fraction) == (2, 12, 0.0)
    recorder.trial_over("1")
    assert recorder.whereabouts == "trial 1 on worker 1"
