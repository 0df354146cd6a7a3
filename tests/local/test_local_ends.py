"""How jobs end that do not go well is told as what it was, and what they had found is kept."""

import signal

import psutil
import pytest
from local_processes import ended, runs, until

from automl_bridge.backend import JobState

CRASHES = [
    (["die", signal.SIGSEGV], "killed by SIGSEGV (signal 11)"),
    (["die", signal.SIGABRT], "killed by SIGABRT (signal 6)"),
    (["die", signal.SIGKILL], "killed by SIGKILL (signal 9)"),
    (["exit-at-once", 3], "ended itself: exit code 3"),
    (["sys-exit"], "ended itself: exit code enough"),
    (["fail", "x is not y"], "raised ValueError: x is not y"),
]


@pytest.mark.parametrize(("step", "words"), CRASHES)
def test_a_crash_is_told_with_the_last_words(submit, queue, step, words):
    outcome = submit(["say", "my last words"], step, attempts=1)()
    assert outcome.state is JobState.FAILED
    assert outcome.failure.kind == "crash"
    assert words in outcome.failure.message
    assert "my last words" in outcome.failure.message
    assert len(runs(queue)) == 1


def test_a_crash_is_tried_again_in_a_fresh_process(submit, queue):
    outcome = submit(["only-on", 1, "die", signal.SIGSEGV])()
    assert outcome.state is JobState.SUCCEEDED
    (first, one), (second, two) = runs(queue)
    assert (one, two) == (1, 2)
    assert first != second


def test_crashing_again_and_again_ends(submit, queue):
    outcome = submit(["die", signal.SIGABRT], attempts=3)()
    assert "attempt 3 of 3" in outcome.failure.message
    assert [attempt for _, attempt in runs(queue)] == [1, 2, 3]


def test_what_was_found_before_a_crash_counts(submit):
    outcome = submit(["checkpoint", "best"], ["die", signal.SIGSEGV], attempts=1)()
    assert outcome.state is JobState.SUCCEEDED
    assert (outcome.model.uri, outcome.stopped_by) == ("best", "crash")
    assert "SIGSEGV" in outcome.notes[-1]


def test_the_worker_after_a_crash_serves_the_next_job(submit):
    submit(["die", signal.SIGSEGV], attempts=1, name="bad")()
    assert submit(["say", "hello"], name="good")().state is JobState.SUCCEEDED


def test_a_deliberate_error_reaches_the_failure(submit, queue, processes):
    outcome = submit(["fail-ours", "all-trials-failed"])()
    assert outcome.failure.kind == "all-trials-failed"
    assert outcome.failure.message == "all 3 trials failed\nwhat you can do: scale the columns"
    assert len(runs(queue)) == 1
    submit(["say", "hello"], name="next")()
    assert runs(queue) == runs(queue, "next")


def test_an_error_of_a_kind_that_nobody_knows_is_a_crash(submit):
    assert submit(["fail-ours", "odd"])().failure.kind == "crash"


def test_an_error_of_the_data_is_of_the_data(submit):
    outcome = submit(["fail-data"])()
    assert outcome.failure.kind == "data"
    assert "target y is constant" in outcome.failure.message


def test_a_handler_that_cannot_be_imported(make_queue):
    queue = make_queue("no_such_module:function")
    queue.submit("job", {})
    assert "No module named 'no_such_module'" in ended(queue).failure.message


class TestMemory:
    LIMIT = 300_000_000

    def test_over_the_limit_it_is_killed_and_told(self, make_queue):
        queue = make_queue(max_memory=self.LIMIT)
        queue.submit("job", {"script": [["allocate", 2 * self.LIMIT], ["hang"]]})
        outcome = ended(queue)
        assert outcome.failure.kind == "out-of-memory"
        assert "the limit is max_memory = 300 MB" in outcome.failure.message
        assert len(runs(queue)) == 1

    def test_what_was_found_before_counts(self, make_queue):
        queue = make_queue(max_memory=self.LIMIT)
        queue.submit("job", {"script": [["checkpoint", "best"], ["allocate", 2 * self.LIMIT], ["hang"]]})
        outcome = ended(queue)
        assert outcome.state is JobState.SUCCEEDED
        assert (outcome.model.uri, outcome.stopped_by) == ("best", "memory")
        assert "max_memory = 300 MB" in outcome.notes[-1]

    def test_under_the_limit_nothing_happens(self, make_queue):
        queue = make_queue(max_memory=self.LIMIT)
        queue.submit("job", {"script": [["allocate", self.LIMIT // 10], ["stop-when-asked", "done"]], "max_time": 1.5})
        assert ended(queue).model.uri == "asked"

    def test_an_error_for_want_of_memory_is_one(self, submit, queue):
        outcome = submit(["checkpoint", "best"], ["no-memory"])()
        assert (outcome.model.uri, outcome.stopped_by) == ("best", "memory")
        submit(["say", "hello"], name="next")()
        assert runs(queue)[0][0] != runs(queue, "next")[0][0]


def test_a_full_disk_is_told_and_the_trials_are_kept(submit, queue):
    outcome = submit(["checkpoint", "best"], ["fill-disk"])()
    assert outcome.state is JobState.FAILED
    assert outcome.failure.kind == "storage"
    assert "No space left on device" in outcome.failure.message
    assert "AUTOML_BRIDGE_HOME" in outcome.failure.message
    assert [trial.id for trial in outcome.trials] == ["best"]
    assert outcome.model.uri == "best"
    assert len(runs(queue)) == 1


def test_children_of_a_killed_worker_are_killed(submit, queue):
    submit(["have-children", True], ["hang"], cancel_grace=0.1)
    until((queue.folder("job") / "children").exists)
    numbers = list(map(int, (queue.folder("job") / "children").read_text().split()))
    queue.cancel("job")
    ended(queue)
    until(lambda: not any(map(_lives, numbers)))


def test_a_crash_is_seen_though_a_forked_child_holds_the_pipes(submit, queue):
    outcome = submit(["have-children", False], ["die", signal.SIGSEGV], attempts=1)()
    assert "SIGSEGV" in outcome.failure.message


def _lives(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
