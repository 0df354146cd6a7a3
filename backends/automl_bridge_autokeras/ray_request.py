"""What a search on a Ray cluster needs before it is planned, and of its caller's environment. No heavy imports."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import socket
from typing import TYPE_CHECKING

from automl_bridge.backend import Check
from automl_bridge.errors import BudgetError, MissingExtraError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["check_ray", "knock", "ray_checks", "ray_environment"]

_ANSWER_SECONDS = 10.0  # for whatever listens at the address

_TAKEN = (
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN_PATH",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER",
    "RAY_TLS_CA_CERT",
    "RAY_TLS_SERVER_CERT",
    "RAY_TLS_SERVER_KEY",
    "RAY_TMPDIR",
    "RAY_USE_TLS",
)
"""Modes and paths of files. A token itself is never taken: jobs are written down."""


def check_ray(spec: JobSpec, settings: AutoKerasSettings) -> None:
    """Refuse what a search on a cluster cannot keep.

    Raises
    ------
    MissingExtraError
        If Ray is not installed here.
    BudgetError
        If the budget caps money: the price of the cluster's machines is not known.
    """
    if not settings.ray_address:
        return
    if importlib.util.find_spec("ray") is None:
        line = 'pip install "automl-bridge[ray]"'
        raise MissingExtraError(
            f"autokeras.ray_address is {settings.ray_address}, and ray is not installed.   {line}",
            hint=f"{line}, or leave ray_address out: workers then run on this machine",
        )
    if spec.budget.max_cost_usd is not None:
        raise BudgetError(
            f"max_cost_usd ${spec.budget.max_cost_usd:g} cannot be kept on a Ray cluster: what its machines cost is "
            "not known",
            hint="limit max_time instead, or leave autokeras.ray_address out",
        )


def knock(address: str) -> None:
    """See that something listens at a cluster's address: Ray itself would try for minutes.

    Raises
    ------
    RunFailedError
        If nothing does.
    """
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise RunFailedError(
            f"nothing answers at the Ray address {address}: {error}",
            kind="service",
            hint="the setting autokeras.ray_address is auto, host:port (6379 usually) or ray://host:port (10001 "
            "usually) of a cluster that runs; automl-bridge starts none",
        ) from error


def ray_checks(settings: AutoKerasSettings) -> Iterable[Check]:
    """Look at Ray, where the settings name a cluster; it is not joined."""
    if not settings.ray_address:
        return
    try:
        yield Check(name="package ray", ok=True, detail=importlib.metadata.version("ray"))
    except importlib.metadata.PackageNotFoundError:
        yield Check(name="package ray", ok=False, detail='pip install "automl-bridge[ray]"')
        return
    try:
        knock(settings.ray_address)
        yield Check(name="ray cluster", ok=True, detail=f"something listens at {settings.ray_address}")
    except RunFailedError as error:
        yield Check(name="ray cluster", ok=False, detail=error.message)


def ray_environment() -> dict[str, str]:
    """Return the variables by which Ray finds, and is let into, a cluster; and no reports to anybody."""
    return {name: os.environ[name] for name in _TAKEN if name in os.environ} | {"RAY_USAGE_STATS_ENABLED": "0"}
