"""A job whose handler says that it is not its turn yet is asked again, at nobody's expense."""

from __future__ import annotations

import time

from local_processes import ended, runs, until

from automl_bridge.backend import JobState
from automl_bridge.local.files import read_json
from automl_bridge.local.serving import LATER


def test_the_wait_does_not_count(queue, submit):
    started = time.monotonic()
    outcome = submit(["not-yet", 1], ["time-left"], max_time=100)()
    elapsed = time.monotonic() - started
    assert 100 - float(outcome.model.uri) <= elapsed - LATER
    assert [attempt for _, attempt in runs(queue)] == [1, 1]  # no attempt was lost by it
    state = read_json(queue.folder("job") / "run.json")
    assert (state["interruptions"], state["crashes"]) == (0, [])


def test_cancel_ends_the_wait(queue, submit):
    submit(["not-yet", 1000])
    until((queue.folder("job") / "ran").exists)
    queue.cancel("job")
    assert ended(queue, "job").state is JobState.CANCELLED
