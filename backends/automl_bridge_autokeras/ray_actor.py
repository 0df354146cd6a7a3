"""What runs on a node of a Ray cluster: a worker in a thread of an actor, asked by quick calls."""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import threading
import time
import traceback
from typing import Any

from automl_bridge_autokeras.parallel_messages import Refused
from automl_bridge_autokeras.parallel_worker import environment, serve

__all__ = ["RayWorker"]


class RayWorker:
    """Made into an actor by `ray_room`. Every method returns at once, so calls stay in order.

    Parameters
    ----------
    number
        From 1.
    threads
        That TensorFlow uses in it.
    """

    def __init__(self, number: int, threads: int | None) -> None:
        ray: Any = importlib.import_module("ray")  # not typed throughout
        os.environ.update(environment(threads))
        address = str(ray.util.get_node_ip_address())
        node = ray.get_runtime_context().get_node_id()
        place = f"worker {number} ({address}, node {node[:6]})"
        self._channel = _QueueChannel()
        threading.Thread(target=self._serve, args=(place, address), daemon=True).start()

    def exchange(self, messages: list[bytes], patience: float, prepared: bytes | None = None) -> list[bytes]:
        """Take what the search says, return what the worker has said.

        Parameters
        ----------
        messages
            Pickled.
        patience
            Seconds to wait for something to be said.
        prepared
            The data of a job order among the messages, which Ray brings once to each node.
        """
        from dataclasses import replace

        from automl_bridge_autokeras.parallel_messages import JobOrder

        for content in messages:
            message = pickle.loads(content)  # noqa: S301 - Ray itself runs what the search sends
            if isinstance(message, JobOrder) and prepared is not None:
                message = replace(message, prepared=prepared)
            self._channel.inbox.put(message)
        return self._channel.said(patience)

    def _serve(self, place: str, address: str) -> None:
        try:
            serve(self._channel, place, address)
        except BaseException as error:  # noqa: BLE001 - the search decides what it means
            traceback.print_exc()
            self._channel.send(Refused("", f"{type(error).__name__}: {error}"))


class _QueueChannel:
    """A `Channel` between the actor's calls and its thread."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._seen: list[Any] = []

    def send(self, message: Any, /) -> None:
        self._outbox.put(pickle.dumps(message))

    def recv(self) -> Any:
        return self._seen.pop() if self._seen else self.inbox.get()

    def poll(self, timeout: float = 0.0, /) -> bool:
        if not self._seen:
            try:
                self._seen.append(self.inbox.get(timeout=timeout) if timeout else self.inbox.get_nowait())
            except queue.Empty:
                return False
        return True

    def said(self, patience: float) -> list[bytes]:
        """Return what was sent; waits for a first message, then takes all that are there."""
        found = []
        end = time.monotonic() + patience
        try:
            found.append(self._outbox.get(timeout=max(0.0, end - time.monotonic())))
            while True:
                found.append(self._outbox.get_nowait())
        except queue.Empty:
            return found
