"""Training tasks: which definitions there are, and what their inputs may be, by the typed messages.

Ranges and values: docstrings of ``google.cloud.aiplatform.v1.schema.trainingjob.definition`` and, for forecasting,
of ``…v1beta1…``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import FieldErrors, failed_precondition, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PREFIX", "Task", "read_task"]

PREFIX = "gs://google-cloud-aiplatform/schema/trainingjob/definition/"
KINDS = {
    "automl_tabular_1.0.0.yaml": "table",
    "automl_image_classification_1.0.0.yaml": "image",
    "automl_time_series_forecasting_1.0.0.yaml": "series",
    "seq2seq_plus_time_series_forecasting_1.0.0.yaml": "series",
    "temporal_fusion_transformer_time_series_forecasting_1.0.0.yaml": "series",
    "time_series_dense_encoder_forecasting_1.0.0.yaml": "series",
}
DATASETS = {"table": "tabular", "series": "time_series", "image": "image"}
GONE = ("automl_text_", "automl_video_")
UNTYPED = {  # the SDK sends these; the published messages have no such fields
    "series": {"holidayRegions", "windowConfig", "hierarchyConfig", "enableProbabilisticInference"},
    "image": {"uptrainBaseModelId", "tunableParameter"},
}
BINARY = (
    "maximize-au-roc", "minimize-log-loss", "maximize-au-prc", "maximize-precision-at-recall",
    "maximize-recall-at-precision",
)  # fmt: skip
OBJECTIVES = {
    "classification": BINARY,
    "regression": ("minimize-rmse", "minimize-mae", "minimize-rmsle"),
    "series": (
        "minimize-rmse", "minimize-mae", "minimize-rmsle", "minimize-rmspe", "minimize-wape-mae",
        "minimize-quantile-loss",
    ),
}  # fmt: skip
GRANULARITIES = {"minute": (1, 5, 10, 15, 30), "hour": (1,), "day": (1,), "week": (1,), "month": (1,), "year": (1,)}


@dataclass(frozen=True)
class Task:
    """A training task that was accepted.

    Parameters
    ----------
    kind
        ``table``, ``series`` or ``image``.
    inputs
        The typed message.
    untyped
        Inputs that no message has.
    """

    kind: str
    inputs: Any
    untyped: dict[str, Any]

    @property
    def budget(self) -> int:
        """Milli node hours that it may use."""
        if self.kind != "image":
            return int(self.inputs.train_budget_milli_node_hours)
        return int(self.inputs.budget_milli_node_hours) or (192_000 if self.cloud else 24_000)

    @property
    def cloud(self) -> bool:
        """Whether an image model is of the kind that cannot be exported."""
        return self.kind == "image" and self.inputs.model_type in {0, 1}

    @property
    def nodes(self) -> int:
        """How many nodes work at once."""
        return 8 if self.cloud else 1

    @property
    def stops_early(self) -> bool:
        """Whether it may stop before its budget is used."""
        return not getattr(self.inputs, "disable_early_stopping", False)

    @property
    def problem(self) -> str:
        """``classification`` or ``regression`` of a table; the kind of other tasks."""
        return str(self.inputs.prediction_type) if self.kind == "table" else self.kind

    def columns(self) -> dict[str, tuple[str, Any]]:
        """Return kind and settings of each column's transformation, by name."""
        return dict(_transformations(self.inputs))


def _transformations(inputs: Any) -> Iterator[tuple[str, tuple[str, Any]]]:
    for one in inputs.transformations:
        kind = one.WhichOneof("transformation_detail")
        if kind is not None:
            detail = getattr(one, kind)
            yield detail.column_name, (kind, detail)


def _messages() -> dict[str, Any]:
    from google.cloud.aiplatform.v1.schema.trainingjob import definition_v1 as stable
    from google.cloud.aiplatform.v1beta1.schema.trainingjob import definition_v1beta1 as beta

    return {
        "table": stable.AutoMlTablesInputs.pb(),
        "image": stable.AutoMlImageClassificationInputs.pb(),
        "series": beta.AutoMlForecastingInputs.pb(),
    }


def read_task(definition: str, value: Any) -> Task:
    """Read and check a training task.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for an unknown definition, unknown inputs, or values out of their range.
    """
    from google.protobuf import json_format

    name = definition.removeprefix(PREFIX)
    if name.startswith(GONE):
        raise failed_precondition(f"AutoML training with {name} is no longer supported.")
    if name not in KINDS or not definition.startswith(PREFIX):
        raise invalid(f"Unsupported training task definition: {definition or 'none'}.")
    kind = KINDS[name]
    sent = json_format.MessageToDict(value)
    if not isinstance(sent, dict):
        raise invalid("List of found errors:\t1.Field: training_task_inputs; Message: Required field is not set.\t")
    untyped = {key: sent.pop(key) for key in list(sent) if key in UNTYPED.get(kind, set())}
    if kind == "image" and isinstance(sent.get("modelType"), str):
        sent["modelType"] = sent["modelType"].upper().replace("-", "_")  # the definition writes it with dashes
    try:
        inputs = json_format.ParseDict(sent, _messages()[kind]())
    except json_format.ParseError as error:
        raise invalid(f"Invalid training_task_inputs for {name}: {error}") from None
    task = Task(kind, inputs, untyped)
    errors = FieldErrors()
    {"table": _check_table, "series": _check_series, "image": _check_image}[kind](task, errors)
    errors.raise_if_any()
    return task


def _required(errors: FieldErrors, inputs: Any, *names: str) -> None:
    for name in names:
        if not getattr(inputs, name):
            errors.add(f"training_task_inputs.{name}", "Required field is not set.")


def _check_budget(errors: FieldErrors, field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        errors.add(
            f"training_task_inputs.{field}",
            f"The train budget must be between {least} and {most} milli node hours, inclusive; it is {value}.",
        )


def _check_objective(errors: FieldErrors, value: str, allowed: tuple[str, ...]) -> None:
    if value and value not in allowed:
        text = f"Unsupported objective {value}; supported are {', '.join(allowed)}."
        errors.add("training_task_inputs.optimization_objective", text)


def _check_columns(errors: FieldErrors, inputs: Any) -> None:
    names = [name for name, _detail in _transformations(inputs)]
    field = "training_task_inputs.transformations"
    if not names:
        errors.add(field, "At least one transformation is required.")
    elif len(names) < len(inputs.transformations) or not all(names):
        errors.add(field, "A transformation has no column name.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        errors.add(field, f"Columns are transformed more than once: {', '.join(twice)}.")


def _check_table(task: Task, errors: FieldErrors) -> None:
    inputs = task.inputs
    _required(errors, inputs, "target_column", "prediction_type")
    if inputs.prediction_type and inputs.prediction_type not in OBJECTIVES:
        errors.add("training_task_inputs.prediction_type", f"Unsupported prediction type {inputs.prediction_type}.")
    _check_budget(errors, "train_budget_milli_node_hours", task.budget, 1000, 72_000)
    _check_objective(errors, inputs.optimization_objective, OBJECTIVES.get(inputs.prediction_type, ()))
    _check_columns(errors, inputs)
    if inputs.target_column in task.columns():
        errors.add("training_task_inputs.transformations", "The target column must not be transformed.")
    values = {
        "maximize-precision-at-recall": "optimization_objective_recall_value",
        "maximize-recall-at-precision": "optimization_objective_precision_value",
    }
    wanted = values.get(inputs.optimization_objective)
    given = inputs.WhichOneof("additional_optimization_objective_config")
    if wanted and (given != wanted or not 0 <= getattr(inputs, wanted) <= 1):
        errors.add(f"training_task_inputs.{wanted}", "Must be between 0 and 1, inclusive.")
    elif not wanted and given:
        errors.add(f"training_task_inputs.{given}", "Not allowed with this optimization objective.")


def _check_series(task: Task, errors: FieldErrors) -> None:
    inputs = task.inputs
    _required(
        errors, inputs, "target_column", "time_column", "time_series_identifier_column", "forecast_horizon"
    )  # fmt: skip
    _check_budget(errors, "train_budget_milli_node_hours", task.budget, 1000, 72_000)
    _check_objective(errors, inputs.optimization_objective, OBJECTIVES["series"])
    _check_columns(errors, inputs)
    unit, quantity = inputs.data_granularity.unit, inputs.data_granularity.quantity
    if quantity not in GRANULARITIES.get(unit, ()):
        errors.add("training_task_inputs.data_granularity", f"Unsupported granularity: {quantity} {unit or 'none'}.")
    if inputs.forecast_horizon < 0 or inputs.context_window < 0:
        errors.add("training_task_inputs.forecast_horizon", "Horizon and context window must not be negative.")
    quantiles = list(inputs.quantiles)
    if len(quantiles) > 5 or len(set(quantiles)) < len(quantiles) or not all(0 < one < 1 for one in quantiles):
        errors.add(
            "training_task_inputs.quantiles", "Up to 5 unique quantiles between 0 and 1, exclusive, are allowed."
        )
    if inputs.optimization_objective == "minimize-quantile-loss" and not quantiles:
        errors.add("training_task_inputs.quantiles", "Required for minimize-quantile-loss.")
    if inputs.validation_options not in {"", "fail-pipeline", "ignore-validation"}:
        errors.add("training_task_inputs.validation_options", f"Unsupported option {inputs.validation_options}.")
    regions = task.untyped.get("holidayRegions")
    if regions and unit != "day":
        errors.add("training_task_inputs.holiday_regions", "Allowed only with a granularity of days.")
    _check_roles(task, errors)


def _check_roles(task: Task, errors: FieldErrors) -> None:
    """Every transformed column needs a role: attribute, available or unavailable at forecast."""
    inputs = task.inputs
    roles = [
        list(inputs.time_series_attribute_columns),
        list(inputs.available_at_forecast_columns),
        list(inputs.unavailable_at_forecast_columns),
    ]
    named = [name for role in roles for name in role]
    field = "training_task_inputs.transformations"
    own = {inputs.time_series_identifier_column, inputs.time_column, inputs.target_column}
    missing = [name for name in task.columns() if name not in named and name not in own]
    if missing:
        errors.add(field, f"Columns without a role (attribute, available or unavailable at forecast): {missing}.")
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        errors.add(field, f"Columns with more than one role: {twice}.")


def _check_image(task: Task, errors: FieldErrors) -> None:
    least, most = (8000, 800_000) if task.cloud else (1000, 100_000)
    _check_budget(errors, "budget_milli_node_hours", task.budget, least, most)
