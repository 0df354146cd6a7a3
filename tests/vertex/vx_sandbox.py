"""The Google sandbox for tests: a process of its own, and a backend that asks again as the engine does."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from automl_bridge_vertex import VertexBackend
from automl_bridge_vertex.settings import VertexSettings
from cloud_kit import QuickClock, patient, settings_in

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
    given = settings_in(sandbox, "vertex")
    if grpc:
        given |= {"transport": "grpc", "api_endpoint": sandbox.env["AUTOML_BRIDGE_SANDBOX_GCP_GRPC"]}
    # Its lists do not lag: a request whose answer was lost is in them at once.
    return VertexSettings(**{**given, "settle": 0.05, **changes})


Patient = patient(VertexBackend, __name__)


def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Yield a sandbox of a module's own."""
    home = tmp_path_factory.mktemp("gcp")
    yield begin(home)
    end(home)
