"""Waiting, and counting processes, for the tests of local workers."""

import os
import time

import psutil


def until(condition, seconds=30.0):
    """Wait until ``condition()`` holds and return what it said."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.005)
    return answer


class Processes:
    """The processes that a test started, told by a variable that they all inherit."""

    def __init__(self, mark):
        self.mark = mark

    def all(self):
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def of(self, module):
        return [process.pid for process in self.all() if module in self._words(process)]

    def supervisors(self):
        return self.of("automl_bridge.local.supervisor")

    def workers(self):
        return self.of("automl_bridge.local.worker")

    def words(self):
        return [words for process in self.all() if (words := self._words(process))]

    def _words(self, process):
        try:
            return process.cmdline()
        except psutil.Error:  # gone since
            return []

    def _is_ours(self, process):
        try:
            return (
                process.pid != os.getpid()
                and process.environ().get("TOY_MARK") == self.mark
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


def ended(queue, name="job", seconds=30.0):
    until(lambda: queue.progress(name).state.is_final, seconds)
    return queue.outcome(name)


def runs(queue, name="job"):
    """Return pid and attempt of each time the handler was called."""
    path = queue.folder(name) / "ran"
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []
