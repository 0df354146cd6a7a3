"""What the tests of every cloud adapter share: a quick clock, a backend that asks again, processes that die."""

from __future__ import annotations

import functools
import gc
import os
import signal
import time
import warnings
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import TransientError

if TYPE_CHECKING:
    from automl_bridge.backend import Backend
    from automl_bridge.sandbox.life import Sandbox

__all__ = ["QuickClock", "Ticks", "patient", "settings_in", "sweep_up"]

REPEATED = ("stage", "submit", "find", "poll", "cancel", "collect", "export", "resources", "delete")


def settings_in(sandbox: Sandbox, backend: str) -> dict[str, Any]:
    """Return the settings of a backend that a sandbox's variables stand for."""
    mark = f"AUTOML_BRIDGE_{backend.upper()}__"
    return {name.removeprefix(mark).lower(): value for name, value in sandbox.env.items() if name.startswith(mark)}


def sweep_up() -> None:
    """Let go of the sockets that processes left which "died": told of at pytest's own end, they fail a whole run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class QuickClock:
    """Time goes by as it does, but waiting is short: what is slept through counts as gone by."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def now(self) -> float:
        return time.time() + self._skipped

    def sleep(self, seconds: float) -> None:
        short = min(seconds, 0.05)
        time.sleep(short)
        self._skipped += seconds - short


def patient(kind: type[Backend], module: str) -> type[Backend]:
    """Return a backend that asks again after what may pass, since the tiers call it without an engine.

    A tier that kills a process finds the class there by its ``module``, where it has to be called ``Patient``.
    """
    return type("Patient", (kind,), {"__module__": module} | {name: _again(kind, name) for name in REPEATED})


def _again(kind: type[Backend], method: str) -> Any:
    @functools.wraps(getattr(kind, method))
    def call(self: Backend, *arguments: Any) -> Any:
        for attempt in range(60):
            try:
                found = getattr(kind, method)(self, *arguments)
                return list(found) if method == "resources" else found
            except TransientError:
                # Under load a moment helps; the engine waits longer.
                time.sleep(min(0.01 * 2**attempt, 0.2))
        raise AssertionError(f"{method} failed 60 times")

    return call


class Ticks:
    """Counts boundaries; at the ``last`` one the process dies, as by ``kill -9``."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def tick(self, _: object = None) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call):
        def counted(*arguments, **options):
            self.tick()
            try:
                return call(*arguments, **options)
            finally:
                self.tick()

        return counted
