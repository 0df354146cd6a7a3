"""Every AutoML behind one Estimator: train anywhere, see what it costs, compare on one holdout.

Names are loaded when they are first used, so importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_bridge.budget import Budget
    from automl_bridge.comparison import compare
    from automl_bridge.config import Config, load_config
    from automl_bridge.errors import AutoMLBridgeError
    from automl_bridge.estimator import Estimator
    from automl_bridge.session import Session
    from automl_bridge.spec import JobSpec
    from automl_bridge.task import Task

__all__ = [
    "AutoMLBridgeError",
    "Budget",
    "Config",
    "Estimator",
    "JobSpec",
    "Session",
    "Task",
    "__version__",
    "compare",
    "load_config",
]

_HOMES = {
    "AutoMLBridgeError": "errors",
    "Budget": "budget",
    "Config": "config",
    "Estimator": "estimator",
    "JobSpec": "spec",
    "Session": "session",
    "Task": "task",
    "compare": "comparison",
    "load_config": "config",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("automl-bridge")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
