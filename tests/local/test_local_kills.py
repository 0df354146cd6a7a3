"""kill -9 of anything at any point: nothing runs twice at once, nothing is lost, nothing is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from local_processes import ended, runs, until

from automl_bridge.backend import JobState
from automl_bridge.local import lock

HERE = Path(__file__).parent

SUBMIT = """
import sys
from pathlib import Path
sys.path.append({here!r})
from automl_bridge.local.queue import LocalQueue
queue = LocalQueue(Path(sys.argv[1]), "local_handlers:perform", linger=20)
"""


def caller(workspace, code):
    """Start another process that uses the queue."""
    source = SUBMIT.format(here=str(HERE)) + code
    return subprocess.Popen([sys.executable, "-c", source, str(workspace)], stdout=subprocess.PIPE)


def finish(process):
    out, _ = process.communicate(timeout=60)
    return out


class TestSupervisor:
    def test_the_worker_and_its_children_die_with_it(self, submit, queue, processes):
        submit(["have-children", False], ["hang-in-native-code"])
        until((queue.folder("job") / "children").exists)
        os.kill(processes.supervisors()[0], signal.SIGKILL)
        until(lambda: not processes.all())

    def test_the_job_goes_on_when_someone_looks(self, submit, queue, processes):
        outcome = submit(["wait-for", "go"])
        (before,) = until(lambda: runs(queue))
        os.kill(processes.supervisors()[0], signal.SIGKILL)
        until(lambda: not processes.all())
        (queue.folder("job") / "go").touch()
        assert outcome().state is JobState.SUCCEEDED
        first, second = runs(queue)
        assert first == before
        assert second[0] != before[0]

    def test_being_interrupted_is_not_an_attempt(self, submit, queue):
        outcome = submit(["wait-for", "go"], attempts=1)
        until(lambda: runs(queue))
        queue.kill()
        (queue.folder("job") / "go").touch()
        outcome()
        assert [attempt for _, attempt in runs(queue)] == [1, 1]

    def test_being_killed_again_and_again_ends_with_the_best_so_far(self, submit, queue, processes):
        outcome = submit(["checkpoint", "best"], ["hang"])
        for number in range(1, 7):
            until(lambda number=number: queue.progress("job") and len(runs(queue)) == number)
            os.kill(processes.supervisors()[0], signal.SIGKILL)
            until(lambda: not processes.all())
        assert outcome().stopped_by == "crash"
        assert "was interrupted 6 times" in outcome().notes[-1]

    def test_the_time_worked_before_counts_the_time_dead_does_not(self, submit, queue, processes):
        outcome = submit(["wait-for", "go"], ["time-left"], max_time=60)
        until(lambda: _worked(queue) > 2)
        os.kill(processes.supervisors()[0], signal.SIGKILL)
        until(lambda: not processes.all())
        worked = _worked(queue)
        (queue.folder("job") / "go").touch()
        assert 60 - worked - 1.5 < float(outcome().model.uri) <= 60 - worked

    def test_a_cancel_while_all_is_dead(self, submit, queue, processes):
        outcome = submit(["checkpoint", "best"], ["hang"])
        until((queue.folder("job") / "checkpoint.json").exists)
        os.kill(processes.supervisors()[0], signal.SIGKILL)
        until(lambda: not processes.all())
        queue.cancel("job")
        assert (outcome().state, outcome().model.uri) == (JobState.CANCELLED, "best")
        assert len(runs(queue)) == 1
        assert processes.workers() == []

    def test_numbers_of_other_processes_are_not_touched(self, submit, queue, tmp_path):
        """After a restart of the machine, the numbers on disk belong to somebody else."""
        bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
        folder = tmp_path / "work"
        folder.mkdir()
        (folder / "supervisor.json").write_text(f'{{"supervisor": {bystander.pid}, "worker": {bystander.pid}}}')
        try:
            queue.kill()
            assert submit(["say", "hello"])().state is JobState.SUCCEEDED
            assert bystander.poll() is None
        finally:
            bystander.kill()
            bystander.wait()


class TestKill:
    def test_nothing_is_left_and_the_job_goes_on_later(self, submit, queue, processes):
        outcome = submit(["have-children", False], ["wait-for", "go"])
        until((queue.folder("job") / "children").exists)
        queue.kill()
        assert processes.all() == []
        (queue.folder("job") / "go").touch()
        assert outcome().state is JobState.SUCCEEDED

    def test_a_supervisor_that_does_not_listen(self, submit, queue, processes):
        submit(["hang"])
        until(lambda: runs(queue))
        os.kill(processes.supervisors()[0], signal.SIGSTOP)
        queue.kill()
        until(lambda: not processes.all())

    def test_at_any_moment_of_the_start(self, make_queue, processes):
        for number in range(6):
            queue = make_queue(folder=f"work-{number}")
            queue.submit("job", {"script": [["hang"]]})
            until(lambda queue=queue, number=number: number < 3 or queue.progress("job").state is JobState.RUNNING)
            queue.kill()
            assert processes.all() == []

    def test_nothing_to_kill(self, queue):
        queue.kill()
        queue.kill()


class TestCaller:
    # Each of these is reached once or more on the way through submit.
    POINTS = ("os.link", "os.fsync", "os.open", "pathlib.Path.touch", "pathlib.Path.mkdir", "subprocess.Popen.wait")

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("point", POINTS)
    def test_killed_inside_submit(self, make_queue, tmp_path, processes, point, when):
        module, _, name = point.rpartition(".")
        package, _, cls = module.partition(".")
        holder = f"{package}.{cls}" if cls else package
        code = f"""
import os, signal, pathlib, subprocess
original = {holder}.{name}
def broken(*a, **k):
    if {when == "after"}:
        original(*a, **k)
    os.kill(os.getpid(), signal.SIGKILL)
{holder}.{name} = broken
queue.submit("job", {{"script": [["touch", "done"]]}})
"""
        process = caller(tmp_path / "work", code)
        finish(process)
        assert process.returncode == -signal.SIGKILL
        queue = make_queue()
        if queue.exists("job"):
            assert ended(queue).state is JobState.SUCCEEDED
        queue.submit("job", {"script": [["touch", "done"]]})
        assert ended(queue).state is JobState.SUCCEEDED
        assert len(runs(queue)) == 1
        until(lambda: len(processes.supervisors()) == 1)  # one that came second may be on its way out

    def test_killed_while_it_waits(self, make_queue, tmp_path):
        process = caller(
            tmp_path / "work", 'queue.submit("job", {"script": [["wait-for", "go"]]})\nprint("x", flush=True)\ninput()'
        )
        process.stdout.readline()
        process.kill()
        finish(process)
        queue = make_queue()
        until(lambda: runs(queue))
        (queue.folder("job") / "go").touch()
        # Nobody looks: what counts is that the file comes.
        until((queue.folder("job") / "outcome.json").exists)
        assert ended(queue).state is JobState.SUCCEEDED

    def test_two_submit_at_once(self, make_queue, tmp_path, processes):
        queue = make_queue()
        for round_number in range(3):
            gate = tmp_path / f"gate-{round_number}"
            code = f"""
import os
while not os.path.exists({str(gate)!r}): pass
queue.submit("job-{round_number}", {{"script": [["touch", "done"]]}})
"""
            callers = [caller(tmp_path / "work", code) for _ in range(3)]
            gate.touch()
            assert [finish(process) for process in callers] == [b""] * 3
            assert ended(queue, f"job-{round_number}").state is JobState.SUCCEEDED
            assert len(runs(queue, f"job-{round_number}")) == 1
            until(lambda: len(processes.supervisors()) == 1)  # one that came second may be on its way out
            queue.kill()

    def test_its_fork_does_not_keep_the_lock(self, submit, processes, tmp_path):
        submit(["say", "hello"])()
        held = tmp_path / "work" / "supervisor.lock"
        child = os.fork()
        if not child:
            lock.is_held(held)
            signal.pause()
        try:
            os.kill(processes.supervisors()[0], signal.SIGKILL)
            until(lambda: not processes.supervisors())
            assert submit(["say", "hello"], name="next")().state is JobState.SUCCEEDED
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_submitting_as_the_supervisor_leaves_is_not_lost(make_queue):
    """With next to no time to linger, every submit meets a supervisor that is about to end."""
    queue = make_queue("local_handlers:trivial", linger=0.001)
    for number in range(8):
        queue.submit(f"job-{number}", {})
        until((queue.folder(f"job-{number}") / "outcome.json").exists)


def test_a_finished_job_needs_no_process(submit, queue, processes):
    submit(["say", "hello"])()
    queue.kill()
    assert queue.progress("job").state is JobState.SUCCEEDED
    queue.submit("job", {})
    queue.cancel("job")
    assert processes.all() == []


def _worked(queue):
    import json

    try:
        return json.loads((queue.folder("job") / "run.json").read_text())["worked"]
    except (OSError, ValueError):
        return 0
