"""Queues on real processes, and a look that none of them is left."""

import uuid

import pytest
from local_processes import Processes, ended, until

from automl_bridge.local.queue import LocalQueue


@pytest.fixture
def processes(monkeypatch):
    mark = uuid.uuid4().hex
    monkeypatch.setenv("TOY_MARK", mark)
    return Processes(mark)


@pytest.fixture
def make_queue(tmp_path, processes):
    queues = []

    def make(handler="local_handlers:perform", folder="work", **more):
        queues.append(LocalQueue(tmp_path / folder, handler, **{"linger": 20, **more}))
        return queues[-1]

    yield make
    for queue in queues:
        queue.kill()
    # A supervisor that came second, and finds the place taken, ends by itself.
    until(lambda: processes.words() == [])


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def submit(queue):
    """Submit a script under a name, and return a function that waits for its outcome."""

    def submit(*script, name="job", on=queue, **request):
        on.submit(name, {"script": script, **request})
        return lambda: ended(on, name)

    return submit
