"""What the script that predicts in the workspace is told, and the columns that it answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.wire import class_code
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_azure.forecast_request import series_names

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec, Profile

__all__ = ["PREDICTIONS", "columns_of", "describe"]

PREDICTIONS = "predictions.csv"


def columns_of(spec: JobSpec) -> list[str]:
    """Return the columns of `PREDICTIONS`, in the order of `Outcome.predictions`."""
    if spec.task.is_classification:
        return [class_code(index) for index in range(len(spec.profile.classes))]
    if spec.task is Task.FORECASTING:
        assert spec.forecast is not None
        return ["point", *(f"q{quantile:g}" for quantile in spec.forecast.quantiles)]
    return ["value"]


def describe(spec: JobSpec, profile: Profile) -> dict[str, object]:
    """Return ``job.json``: the task, how many rows there are, and what is asked of each."""
    document: dict[str, object] = {
        "task": str(spec.task),
        "rows": profile.rows["predict"],
        "columns": columns_of(spec),
    }
    if spec.task is Task.FORECASTING:
        assert spec.forecast is not None
        document |= {
            "quantiles": list(spec.forecast.quantiles),
            "target": profile.with_role(Role.TARGET)[0].safe_name,
            "time": profile.with_role(Role.TIME)[0].safe_name,
            "series": series_names(profile),
        }
    return document
