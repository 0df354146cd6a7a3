"""What a search on a Ray cluster needs before it is planned, and of its caller's environment. No heavy imports."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from automl_bridge.errors import BudgetError, MissingExtraError

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["check_ray", "ray_environment"]

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


def ray_environment() -> dict[str, str]:
    """Return the variables by which Ray finds, and is let into, a cluster; and no reports to anybody."""
    return {name: os.environ[name] for name in _TAKEN if name in os.environ} | {"RAY_USAGE_STATS_ENABLED": "0"}
