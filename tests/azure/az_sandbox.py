"""The Azure sandbox for tests: a process of its own, and a backend that asks again as the engine does."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import TransientError
from automl_bridge_azure import AzureBackend
from automl_bridge_azure.settings import AzureSettings

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.sandbox.life import Sandbox

__all__ = ["Patient", "QuickClock", "begin", "end", "lead_to", "settings_of"]


PROVIDER = "automl_bridge_azure.sandbox.app:create"
FACTOR = 200_000.0
"""Simulated seconds in a real one: an hour of a job is over before its models are really trained."""


def begin(home: Path) -> Sandbox:
    """Start a sandbox whose state is under ``home``."""
    from automl_bridge.sandbox import life

    return life.start(PROVIDER, home=home, factor=FACTOR)


def end(home: Path) -> None:
    """Stop it."""
    from automl_bridge.sandbox import life

    life.stop(PROVIDER, home=home)


def lead_to(sandbox: Sandbox, patch: Any) -> None:
    """Set the SDK's own variables to the sandbox's, and none of ours."""
    for name, value in sandbox.env.items():
        if not name.startswith("AUTOML_BRIDGE_"):
            patch.setenv(name, value)


def settings_of(sandbox: Sandbox, **changes: Any) -> AzureSettings:
    """Return the settings that its variables stand for."""
    mark = "AUTOML_BRIDGE_AZURE__"
    given: dict[str, Any] = {
        name.removeprefix(mark).lower(): value for name, value in sandbox.env.items() if name.startswith(mark)
    }
    return AzureSettings(**{**given, **changes})


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
    @functools.wraps(getattr(AzureBackend, method))
    def call(self: AzureBackend, *arguments: Any) -> Any:
        for attempt in range(60):
            try:
                found = getattr(AzureBackend, method)(self, *arguments)
                return list(found) if method in {"resources", "check"} else found
            except TransientError:
                # Under load a moment helps; the engine waits longer.
                time.sleep(min(0.01 * 2**attempt, 0.2))
        raise AssertionError(f"{method} failed 60 times")

    return call


class Patient(AzureBackend):
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
