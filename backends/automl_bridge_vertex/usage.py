"""What a job was billed for, as far as the service says.

The field differs by task: ``trainCostMilliNodeHours`` of tables and forecasts, ``costMilliNodeHours`` of images. Where
it is missing the usage is unknown, never zero; failed training is not billed, cancelled training is
(https://cloud.google.com/vertex-ai/pricing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.costs.usage import Part, Usage, UsageItem
from automl_bridge_vertex.rates import FORECAST_POINTS, IMAGE_BATCH, inference

if TYPE_CHECKING:
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["batch_usage", "milli_node_hours", "training_usage"]

_FIELDS = ("trainCostMilliNodeHours", "costMilliNodeHours")


def milli_node_hours(metadata: Any) -> float | None:
    """Return what a pipeline's metadata says that training cost; None if it does not say.

    Parameters
    ----------
    metadata
        The value as JSON. A 64-bit number is a text there, or a float.
    """
    if not isinstance(metadata, dict):
        return None
    for field in _FIELDS:
        value = metadata.get(field)
        try:
            number = float(value) if value is not None else None
        except (TypeError, ValueError):
            continue
        if number is not None and number >= 0:
            return number
    return None


def as_json(value: Any) -> Any:
    """Return a protobuf value (a message of proto-plus holds it as plain Python, mostly) as JSON."""
    from google.protobuf import json_format

    raw = getattr(value, "_pb", value)
    return json_format.MessageToDict(raw) if hasattr(raw, "DESCRIPTOR") else raw


def _training_sku(pipeline: Any) -> str:
    definition = str(pipeline.training_task_definition)
    if "image" in definition:
        inputs = as_json(type(pipeline).pb(pipeline).training_task_inputs) or {}
        mobile = str(inputs.get("modelType", "CLOUD")).upper().startswith("MOBILE")
        return "Training:image-edge" if mobile else "Training:image"
    return "Training:forecasting" if "forecasting" in definition else "Training:tabular"


def training_usage(pipeline: Any, settings: VertexSettings) -> Usage | None:
    """Return what training has used, as the pipeline's metadata says; None if it does not say."""
    milli = milli_node_hours(as_json(type(pipeline).pb(pipeline).training_task_metadata))
    if milli is None:
        return None
    item = UsageItem(
        sku=_training_sku(pipeline), quantity=milli / 1000, unit="node-hour", part="training", region=settings.location
    )
    return Usage(items=(item,))


def batch_usage(
    job: Any, settings: VertexSettings, *, forecast: bool, images: bool, rows: int, ran: bool = False
) -> tuple[Usage, str]:
    """Return what a batch prediction job used, and a sentence where that is not the service's own word.

    Parameters
    ----------
    job
        As the service describes it.
    forecast, images
        What it predicted.
    rows
        How many rows it answered.
    ran
        Whether it is sure to have run, though it may not say when.
    """

    def item(sku: str, quantity: float, unit: str, part: Part = "prediction") -> UsageItem:
        return UsageItem(sku=sku, quantity=quantity, unit=unit, part=part, region=settings.location)

    if forecast:
        points = int(job.completion_stats.successful_forecast_point_count) or rows
        return Usage(items=(item(FORECAST_POINTS, points / 1000, "1000 points"),)), ""
    hours = float(job.resources_consumed.replica_hours)
    spec = job.dedicated_resources
    sku = IMAGE_BATCH if images else inference(str(spec.machine_spec.machine_type or settings.predict_machine))
    unit = "node-hour" if images else "instance-hour"
    if hours > 0:
        return Usage(items=(item(sku, hours, unit),)), ""
    if not job.start_time and not ran:
        return Usage(), ""
    if not job.start_time or images or int(spec.max_replica_count) != 1 or not job.end_time:
        return Usage(known=False), "how many hours the batch prediction was billed is not known: Vertex AI did not say"
    # One machine, from start to end: the service may leave its own count out for AutoML models.
    seconds = (job.end_time - job.start_time).total_seconds()
    said = "the hours of the batch prediction are those from its start to its end on its one machine"
    return Usage(items=(item(sku, max(0.0, seconds) / 3600, unit),)), said
