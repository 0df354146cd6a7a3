"""Child: answers, errors, prints, threads, forks, and its end together with its parent's."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from local_processes import until

from automl_bridge.errors import BundleError, LimitError, RunFailedError
from automl_bridge.local.process import Child

HERE = Path(__file__).parent


@pytest.fixture
def make_child(processes):
    children = []

    def make(target="misbehave", **argument):
        children.append(Child(f"local_handlers:{target}", argument))
        return children[-1]

    yield make
    for child in children:
        child.close()
    assert processes.all() == []


def ask(child, verb):
    return child.call(pa.table({"verb": [verb]}))


def test_it_answers_with_an_array(make_child):
    child = make_child("multiply", by=2)
    table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    answer = child.call(table)
    np.testing.assert_array_equal(answer, [[2, 6], [4, 8]])
    answer[0, 0] = 0  # it is the caller's own


def test_large_tables_and_none(make_child):
    child = make_child("multiply", by=1)
    values = np.random.default_rng(0).normal(size=300_000)
    np.testing.assert_array_equal(child.call(pa.table({"a": values, "b": values}))[:, 1], values)
    assert child.call(pa.table({"a": pa.array([], pa.float64())})).shape == (0, 1)


def test_prints_go_nowhere(make_child, capfd):
    make_child("multiply", by=1).call(pa.table({"a": [1.0]}))
    assert capfd.readouterr() == ("", "")


def test_a_row_takes_about_a_millisecond(make_child):
    child = make_child("multiply", by=2)
    row = pa.table({f"column {number}": [float(number)] for number in range(20)})
    child.call(row)
    times = []
    for _ in range(100):
        begun = time.perf_counter()
        child.call(row)
        times.append(time.perf_counter() - begun)
    assert np.median(times) < 0.003


def test_our_errors_cross_as_they_are(make_child):
    with pytest.raises(LimitError, match="too wide") as caught:
        ask(make_child(), "ours")
    assert (caught.value.limit, caught.value.source, caught.value.hint) == ("toy.columns", "the manual", "drop some")


def test_other_errors_are_named(make_child):
    child = make_child()
    with pytest.raises(RunFailedError, match="ValueError: not ours"):
        ask(child, "value")
    with pytest.raises(RunFailedError, match="shape"):
        ask(child, "flat")
    assert ask(child, "fine").item() == child.pid


def test_an_error_while_loading(make_child):
    child = make_child(load="fail")
    for attempt in (child.wait_ready, lambda: ask(child, "fine")):
        with pytest.raises(BundleError, match="was altered"):
            attempt()


def test_a_target_that_is_not_there(processes):
    with Child("no_such_module:target", {}) as child, pytest.raises(RunFailedError, match="ModuleNotFoundError"):
        child.wait_ready()


def test_a_crash_is_told_with_its_last_words(make_child):
    child = make_child()
    child.wait_ready()
    assert child.alive
    for _ in range(2):
        with pytest.raises(RunFailedError, match=r"(?s)killed by SIGSEGV.*Fatal Python error"):
            ask(child, "die")
    assert not child.alive


def test_killed_from_outside(make_child):
    child = make_child()
    child.wait_ready()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(RunFailedError, match="killed by SIGKILL"):
        ask(child, "fine")


def test_closed(make_child, processes):
    child = make_child()
    child.wait_ready()
    child.close()
    child.close()
    assert processes.all() == []
    with pytest.raises(RunFailedError, match="was closed"):
        ask(child, "fine")


def test_closed_while_another_thread_waits(make_child):
    child = make_child()
    child.wait_ready()
    caught = []

    def wait():
        with pytest.raises(RunFailedError, match="was closed") as error:
            ask(child, "hang")
        caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(child._lock.locked)
    child.close()
    thread.join(10)
    assert len(caught) == 1


def test_threads_take_turns(make_child):
    child = make_child("multiply", by=1)
    wrong = []

    def work(number):
        for _ in range(50):
            answer = child.call(pa.table({"a": [float(number)]})).item()
            wrong.extend([number] * (answer != number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_forked_process_gets_its_own(make_child):
    child = make_child()
    assert ask(child, "fine").item() == child.pid
    read, write = os.pipe()
    forked = os.fork()
    if not forked:
        answer = ask(child, "fine").item()
        os.write(write, f"{answer:.0f}".encode())
        child.close()
        os._exit(0)
    os.waitpid(forked, 0)
    theirs = int(os.read(read, 100))
    os.close(read)
    os.close(write)
    assert theirs != child.pid
    until(lambda: not psutil.pid_exists(theirs))
    assert ask(child, "fine").item() == child.pid


def test_it_dies_with_its_parent(processes):
    code = f"""
import sys, os, pyarrow as pa
sys.path.append({str(HERE)!r})
from automl_bridge.local.process import Child
child = Child("local_handlers:misbehave", {{}})
child.wait_ready()
if not os.fork():
    import signal
    signal.pause()  # holds the pipes: that the other one died can only be seen otherwise
print(child.pid, flush=True)
child.call(pa.table({{"verb": ["hang"]}}))
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    until(lambda: not psutil.pid_exists(pid), seconds=10)
    os.killpg(parent.pid, signal.SIGKILL)
    parent.communicate()
    until(lambda: not processes.all())


def test_ctrl_c_in_the_middle_ends_it(make_child):
    # A shell starts what runs in its background with Ctrl-C ignored, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    child = make_child()
    child.wait_ready()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        ask(child, "hang")
    signal.signal(signal.SIGINT, before)
    assert not child.alive


def test_it_needs_no_place_to_write(processes, monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr("tempfile.tempdir", "/proc/no/such")
    with Child("local_handlers:multiply", {"by": 3}) as child:
        assert child.call(pa.table({"a": [1.0]})).item() == 3
