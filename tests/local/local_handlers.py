"""Handlers and targets for the tests of local workers; imported by name, in the worker."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from automl_bridge import errors
from automl_bridge.backend import Failure, JobState, Outcome, Progress, Trial
from automl_bridge.local.job import NotYetError
from automl_bridge.spec import ModelRef

MINE = os.urandom(4).hex()  # another one in each process that imports this


def _outcome(name, **more):
    trial = Trial(id=name, score=0.5)
    model = ModelRef(backend="toy", uri=name, local=True)
    return Outcome(state=JobState.SUCCEEDED, trials=(trial,), model=model, **more)


def trivial(job):
    return _outcome(job.name, notes=(f"pid {os.getpid()}", f"import {MINE}"))


def perform(job):
    """Do what the request's script says, a step after the other."""
    with (job.folder / "ran").open("a") as file:
        file.write(f"{os.getpid()} {job.attempt}\n")
    for verb, *arguments in job.request["script"]:
        result = STEPS[verb](job, *arguments)
        if result is not None:
            return result
    return _outcome("whole")


def until(condition):
    while not condition():
        time.sleep(0.005)


def only_on(job, attempt, verb, *arguments):
    return STEPS[verb](job, *arguments) if job.attempt == attempt else None


def stop_when_asked(job, stopped_by="done"):
    until(lambda: job.should_stop)
    return _outcome("asked", stopped_by=stopped_by)


def give_up_when_asked(job):
    until(lambda: job.cancelled)
    return Outcome(state=JobState.FAILED, failure=Failure(kind="all-trials-failed", message="none was finished"))


def not_yet(job, times):
    """Let others go first, so many times."""
    if len((job.folder / "ran").read_text().splitlines()) <= times:
        raise NotYetError


def hang(job):
    threading.Event().wait()


def hang_in_native_code(job):
    """Hold the interpreter's lock, so that no Python thread of this process can do anything."""
    ctypes.PyDLL(None).pause()


def wait_for(job, name):
    until((job.folder / name).exists)


def touch(job, name):
    (job.folder / name).touch()


def say(job, text):
    sys.stdout.write(f"{text}\n")
    sys.stderr.write(f"error {text}\n")
    os.system(f"echo program {text}")


def allocate(job, count):
    job.kept = bytearray(count)
    for start in range(0, count, 4096):
        job.kept[start] = 1


def fill_disk(job):
    Path("/dev/full").write_text("x")


def fail_ours(job, kind):
    raise errors.RunFailedError("all 3 trials failed", kind=kind, hint="scale the columns")


def fail_data(job):
    raise errors.TargetError("target y is constant", hint="use another one")


def fail(job, text):
    raise ValueError(text)


def no_memory(job):
    raise MemoryError


def have_children(job, detached):
    """One by exec, one by fork that keeps all descriptors, one in a session of its own; their numbers in a file."""
    sleeper = [sys.executable, "-c", "import signal; signal.pause()"]
    numbers = [subprocess.Popen(sleeper, start_new_session=new).pid for new in {False, detached}]
    forked = os.fork()
    if not forked:
        signal.pause()
    (job.folder / "children.part").write_text(" ".join(map(str, [*numbers, forked])))
    (job.folder / "children.part").rename(job.folder / "children")


def checkpoint(job, name):
    job.checkpoint(_outcome(name))


def checkpoint_without_model(job):
    failed = Trial(id="1", state=JobState.FAILED, message="nan")
    job.checkpoint(Outcome(state=JobState.RUNNING, trials=(failed,)))


def cancelled(job):
    raise errors.RunCancelledError("stopped")


def die(job, number):
    os.kill(os.getpid(), number)


def env(job, name):
    return _outcome(os.environ.get(name, "unset"))


def exit_at_once(job, code):
    os._exit(code)


def sys_exit(job):
    sys.exit("enough")


def time_left(job):
    return _outcome(f"{job.seconds_left:.3f}")


def report(job, trial):
    job.report(Progress(state=JobState.RUNNING, trial=trial))


STEPS = {
    function.__name__.replace("_", "-"): function
    for function in (
        allocate, cancelled, checkpoint, checkpoint_without_model, die, env, exit_at_once, fail, fail_data, fail_ours,
        fill_disk, give_up_when_asked, hang, hang_in_native_code, have_children, no_memory, not_yet, only_on, report,
        say, stop_when_asked, sys_exit, time_left, touch, wait_for,
    )
}  # fmt: skip


def multiply(argument):
    """Return a target for Child that multiplies all columns, and prints wherever it can."""
    import numpy as np

    sys.stdout.write("noise while loading\n")
    os.system("echo noise from a program")

    def predict(table):
        sys.stdout.write("noise\n")
        return np.column_stack([np.asarray(column) * argument["by"] for column in table.columns])

    return predict


def misbehave(argument):
    """Return a target for Child that does what the table's only cell says."""
    import numpy as np

    if argument.get("load") == "fail":
        raise errors.BundleError("weights.h5 was altered", hint="export it again")

    def predict(table):
        verb = table.column(0)[0].as_py()
        if verb == "ours":
            raise errors.LimitError("too wide", limit="toy.columns", source="the manual", hint="drop some")
        if verb == "value":
            raise ValueError("not ours")
        if verb == "die":
            ctypes.string_at(0)
        if verb == "flat":
            return np.zeros(3)
        if verb == "hang":
            threading.Event().wait()
        return np.array([[float(os.getpid())]])

    return predict
