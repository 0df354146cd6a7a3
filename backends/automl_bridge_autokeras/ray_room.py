"""Worker processes on the nodes of a Ray cluster: warm actors, asked by quick calls. No disk is shared.

Only a cluster that is there is used, at the address that the user gives: none is ever started.
"""

from __future__ import annotations

import importlib
import os
import pickle
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import RunFailedError
from automl_bridge_autokeras.parallel_messages import JobOrder
from automl_bridge_autokeras.ray_actor import RayWorker
from automl_bridge_autokeras.ray_request import knock

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RaySlot", "attach", "cores_of", "detach", "hold", "holds", "own_addresses", "wait_for_rays"]


class _Held(NamedTuple):
    """Processors for some workers, which the cluster gives to nobody else."""

    group: Any
    workers: int
    threads: int


_PATIENCE = 0.2  # seconds that an actor waits for its worker to say something
_HOLD_SECONDS = 5.0  # for the cluster to say that processors are free
_attached: list[str] = []
_held: list[_Held] = []
"""The processors that this process has; one group at most."""


def _ray() -> Any:
    """Import Ray, which takes half a second and is not typed throughout."""
    return importlib.import_module("ray")


def attach(address: str) -> None:
    """Connect this process to the cluster at ``address``, unless it is connected.

    Raises
    ------
    RunFailedError
        If there is no cluster, or it does not let us in; the message says what to look at.
    """
    # Also where it was joined before: a cluster that is gone would be waited for.
    knock(address)
    if _attached == [address]:
        return
    detach()
    # Read when Ray is imported or begins. What a cluster reports of itself is its owner's to decide; we add nothing.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = _ray()

    try:
        ray.init(
            address=address,
            configure_logging=False,
            log_to_driver=False,
            namespace="automl-bridge",
            runtime_env={"env_vars": {"RAY_USAGE_STATS_ENABLED": "0"}},
        )
    except Exception as error:
        raise RunFailedError(
            f"the Ray cluster at {address} cannot be joined: {type(error).__name__}: {str(error).strip()[:500]}",
            kind="service",
            hint="look at `ray status --address=…`; the versions of Ray and Python must be the cluster's, and with "
            "token authentication RAY_AUTH_MODE=token and its token must be set here",
        ) from error
    _attached.append(address)


def detach() -> None:
    """Leave the cluster; the actors of this process end with it."""
    if _attached:
        _attached.clear()
        _held.clear()
        ray = _ray()

        with suppress(Exception):
            ray.shutdown()


def cores_of() -> int:
    """Return the processors of the cluster that this process is connected to."""
    ray = _ray()

    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def holds(count: int, threads: int) -> bool:
    """Whether this process has processors for so many workers, and for no more: others may wait for the rest."""
    wanted = _held_of(count, threads)
    return any((held.workers, held.threads) == (wanted, threads) for held in _held)


def hold(count: int, threads: int, go_on: Callable[[], bool] = lambda: True) -> bool:
    """Take processors for ``count`` workers, or for as many as the cluster could hold, all at once or none.

    What it had is given back before. A cluster without processors, which may grow when it is asked, is not asked here.

    Parameters
    ----------
    count, threads
        Workers, and the processors of each.
    go_on
        Asked on the way; False gives up.

    Returns
    -------
    bool
        False if others have them now.

    Raises
    ------
    RunFailedError
        If the cluster does not answer.
    """
    util = importlib.import_module("ray.util")
    there = False
    try:
        while _held:
            util.remove_placement_group(_held.pop().group)
        wanted = _held_of(count, threads)
        if not wanted:
            return True
        group = util.placement_group([{"CPU": threads}] * wanted, strategy="SPREAD")
        end = time.monotonic() + _HOLD_SECONDS
        while not there and time.monotonic() < end and go_on():
            there = bool(group.wait(timeout_seconds=0.5))
        if there:
            _held.append(_Held(group, wanted, threads))
        else:
            util.remove_placement_group(group)
    except Exception as error:
        raise RunFailedError(
            f"the Ray cluster does not answer: {type(error).__name__}: {str(error).strip()[:500]}",
            kind="service",
            hint="look at `ray status`",
        ) from error
    return there


def _held_of(count: int, threads: int) -> int:
    return min(count, int(_ray().cluster_resources().get("CPU", 0)) // threads)


def own_addresses() -> set[str]:
    """Return the addresses of this machine."""
    import psutil

    found = {address.address for some in psutil.net_if_addrs().values() for address in some}
    return found | {"", "127.0.0.1", "::1"}


class RaySlot:
    """A worker on some node of the cluster.

    Parameters
    ----------
    number
        From 1.
    threads
        That TensorFlow uses in it; it is given as many processors.
    """

    def __init__(self, number: int, threads: int | None) -> None:
        ray = _ray()

        self.name = f"worker {number}"
        options = {"num_cpus": threads or 1, "max_restarts": 0, "max_task_retries": 0}
        options["scheduling_strategy"] = _strategy(number)
        self._actor = ray.remote(RayWorker).options(**options).remote(number, threads)
        self._outgoing: list[bytes] = []
        self._prepared: Any = None
        self._gone = ""
        self.pending: Any = None
        self._ask()

    def send(self, message: Any) -> None:
        """Say something, with the next call."""
        if isinstance(message, JobOrder) and not isinstance(message.prepared, (bytes, str)):
            self._prepared = message.prepared
            message = replace(message, prepared="")
        self._outgoing.append(pickle.dumps(message))

    def heard(self) -> list[Any]:
        """Return what it has said.

        Raises
        ------
        EOFError
            If it or its node is gone.
        """
        ray = _ray()

        if not self.pending:
            raise EOFError
        try:
            contents = ray.get(self.pending)
            self._ask()
        except Exception as error:
            # Whatever it is, this worker will say no more: died, out of reach, or it could not be made.
            self._gone = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            self.pending = None
            raise EOFError from error
        return [pickle.loads(content) for content in contents]  # noqa: S301 - our own worker

    def _ask(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        prepared, self._prepared = self._prepared, None
        self.pending = self._actor.exchange.remote(outgoing, _PATIENCE, prepared)

    def describe_end(self) -> str:
        """Say how it ended."""
        return self._gone or "it was lost"

    def kill(self) -> None:
        """End it now."""
        ray = _ray()

        with suppress(Exception):
            ray.kill(self._actor, no_restart=True)
        self.pending = None

    close = kill


def _strategy(number: int) -> Any:
    """Return where a worker goes: to its own part of what is held, or wherever there is room."""
    if not _held or number > _held[0].workers:
        return "SPREAD"
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    return strategies.PlacementGroupSchedulingStrategy(_held[0].group, placement_group_bundle_index=number - 1)


def wait_for_rays(slots: list[RaySlot], timeout: float) -> list[RaySlot]:
    """Return the slots that have something to say or are gone, after ``timeout`` seconds at most."""
    ray = _ray()

    by_ref = {slot.pending: slot for slot in slots if slot.pending}
    gone = [slot for slot in slots if not slot.pending]
    if gone or not by_ref:
        threading.Event().wait(0 if gone else timeout)
        return gone
    ready, _ = ray.wait(list(by_ref), num_returns=len(by_ref), timeout=timeout)
    return [by_ref[each] for each in ready]
