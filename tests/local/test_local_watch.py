"""What killed a worker, how it is told, and what stands in where Linux is not."""

import os
import signal
import subprocess
import sys

import pytest
from local_processes import ended, runs, until

from automl_bridge.backend import JobState
from automl_bridge.local import files, lock
from automl_bridge.local.watch import MemoryWatch
from automl_bridge.local.words import describe_exit, last_words, size


@pytest.fixture
def watch(monkeypatch):
    """Watch this very process, where the kernel says what `kills` holds."""
    kills = [(None, 3)]
    monkeypatch.setattr(MemoryWatch, "_system_kills", lambda _: kills[-1])
    watch = MemoryWatch(os.getpid())
    watch.sample()
    watch.kills = kills
    return watch


def test_it_sees_memory_of_the_process_and_its_children(watch):
    # This process may have other children, of other tests: what counts is what this one adds.
    own = watch.sample()
    assert own > 10e6
    child = subprocess.Popen([sys.executable, "-c", "held = b'x' * 200_000_000; input()"], stdin=subprocess.PIPE)
    until(lambda: any(process.pid == child.pid for process in watch.tree()))
    until(lambda: watch.sample() > own + 100e6)
    child.communicate(b"\n")
    until(lambda: all(process.pid != child.pid for process in watch.tree()))
    assert watch.sample() < own + 100e6


def test_a_kill_that_the_kernel_counted_is_the_kernels(watch):
    assert not watch.killed_by_system()
    watch.kills.append((None, 4))
    assert watch.killed_by_system()


def test_one_of_its_control_group_too(watch):
    watch.kills.append((0, 3))
    fresh = MemoryWatch(os.getpid())
    watch.kills.append((1, 3))
    assert fresh.killed_by_system()


def test_where_nothing_is_counted_memory_must_have_been_short(watch, monkeypatch):
    watch.kills[:] = [(None, None)]
    for available, expected in ((10**12, False), (1, True)):
        monkeypatch.setattr(MemoryWatch, "_left", lambda _, left=available: left)
        fresh = MemoryWatch(os.getpid())
        fresh.sample()
        assert fresh.killed_by_system() is expected


def test_words():
    assert size(999) == "999 B"
    assert size(300e6) == "300 MB"
    assert size(1.5e9) == "1.50 GB"
    assert describe_exit(-signal.SIGSEGV) == "the worker was killed by SIGSEGV (signal 11)"
    assert describe_exit(-200) == "the worker was killed by a signal (signal 200)"
    assert describe_exit(3) == "the worker ended itself: exit code 3"


def test_last_words_of_a_crash_leave_out_other_threads():
    said = ["epoch 3", "Fatal Python error: Segmentation fault", "", "Thread 0x1 (most recent call first):"]
    said += ["  File a"] * 30 + ["Current thread 0x2 (most recent call first):", "  File crash.py", "  File main.py"]
    told = last_words("\n".join(said).encode()).splitlines()
    assert told[:2] == ["epoch 3", "Fatal Python error: Segmentation fault"]
    assert told[2:4] == ["Current thread 0x2 (most recent call first):", "  File crash.py"]
    assert last_words(b"\xff one\ntwo\n") == "\N{REPLACEMENT CHARACTER} one\ntwo"


def test_without_a_fifo_jobs_are_found_all_the_same(make_queue, tmp_path):
    queue = make_queue()
    (tmp_path / "work" / "wake").mkdir(parents=True)
    for number in range(2):
        queue.submit(f"job-{number}", {"script": [["say", "hello"]]})
        assert ended(queue, f"job-{number}").state is JobState.SUCCEEDED
    assert runs(queue, "job-0") == runs(queue, "job-1")


def test_without_kernel_signals_a_thread_ends_the_worker(processes):
    """As on macOS, where fcntl has no F_SETSIG."""
    code = """
import fcntl, sys
if hasattr(fcntl, "F_SETSIG"):
    del fcntl.F_SETSIG
from automl_bridge.local import worker
worker.main(sys.argv[1:])
"""
    pipes = [os.pipe(), os.pipe(), os.pipe()]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][0]]
    command = [sys.executable, "-c", code, "local_handlers:perform", "work", *map(str, theirs)]
    process = subprocess.Popen(command, pass_fds=theirs, start_new_session=True)
    for fd in theirs:
        os.close(fd)
    os.close(pipes[2][1])
    assert process.wait(30) == -signal.SIGKILL
    os.close(pipes[0][1])
    os.close(pipes[1][0])


def test_without_hard_links_the_first_request_still_counts(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert files.claim_text(tmp_path / "request.json", "1")
    assert not files.claim_text(tmp_path / "request.json", "2")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["1"]


def test_the_lock_is_held_by_one(tmp_path):
    path = tmp_path / "lock"
    code = "import sys; from automl_bridge.local import lock; from pathlib import Path\n"
    code += "print(lock.acquire(Path(sys.argv[1])), flush=True); input()"
    command = [sys.executable, "-c", code, str(path)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert int(first.stdout.readline()) > 0
    assert lock.is_held(path)
    assert lock.acquire(path, patience=0.05) is None
    first.kill()
    first.communicate()
    assert not lock.is_held(path)
    os.close(lock.acquire(path))
