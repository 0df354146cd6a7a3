"""The Azure sandbox for tests: a process of its own, and a backend that asks again as the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_azure import AzureBackend
from automl_bridge_azure.settings import AzureSettings
from cloud_kit import QuickClock, patient, settings_in

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.sandbox.life import Sandbox

__all__ = ["Patient", "QuickClock", "begin", "end", "lead_to", "settings_of"]


PROVIDER = "automl_bridge_azure.sandbox.app:create"
FACTOR = 200_000.0
"""Simulated seconds in a real one: an hour of a job is over before its models are really trained."""


_TRUSTED = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def begin(home: Path) -> Sandbox:
    """Start a sandbox whose state is under ``home``."""
    from automl_bridge.sandbox import life

    return life.start(PROVIDER, home=home, factor=FACTOR)


def end(home: Path) -> None:
    """Stop it."""
    from automl_bridge.sandbox import life

    life.stop(PROVIDER, home=home)


def lead_to(sandbox: Sandbox, patch: Any) -> None:
    """Set the SDK's own variables to the sandbox's, and none of ours.

    Its certificate is trusted alone. Beside the public ones, of which there are more than a hundred, reading them took
    most of the clients' time: the sandbox ends each connection, and each new one reads the file again.
    """
    for name, value in sandbox.env.items():
        if not name.startswith("AUTOML_BRIDGE_"):
            patch.setenv(name, sandbox.certificate if name in _TRUSTED else value)


def settings_of(sandbox: Sandbox, **changes: Any) -> AzureSettings:
    """Return the settings that its variables stand for."""
    given = settings_in(sandbox, "azure")
    return AzureSettings(**{**given, **changes})


Patient = patient(AzureBackend, __name__)
