"""What a queue does with jobs that go well: order, warmth, idempotency, time, cancelling, prints."""

import json
import os
import time

import pytest
from local_processes import ended, runs, until

from automl_bridge.backend import JobState
from automl_bridge.errors import StateError, UnknownNameError, UsageError


def test_a_job_gives_its_outcome(submit, queue):
    outcome = submit(["say", "hello"])()
    assert outcome.state is JobState.SUCCEEDED
    assert outcome.model.uri == "whole"
    assert queue.exists("job")
    assert queue.progress("job").state is JobState.SUCCEEDED
    assert [trial.id for trial in queue.progress("job").trials] == ["whole"]


def test_jobs_share_one_warm_worker_and_run_in_order(make_queue, processes):
    queue = make_queue("local_handlers:trivial")
    notes = []
    for number in range(5):
        queue.submit(f"job-{number}", {})
    notes = [ended(queue, f"job-{number}").notes for number in range(5)]
    assert len(set(notes)) == 1
    assert len(processes.supervisors()) == len(processes.workers()) == 1
    written = [(queue.folder(f"job-{number}") / "outcome.json").stat().st_mtime_ns for number in range(5)]
    assert written == sorted(written)


def test_submitting_again_changes_nothing(submit, queue):
    first = submit(["touch", "done"])()
    queue.submit("job", {"script": [["fail", "another"]]})
    assert queue.outcome("job") == first
    assert len(runs(queue)) == 1


def test_progress_is_seen_while_it_runs(submit, queue):
    outcome = submit(["report", 3], ["wait-for", "go"])
    until(lambda: queue.progress("job").trial == 3)
    assert queue.progress("job").state is JobState.RUNNING
    (queue.folder("job") / "go").touch()
    assert outcome().state is JobState.SUCCEEDED


def test_a_job_behind_another_is_pending(submit, queue):
    first = submit(["wait-for", "go"], name="first")
    second = submit(["touch", "x"], name="second")
    until(lambda: queue.progress("first").state is JobState.RUNNING)
    assert queue.progress("second").state is JobState.PENDING
    (queue.folder("first") / "go").touch()
    assert first().state is second().state is JobState.SUCCEEDED


def test_unknown_names(queue):
    assert queue.progress("nothing") is None
    assert not queue.exists("nothing")
    with pytest.raises(UnknownNameError, match='no job "nothing"'):
        queue.outcome("nothing")
    with pytest.raises(UnknownNameError):
        queue.cancel("nothing")
    with pytest.raises(UsageError, match="cannot be the name"):
        queue.submit("../out", {})


def test_the_outcome_of_a_job_that_runs_is_an_error(submit, queue):
    submit(["wait-for", "go"])
    with pytest.raises(StateError, match="has not ended"):
        queue.outcome("job")


def test_prints_go_to_the_log_only(submit, queue, capfd):
    submit(["say", "hello"])()
    log = (queue.folder("job") / "log.txt").read_text()
    assert log.splitlines() == ["hello", "error hello", "program hello"]
    assert capfd.readouterr() == ("", "")


def test_each_job_has_a_log_of_its_own(submit, queue):
    submit(["say", "one"], name="one")()
    submit(["say", "two"], name="two")()
    assert "one" not in (queue.folder("two") / "log.txt").read_text()


def test_variables_reach_the_worker(make_queue):
    first = make_queue(env={"TOY": "1"})
    second = make_queue(env={"TOY": "2"})
    for queue, expected in ((first, "1"), (second, "2")):
        queue.submit(f"job-{expected}", {"script": [["env", "TOY"]]})
        assert ended(queue, f"job-{expected}").model.uri == expected


def test_processes_end_by_themselves(make_queue, processes):
    queue = make_queue(linger=0.1)
    queue.submit("job", {"script": [["say", "hello"]]})
    ended(queue)
    until(lambda: not processes.all())


def test_an_idle_supervisor_uses_no_processor_time(submit, processes):
    import psutil

    submit(["say", "hello"])()
    supervisor = psutil.Process(processes.supervisors()[0])
    until(lambda: supervisor.status() == psutil.STATUS_SLEEPING)
    before, begun = sum(supervisor.cpu_times()[:2]), time.monotonic()
    until(lambda: time.monotonic() - begun > 0.5)
    assert sum(supervisor.cpu_times()[:2]) - before <= 0.02
    assert supervisor.memory_info().rss < 60e6


def test_a_deleted_workspace_ends_its_supervisor(make_queue, processes):
    import shutil

    queue = make_queue(linger=600)
    queue.submit("job", {"script": [["say", "hello"]]})
    ended(queue)
    shutil.rmtree(queue.folder("job").parents[1])
    until(lambda: not processes.all())


def test_a_deleted_job_is_given_up(submit, queue, processes):
    import shutil

    submit(["hang"], name="lost")
    until(lambda: runs(queue, "lost"))
    shutil.rmtree(queue.folder("lost"))
    assert submit(["say", "hello"], name="next")().state is JobState.SUCCEEDED


class TestMaxTime:
    @pytest.fixture(autouse=True)
    def _warm(self, submit):
        submit(["say", "hello"], name="warm")()

    def test_the_handler_sees_its_time(self, submit):
        left = float(submit(["time-left"], max_time=100)().model.uri)
        assert 97 < left <= 100

    def test_no_limit(self, submit):
        assert submit(["time-left"])().model.uri == "inf"

    def test_a_handler_that_stops_in_time_is_believed(self, submit):
        begun = time.monotonic()
        outcome = submit(["stop-when-asked", "max_time"], max_time=1, grace=1)()
        assert 0.9 < time.monotonic() - begun < 3
        assert (outcome.model.uri, outcome.stopped_by) == ("asked", "max_time")

    @pytest.mark.parametrize("way", ["hang", "hang-in-native-code"])
    def test_one_that_does_not_is_killed_and_its_checkpoint_counts(self, submit, way):
        begun = time.monotonic()
        outcome = submit(["checkpoint", "best"], [way], max_time=1, grace=0.2)()
        assert 1 < time.monotonic() - begun < 3
        assert outcome.state is JobState.SUCCEEDED
        assert (outcome.model.uri, outcome.stopped_by) == ("best", "max_time")
        assert "did not stop at the deadline" in outcome.notes[-1]

    def test_without_a_checkpoint_it_failed(self, submit):
        outcome = submit(["hang"], max_time=0.5)()
        assert outcome.state is JobState.FAILED
        assert outcome.failure.kind == "time-limit"
        assert "max_time = 0.5 s" in outcome.failure.message

    def test_a_checkpoint_without_a_model_keeps_its_trials(self, submit):
        outcome = submit(["checkpoint-without-model"], ["hang"], max_time=0.5)()
        assert outcome.failure.kind == "time-limit"
        assert outcome.trials[0].message == "nan"

    def test_the_next_job_gets_a_new_worker(self, submit, queue):
        submit(["hang"], max_time=0.5, name="slow")()
        assert submit(["say", "hello"], name="next")().state is JobState.SUCCEEDED
        assert runs(queue, "slow")[0][0] != runs(queue, "next")[0][0]

    def test_waiting_behind_another_job_does_not_count(self, submit, queue):
        first = submit(["wait-for", "go"], name="first")
        second = submit(["time-left"], name="second", max_time=2)
        begun = time.monotonic()
        until(lambda: time.monotonic() - begun > 1.2)
        (queue.folder("first") / "go").touch()
        first()
        assert float(second().model.uri) > 1.9


class TestCancel:
    def test_the_handler_is_asked(self, submit, queue):
        outcome = submit(["stop-when-asked"])
        until(lambda: runs(queue))
        queue.cancel("job")
        assert outcome().state is JobState.CANCELLED
        assert (outcome().model.uri, outcome().stopped_by) == ("asked", "cancel")

    def test_one_that_has_nothing_yet_did_not_fail(self, submit, queue):
        outcome = submit(["give-up-when-asked"])
        until(lambda: runs(queue))
        queue.cancel("job")
        assert outcome().state is JobState.CANCELLED
        assert outcome().failure is None

    def test_its_worker_stays_warm(self, submit, queue):
        first = submit(["stop-when-asked"], name="first")
        until(lambda: runs(queue, "first"))
        queue.cancel("first")
        first()
        submit(["touch", "x"], name="second")()
        assert runs(queue, "first") == runs(queue, "second")

    def test_one_that_does_not_listen_is_killed_and_its_checkpoint_counts(self, submit, queue):
        outcome = submit(["checkpoint", "best"], ["hang"], cancel_grace=0.2)
        until(lambda: runs(queue))
        queue.cancel("job")
        assert outcome().state is JobState.CANCELLED
        assert (outcome().model.uri, outcome().stopped_by) == ("best", "cancel")

    def test_without_a_checkpoint_there_is_no_model(self, submit, queue):
        outcome = submit(["hang"], cancel_grace=0.2)
        until(lambda: runs(queue))
        queue.cancel("job")
        assert outcome().state is JobState.CANCELLED
        assert outcome().model is None

    @pytest.mark.parametrize("end", [["fail", "torn down"], ["cancelled"], ["exit-at-once", 3]])
    def test_however_it_goes_down_it_was_cancelled(self, submit, queue, end):
        outcome = submit(["checkpoint", "best"], ["wait-for", "cancel"], end)
        until(lambda: runs(queue))
        queue.cancel("job")
        assert outcome().state is JobState.CANCELLED
        assert outcome().model.uri == "best"
        assert len(runs(queue)) == 1

    def test_a_queued_job_never_begins(self, submit, queue):
        first = submit(["wait-for", "go"], name="first")
        second = submit(["touch", "x"], name="second")
        queue.cancel("second")
        (queue.folder("first") / "go").touch()
        assert second().state is JobState.CANCELLED
        assert first().state is JobState.SUCCEEDED
        assert runs(queue, "second") == []

    def test_a_job_that_has_ended_stays_as_it_is(self, submit, queue):
        before = submit(["say", "hello"])()
        queue.cancel("job")
        assert queue.outcome("job") == before

    def test_a_job_that_was_done_before_it_looked_is_done(self, submit, queue):
        outcome = submit(["wait-for", "cancel"])
        queue.cancel("job")
        assert outcome().state in {JobState.SUCCEEDED, JobState.CANCELLED}
        assert outcome().stopped_by in {"done", "cancel"}


def test_the_request_is_on_disk_as_it_was_given(submit, queue):
    submit(["say", "hello"], max_time=50)()
    written = json.loads((queue.folder("job") / "request.json").read_text())
    assert written["request"] == {"script": [["say", "hello"]], "max_time": 50}
    assert abs(written["submitted"] - time.time()) < 60
    assert os.environ.get("HOME", "?") not in written["env"].values()
