"""The AWS sandbox for tests: a process of its own, and a backend that asks again as the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge_sagemaker import SageMakerBackend
from automl_bridge_sagemaker.settings import SageMakerSettings
from cloud_kit import QuickClock, patient, settings_in

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.sandbox.life import Sandbox

__all__ = ["Patient", "QuickClock", "begin", "end", "settings_of"]


PROVIDER = "automl_bridge_sagemaker.sandbox.app:create"
FACTOR = 200_000.0
"""Simulated seconds in a real one: an hour of Autopilot is over before its models are really trained."""


def begin(home: Path) -> Sandbox:
    """Start a sandbox whose state is under ``home``."""
    from automl_bridge.sandbox import life

    return life.start(PROVIDER, home=home, factor=FACTOR)


def end(home: Path) -> None:
    """Stop it."""
    from automl_bridge.sandbox import life

    life.stop(PROVIDER, home=home)


def settings_of(sandbox: Sandbox) -> SageMakerSettings:
    """Return the settings that its variables stand for."""
    given = settings_in(sandbox, "sagemaker")
    return SageMakerSettings(**given)


Patient = patient(SageMakerBackend, __name__)
