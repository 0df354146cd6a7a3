"""``training_task_inputs``: what each training task is told, by the names of its typed message.

A plan is made without Google's packages, so this is plain JSON; `typed` checks it against the message itself before
it is sent, and the tests do for every task.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_vertex.columns import (
    is_stamped,
    series_column,
    target_column,
    transformation,
)
from automl_bridge_vertex.limits import limit, refusal
from automl_bridge_vertex.objectives import QUANTILE_LOSS

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.spec import ForecastSpec, JobSpec, Profile
    from automl_bridge_vertex.native_limits import Limits
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["TASKS", "Schemas", "granularity", "task_inputs"]

_SCHEMA = "gs://google-cloud-aiplatform/schema"


class Schemas(NamedTuple):
    """The schema files of a task.

    Parameters
    ----------
    definition
        Of the training task.
    metadata
        Of the dataset.
    """

    definition: str
    metadata: str


def _schemas(definition: str, metadata: str) -> Schemas:
    return Schemas(
        f"{_SCHEMA}/trainingjob/definition/{definition}_1.0.0.yaml", f"{_SCHEMA}/dataset/metadata/{metadata}_1.0.0.yaml"
    )


TASKS = {
    Task.TABULAR_CLASSIFICATION: _schemas("automl_tabular", "tabular"),
    Task.TABULAR_REGRESSION: _schemas("automl_tabular", "tabular"),
    Task.FORECASTING: _schemas("automl_time_series_forecasting", "time_series"),
    Task.IMAGE_CLASSIFICATION: _schemas("automl_image_classification", "image"),
}

_STEPS = {
    "min": "minute", "T": "minute", "h": "hour", "H": "hour", "D": "day", "W": "week", "M": "month", "MS": "month",
    "ME": "month", "Y": "year", "YS": "year", "YE": "year", "A": "year", "AS": "year",
}  # fmt: skip


def task_inputs(spec: JobSpec, settings: VertexSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    """Return the inputs of the training task of ``spec``."""
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return {
            "modelType": settings.model_type,
            **limits.native(),
            "disableEarlyStopping": not settings.early_stopping,
            "multiLabel": False,
        }
    if spec.task is Task.FORECASTING:
        return _forecast(spec, settings, limits, objective)
    return _table(spec, settings, limits, objective)


def _table(spec: JobSpec, settings: VertexSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    inputs: dict[str, object] = {
        "targetColumn": target_column(spec.profile),
        "predictionType": "classification" if spec.task.is_classification else "regression",
        "transformations": [transformation(column) for column in spec.profile.features],
        "optimizationObjective": objective.name,
        **limits.native(),
        "disableEarlyStopping": not settings.early_stopping,
    }
    weights = spec.profile.with_role(Role.WEIGHT)
    if weights:
        inputs["weightColumnName"] = weights[0].safe_name
    return inputs


def _forecast(spec: JobSpec, settings: VertexSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    forecast, profile = spec.forecast, spec.profile
    assert forecast is not None
    time = next(column for column in profile.columns if column.name == forecast.time)
    target = target_column(profile)
    known = [column.safe_name for column in profile.features if column.name in forecast.known_future]
    unknown = [column.safe_name for column in profile.features if column.name not in forecast.known_future]
    read = [transformation(column, invalid=()) for column in profile.features]
    attributes = _attributes(profile, forecast)
    inputs: dict[str, object] = {
        "targetColumn": target,
        "timeSeriesIdentifierColumn": series_column(profile),
        "timeColumn": time.safe_name,
        "timeSeriesAttributeColumns": attributes,
        "availableAtForecastColumns": [time.safe_name, *known],
        "unavailableAtForecastColumns": [target, *unknown],
        "transformations": [
            {"timestamp": {"columnName": time.safe_name}},
            {"numeric": {"columnName": target}},
            *read,
            *({"categorical": {"columnName": name}} for name in attributes),
        ],
        "optimizationObjective": objective.name,
        **limits.native(),
        "dataGranularity": granularity(forecast.freq, stamped=is_stamped(time)),
        "forecastHorizon": forecast.horizon,
        "contextWindow": forecast.horizon if settings.context_window is None else settings.context_window,
    }
    if objective.name == QUANTILE_LOSS:
        inputs["quantiles"] = list(forecast.quantiles)
    weights = profile.with_role(Role.WEIGHT)
    if weights:
        inputs["weightColumn"] = weights[0].safe_name
    return inputs


def _attributes(profile: Profile, forecast: ForecastSpec) -> list[str]:
    """Return the columns that tell series apart where there are several: each says something of its own."""
    safe = {column.name: column.safe_name for column in profile.columns}
    return [safe[name] for name in forecast.series] if len(forecast.series) > 1 else []


def granularity(freq: str, *, stamped: bool = True) -> dict[str, object]:
    """Return Vertex AI's unit and quantity of a step as pandas writes it.

    Raises
    ------
    LimitError
        For a step that the service has not.
    """
    found = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]{3})?", freq) if stamped else None
    count, unit = (int(found[1] or 1), _STEPS.get(found[2])) if found else (0, None)
    if (count, unit) == (60, "minute"):
        count, unit = 1, "hour"
    if unit is None or (count not in {1, 5, 10, 15, 30} if unit == "minute" else count != 1):
        raise refusal(
            "vertex.forecasting.granularity",
            f'Vertex AI forecasting has no step of "{freq}"',
            f"it takes {limit('vertex.forecasting.granularity').value}",
        )
    return {"unit": unit, "quantity": count}
