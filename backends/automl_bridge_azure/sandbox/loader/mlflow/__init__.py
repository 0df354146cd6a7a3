"""What a script of a job in the sandbox gets for ``mlflow``: loading a model, and logging that goes nowhere.

It is not MLflow. It reads what the sandbox itself wrote (``MLmodel`` and the pickle beside it).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from . import pyfunc, sklearn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["log_metric", "log_metrics", "log_param", "log_params", "pyfunc", "set_tag", "sklearn", "start_run"]

__version__ = "2.21.3"


@contextlib.contextmanager
def start_run(*_args: Any, **_options: Any) -> Iterator[None]:
    """Do nothing for as long as it lasts."""
    yield


def _nothing(*_args: Any, **_options: Any) -> None:
    """Log nothing."""


log_metric = log_metrics = log_param = log_params = log_artifact = log_artifacts = set_tag = autolog = _nothing
set_tracking_uri = set_experiment = end_run = _nothing
