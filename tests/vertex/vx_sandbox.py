"""The Google sandbox for tests: a process of its own, and a backend that asks again as the engine does."""

from __future__ import annotations

import functools
import importlib.util
import time
from typing import TYPE_CHECKING, Any

import pytest

from automl_bridge.errors import TransientError
from automl_bridge_vertex import VertexBackend
from automl_bridge_vertex.settings import VertexSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from automl_bridge.sandbox.life import Sandbox

__all__ = ["Patient", "QuickClock", "at", "begin", "end", "settings_of"]


PROVIDER = "automl_bridge_vertex.sandbox.app:create"
FACTOR = 200_000.0
"""Simulated seconds in a real one: an hour of training is over before its model is really trained."""


def begin(home: Path) -> Sandbox:
    """Start a sandbox whose state is under ``home``."""
    if importlib.util.find_spec("automl_bridge_vertex.sandbox.app") is None:
        pytest.skip("the sandbox is not in this checkout")
    from automl_bridge.sandbox import life

    return life.start(PROVIDER, home=home, factor=FACTOR)


def end(home: Path) -> None:
    """Stop it."""
    from automl_bridge.sandbox import life

    life.stop(PROVIDER, home=home)


def at(sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    """Set the variables by which Google's clients find it."""
    for name, value in sandbox.env.items():
        if not name.startswith("AUTOML_BRIDGE_"):
            patch.setenv(name, value)


def settings_of(sandbox: Sandbox, *, grpc: bool = False, **changes: object) -> VertexSettings:
    """Return the settings that its variables stand for."""
    mark = "AUTOML_BRIDGE_VERTEX__"
    given: dict[str, Any] = {
        name.removeprefix(mark).lower(): value for name, value in sandbox.env.items() if name.startswith(mark)
    }
    if grpc:
        given |= {"transport": "grpc", "api_endpoint": sandbox.env["AUTOML_BRIDGE_SANDBOX_GCP_GRPC"]}
    # Its lists do not lag: a request whose answer was lost is in them at once.
    return VertexSettings(**{**given, "settle": 0.05, **changes})


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


def _again(method: str) -> Any:
    @functools.wraps(getattr(VertexBackend, method))
    def call(self: VertexBackend, *arguments: Any) -> Any:
        for attempt in range(60):
            try:
                found = getattr(VertexBackend, method)(self, *arguments)
                return list(found) if method in {"resources", "check"} else found
            except TransientError:
                # Under load a moment helps; the engine waits longer.
                time.sleep(min(0.01 * 2**attempt, 0.2))
        raise AssertionError(f"{method} failed 60 times")

    return call


class Patient(VertexBackend):
    """Asks again after what may pass, since the tiers call the backend without an engine."""

    stage = _again("stage")
    submit = _again("submit")
    find = _again("find")
    poll = _again("poll")
    cancel = _again("cancel")
    collect = _again("collect")
    export = _again("export")
    resources = _again("resources")
    delete = _again("delete")


def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Yield a sandbox of a module's own."""
    home = tmp_path_factory.mktemp("gcp")
    yield begin(home)
    end(home)
