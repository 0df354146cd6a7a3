"""Requests as the service's own messages: a name that they do not have cannot be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_inputs", "inputs_message", "message"]


def message(kind: Any, document: Mapping[str, Any]) -> Any:
    """Return a request as a message of the type ``kind`` (proto-plus).

    Raises
    ------
    RejectedError
        If the document has a field, an enumerator or a type that the message has not; names it.
    """
    from google.protobuf import json_format

    raw = kind.pb(kind())
    try:
        json_format.ParseDict(document, raw)
    except json_format.ParseError as error:
        raise RejectedError(f"{kind.__name__} does not take the request: {error}") from error
    return kind.wrap(raw)


def inputs_message(definition: str) -> Any:
    """Return the typed message of a training task's inputs, by the address of its definition."""
    name = definition.rpartition("/")[2].removesuffix("_1.0.0.yaml")
    if name == "automl_time_series_forecasting":
        # Its inputs are in the preview's package only; the task itself is in v1.
        from google.cloud.aiplatform.v1beta1.schema.trainingjob.definition_v1beta1.types import (
            automl_time_series_forecasting as forecasting,
        )

        return forecasting.AutoMlForecastingInputs
    from google.cloud.aiplatform.v1.schema.trainingjob.definition_v1 import types

    return {
        "automl_tabular": types.AutoMlTablesInputs,
        "automl_image_classification": types.AutoMlImageClassificationInputs,
    }[name]


def check_inputs(pipeline: Mapping[str, Any]) -> None:
    """Raise `RejectedError` unless the inputs of a training pipeline are what its task takes."""
    message(inputs_message(pipeline["trainingTaskDefinition"]), pipeline["trainingTaskInputs"])
