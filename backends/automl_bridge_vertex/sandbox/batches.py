"""JobService: batch prediction jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from automl_bridge_vertex.sandbox.errors import FieldErrors, failed_precondition, invalid, not_found, unimplemented
from automl_bridge_vertex.sandbox.fields import check_common
from automl_bridge_vertex.sandbox.jobs import FAILED, QUEUED, SUCCEEDED, End, Job
from automl_bridge_vertex.sandbox.listing import page, select
from automl_bridge_vertex.sandbox.models import find_model
from automl_bridge_vertex.sandbox.operations import begin_delete
from automl_bridge_vertex.sandbox.prediction_files import folder_of, write
from automl_bridge_vertex.sandbox.predictions import predict, problem_of
from automl_bridge_vertex.sandbox.routes import message
from automl_bridge_vertex.sandbox.timeline import plan_batch

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.models import Model, Version
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "BatchJob"]

BYTES_PER_ROW = 100


class BatchJob(Job):
    """A batch prediction job."""

    cancelling_seconds: ClassVar[float] = 30.0

    def __init__(self, world: World, made: Any, model: Model, version: Version) -> None:
        super().__init__(world, made, "CreateBatchPredictionJob")
        self.model = model
        self.version = version
        self.layout = str(world.context.settings.get("prediction_layout", "observed"))
        uris = list(made.input_config.gcs_source.uris)
        size = sum(size for uri in uris for _name, size, _generation in world.store.find(uri))
        self.timeline = plan_batch(size / BYTES_PER_ROW)
        self.work = world.work(
            predict, world.store, version, uris, made.input_config.instances_format, _parameters(made)
        )  # fmt: skip
        world.clock.run_until(self.created + self.timeline.end)

    def _problem(self, error: BaseException) -> tuple[int, str]:
        return problem_of(error)

    def _end(self, end: End) -> None:
        if end.state == SUCCEEDED and not (predicted := self.work.result()).rows:
            first = predicted.errors[0][2] if predicted.errors else "there were no rows."
            end = End(end.at, FAILED, 3, f"Failed to run batch prediction for all instances: {first}")
        super()._end(end)

    def _succeed(self, at: float) -> None:
        predicted = self.work.result()
        stats = self.message.completion_stats
        stats.successful_count, stats.failed_count = len(predicted.rows), len(predicted.errors)
        stats.successful_forecast_point_count = predicted.points
        kind = self.version.task.kind
        prefix = self.message.output_config.gcs_destination.output_uri_prefix
        folder = folder_of(prefix, self.version.message.display_name, self.created, layout=self.layout, kind=kind)
        self.message.output_info.gcs_output_directory = folder
        form = self.message.output_config.predictions_format
        write(self.world.store, folder, predicted, form, layout=self.layout, kind=kind)
        hours = (at - self.created - self.timeline.running) / 3600
        if self.message.HasField("dedicated_resources"):
            replicas = self.message.dedicated_resources.max_replica_count or 10
            self.message.resources_consumed.replica_hours = hours * min(replicas, 10)


def _parameters(made: Any) -> dict[str, Any]:
    from google.protobuf import json_format

    found = json_format.MessageToDict(made.model_parameters) if made.model_parameters.ByteSize() else {}
    return dict(found) if isinstance(found, dict) else {}


def create_batch_prediction_job(world: World, request: Any) -> Any:
    """Answer CreateBatchPredictionJob."""
    parent = world.names.parent(request.parent)
    asked = request.batch_prediction_job
    errors = FieldErrors()
    check_common(errors, "batch_prediction_job", asked)
    if not asked.model:
        errors.add("batch_prediction_job.model", "Required field is not set.")
    errors.raise_if_any()
    name = asked.model if asked.model.startswith("projects/") else f"{parent}/models/{asked.model}"
    if not world.names.canonical(name).startswith(f"{parent}/"):
        raise invalid(f"The Model must be in the location of the job: {asked.model} is not in {parent}.")
    model, version = find_model(world, name)
    _check_formats(asked, version)
    _check_parameters(asked, version)
    for uri in (*asked.input_config.gcs_source.uris, asked.output_config.gcs_destination.output_uri_prefix):
        world.store.check_bucket(uri, parent.location)
    world.check_quota(BatchJob, parent.location, "AutoML batch prediction jobs")
    made = message("BatchPredictionJob")()
    made.CopyFrom(asked)
    for field in ("output_info", "error", "partial_failures", "resources_consumed", "completion_stats"):
        made.ClearField(field)
    for field in ("create_time", "start_time", "end_time", "update_time"):
        made.ClearField(field)
    made.name = f"{parent}/batchPredictionJobs/{world.names.new_id()}"
    made.model = model.name
    made.model_version_id = version.message.version_id
    made.state = QUEUED
    job = world.batches[made.name] = BatchJob(world, made, model, version)
    world.begin(job)
    return made


def _check_formats(asked: Any, version: Version) -> None:
    errors = FieldErrors()
    sources, targets = version.message.supported_input_storage_formats, version.message.supported_output_storage_formats
    for config, name, allowed in (
        ("input_config", "instances_format", list(sources)),
        ("output_config", "predictions_format", list(targets)),
    ):
        value = getattr(getattr(asked, config), name)
        if value not in allowed:
            field = f"batch_prediction_job.{config}.{name}"
            errors.add(field, f'"{value}" is not supported by the Model, which supports {", ".join(allowed)}.')
    errors.raise_if_any()
    if (
        asked.input_config.WhichOneof("source") == "bigquery_source"
        or asked.input_config.instances_format == "bigquery"
    ):
        raise unimplemented("A BigQuery source")
    if asked.output_config.WhichOneof("destination") == "bigquery_destination":
        raise unimplemented("A BigQuery destination")
    if not asked.input_config.gcs_source.uris:
        errors.add("batch_prediction_job.input_config.gcs_source", "Required field is not set.")
    if not asked.output_config.gcs_destination.output_uri_prefix:
        errors.add("batch_prediction_job.output_config.gcs_destination", "Required field is not set.")
    if asked.generate_explanation and asked.output_config.predictions_format == "csv":
        errors.add("batch_prediction_job.generate_explanation", "It is not supported for CSV output.")
    errors.raise_if_any()
    if asked.generate_explanation:
        raise unimplemented("An explanation of predictions")
    if asked.instance_config.ByteSize():
        raise unimplemented("instance_config")


def _check_parameters(asked: Any, version: Version) -> None:
    from google.cloud.aiplatform.v1.schema.predict import params
    from google.protobuf import json_format

    found = _parameters(asked)
    if not found:
        return
    if version.task.kind != "image":
        raise invalid("The Model takes no model_parameters.")
    try:
        json_format.ParseDict(found, params.ImageClassificationPredictionParams.pb()())
    except json_format.ParseError as error:
        raise invalid(f"Invalid model_parameters: {error}") from None


def get_batch_prediction_job(world: World, request: Any) -> Any:
    """Answer GetBatchPredictionJob."""
    return world.find(world.batches, request.name, "BatchPredictionJob").message


def list_batch_prediction_jobs(world: World, request: Any) -> Any:
    """Answer ListBatchPredictionJobs."""
    rows = [job.message for job in world.listed(world.batches, request.parent)]
    found = select(rows, frozenset({"display_name", "state", "create_time"}), request)
    return page(found, request, message("ListBatchPredictionJobsResponse")(), "batch_prediction_jobs")


def cancel_batch_prediction_job(world: World, request: Any) -> Any:
    """Answer CancelBatchPredictionJob."""
    from google.protobuf import empty_pb2

    world.find(world.batches, request.name, "BatchPredictionJob").cancel(world.clock.time())
    return empty_pb2.Empty()


def delete_batch_prediction_job(world: World, request: Any) -> Any:
    """Answer DeleteBatchPredictionJob: only one that has ended."""
    job = world.find(world.batches, request.name, "BatchPredictionJob")
    if job.ended is None:
        raise failed_precondition("The BatchPredictionJob is not in a final state: cancel it first.")
    return begin_delete(world, job.name, lambda: _remove(world, job.name))


def _remove(world: World, name: str) -> None:
    if world.batches.pop(name, None) is None:
        raise not_found("BatchPredictionJob")


OPERATIONS: dict[str, Any] = {
    "CreateBatchPredictionJob": create_batch_prediction_job,
    "GetBatchPredictionJob": get_batch_prediction_job,
    "ListBatchPredictionJobs": list_batch_prediction_jobs,
    "CancelBatchPredictionJob": cancel_batch_prediction_job,
    "DeleteBatchPredictionJob": delete_batch_prediction_job,
}
