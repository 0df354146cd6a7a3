"""ModelService: models with their versions, evaluations, export."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import RpcError, failed_precondition, invalid, not_found
from automl_bridge_vertex.sandbox.fields import check_labels, stamp, struct_of
from automl_bridge_vertex.sandbox.listing import page, select
from automl_bridge_vertex.sandbox.operations import begin, begin_delete
from automl_bridge_vertex.sandbox.routes import message

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.names import Parent
    from automl_bridge_vertex.sandbox.tasks import Task
    from automl_bridge_vertex.sandbox.trained import Trained
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "Model", "Version", "check_upload", "find_model", "upload"]

SCHEMA = "gs://google-cloud-aiplatform/schema/"
MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
PREDICTION = {
    "classification": "tabular_classification_1.0.0.yaml",
    "regression": "tabular_regression_1.0.0.yaml",
    "image": "image_classification_1.0.0.yaml",
    "series": "time_series_forecasting_1.0.0.yaml",
}
EXPORT_SECONDS = 600.0
ARTIFACT, DEDICATED, AUTOMATIC, AUTOML = 1, 1, 2, 1  # of the enums of Model and ModelSourceInfo


@dataclass
class Version:
    """One version of a model: its message, what was trained, its evaluations."""

    message: Any
    task: Task
    trained: Trained
    evaluations: list[Any] = field(default_factory=list)


@dataclass
class Model:
    """A model: its versions, the default one last asked for by no version."""

    name: str
    created: float
    versions: list[Version]

    @property
    def default(self) -> Version:
        """The version that a name without one means."""
        return next(one for one in self.versions if "default" in one.message.version_aliases)

    @property
    def message(self) -> Any:
        """The default version's message."""
        return self.default.message


def check_upload(world: World, parent: Parent, asked: Any) -> None:
    """Refuse a model id that is taken or malformed, or a parent model that is not there."""
    if asked.parent_model and world.names.canonical(asked.parent_model.partition("@")[0]) not in world.models:
        raise not_found("Model")
    if not asked.model_id or asked.parent_model:
        return
    if not MODEL_ID.fullmatch(asked.model_id):
        raise invalid(
            "model_id may be up to 63 characters of [a-z0-9_-]; the first cannot be a number or hyphen: "
            f"{asked.model_id}"
        )
    if f"{parent}/models/{asked.model_id}" in world.models:
        raise RpcError("ALREADY_EXISTS", f"The Model {asked.model_id} already exists in {parent}.")


def upload(world: World, pipeline: Any, task: Task, trained: Trained, at: float) -> str:
    """Put a trained model into the registry; returns its name."""
    location = "/".join(pipeline.name.split("/")[:4])
    parent = world.names.canonical(pipeline.parent_model.partition("@")[0]) if pipeline.parent_model else ""
    held = world.models.get(parent)
    name = held.name if held is not None else f"{location}/models/{pipeline.model_id or world.names.new_id()}"
    made = message("Model")()
    made.CopyFrom(pipeline.model_to_upload)
    made.name = name
    made.display_name = made.display_name or pipeline.display_name
    made.version_id = str(len(held.versions) + 1 if held is not None else 1)
    made.version_aliases[:] = ["default"]
    made.training_pipeline = pipeline.name
    made.metadata_schema_uri = ""
    made.model_source_info.source_type = AUTOML
    for moment in (made.create_time, made.update_time, made.version_create_time, made.version_update_time):
        stamp(moment, at)
    _describe(made, task)
    stats = made.data_stats
    stats.training_data_items_count, stats.validation_data_items_count, stats.test_data_items_count = trained.counts
    version = Version(made, task, trained)
    if trained.metrics:
        version.evaluations.append(_evaluation(world, made, trained, at))
    if held is None:
        world.models[name] = Model(name, at, [version])
    else:
        for older in held.versions:
            older.message.version_aliases[:] = [one for one in older.message.version_aliases if one != "default"]
        held.versions.append(version)
    return name


def _describe(made: Any, task: Task) -> None:
    """Say what a model can do: formats, export, deployment, schemata."""
    base = f"{SCHEMA}predict/"
    made.predict_schemata.prediction_schema_uri = f"{base}prediction/{PREDICTION[task.problem]}"
    if task.kind == "image":
        made.predict_schemata.instance_schema_uri = f"{base}instance/image_classification_1.0.0.yaml"
        made.predict_schemata.parameters_schema_uri = f"{base}params/image_classification_1.0.0.yaml"
        made.supported_input_storage_formats[:] = ["jsonl", "file-list"]
        made.supported_output_storage_formats[:] = ["jsonl"]
        made.supported_deployment_resources_types[:] = [AUTOMATIC]
    else:
        made.supported_input_storage_formats[:] = ["jsonl", "bigquery", "csv"]
        made.supported_output_storage_formats[:] = ["jsonl", "bigquery", "csv"]
        made.supported_deployment_resources_types[:] = [DEDICATED] if task.kind == "table" else []
    formats = {"table": ["tf-saved-model"], "series": [], "image": [] if task.cloud else ["tflite", "tf-saved-model"]}
    for one in formats[task.kind]:
        made.supported_export_formats.add(id=one, exportable_contents=[ARTIFACT])


def _evaluation(world: World, made: Any, trained: Trained, at: float) -> Any:
    found = message("ModelEvaluation")()
    found.name = f"{made.name}/evaluations/{world.names.new_id()}"
    found.metrics_schema_uri = f"{SCHEMA}modelevaluation/{trained.schema}_metrics_1.0.0.yaml"
    found.metrics.CopyFrom(struct_of(trained.metrics))
    stamp(found.create_time, at)
    return found


def find_model(world: World, name: str) -> tuple[Model, Version]:
    """Return the model and the version that a name means: ``models/ID``, ``models/ID@VERSION`` or ``@ALIAS``."""
    base, _, wanted = name.partition("@")
    model: Model = world.find(world.models, base, "Model")
    for version in reversed(model.versions):
        held = version.message
        if wanted in {held.version_id, *held.version_aliases} or (not wanted and version is model.default):
            return model, version
    raise not_found("Model", name)


def get_model(world: World, request: Any) -> Any:
    """Answer GetModel."""
    return find_model(world, request.name)[1].message


def list_models(world: World, request: Any) -> Any:
    """Answer ListModels: the default version of each."""
    rows = [model.message for model in world.listed(world.models, request.parent)]
    order = frozenset({"display_name", "create_time", "update_time"})
    fields = frozenset({"model", "display_name", "base_model_name"})
    return page(select(rows, fields, request, order=order), request, message("ListModelsResponse")(), "models")


def list_model_versions(world: World, request: Any) -> Any:
    """Answer ListModelVersions."""
    model, _version = find_model(world, request.name)
    rows = [one.message for one in model.versions]
    found = select(rows, frozenset({"display_name"}), request, order=frozenset({"create_time", "update_time"}))
    return page(found, request, message("ListModelVersionsResponse")(), "models")


def update_model(world: World, request: Any) -> Any:
    """Answer UpdateModel: display name, description and labels."""
    _model, version = find_model(world, request.model.name)
    for path in set(request.update_mask.paths) & {"display_name", "description", "version_description"}:
        setattr(version.message, path, getattr(request.model, path))
    if "labels" in request.update_mask.paths:
        from automl_bridge_vertex.sandbox.errors import FieldErrors

        errors = FieldErrors()
        check_labels(errors, "model.labels", request.model.labels)
        errors.raise_if_any()
        version.message.labels.clear()
        version.message.labels.update(request.model.labels)
    stamp(version.message.update_time, world.clock.time())
    return version.message


def delete_model(world: World, request: Any) -> Any:
    """Answer DeleteModel; one that is deployed, or predicts, stays."""
    model, _version = find_model(world, request.name)
    if any(version.message.deployed_models for version in model.versions):
        raise failed_precondition("The Model is deployed at an Endpoint: undeploy it first.")
    busy = [job.name for job in world.batches.values() if job.ended is None and job.model is model]
    if busy:
        raise failed_precondition(f"The Model is in use by the BatchPredictionJob {busy[0]}.")
    return begin_delete(world, model.name, lambda: _remove(world, model.name))


def _remove(world: World, name: str) -> None:
    world.models.pop(name, None)


def list_model_evaluations(world: World, request: Any) -> Any:
    """Answer ListModelEvaluations, of ``models/ID`` or ``models/ID@VERSION``."""
    _model, version = find_model(world, request.parent)
    return page(version.evaluations, request, message("ListModelEvaluationsResponse")(), "model_evaluations")


def get_model_evaluation(world: World, request: Any) -> Any:
    """Answer GetModelEvaluation."""
    parent, _, wanted = request.name.rpartition("/evaluations/")
    _model, version = find_model(world, parent)
    for one in version.evaluations:
        if one.name.endswith(f"/{wanted}"):
            return one
    raise not_found("ModelEvaluation")


def list_model_evaluation_slices(world: World, request: Any) -> Any:
    """Answer ListModelEvaluationSlices: there are none here."""
    find_model(world, request.parent.partition("/evaluations/")[0])
    return message("ListModelEvaluationSlicesResponse")()


def export_model(world: World, request: Any) -> Any:
    """Answer ExportModel: the files of the small model, under the folder that the service would make."""
    model, version = find_model(world, request.name)
    formats = [one.id for one in version.message.supported_export_formats]
    if not formats:
        raise failed_precondition("The Model does not support export.")
    wanted = request.output_config.export_format_id or formats[0]
    if wanted not in formats:
        raise invalid(f"Unsupported export format {wanted}; the Model supports {', '.join(formats)}.")
    prefix = request.output_config.artifact_destination.output_uri_prefix
    if not prefix:
        raise invalid("output_config.artifact_destination.output_uri_prefix is required.")
    world.store.check_bucket(prefix, model.name.split("/")[3])
    moment = datetime.fromtimestamp(world.clock.time(), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    folder = f"{prefix.rstrip('/')}/model-{model.name.rpartition('/')[2]}/{wanted}/{moment}"
    metadata = message("ExportModelOperationMetadata")()
    metadata.output_info.artifact_output_uri = folder

    def finish() -> Any:
        for name, content in version.trained.model.files().items():
            world.store.write(f"{folder}/{name}", content, "application/octet-stream")
        return message("ExportModelResponse")()

    return begin(world, model.name, metadata, finish, seconds=EXPORT_SECONDS)


OPERATIONS: dict[str, Any] = {
    "GetModel": get_model,
    "ListModels": list_models,
    "ListModelVersions": list_model_versions,
    "UpdateModel": update_model,
    "DeleteModel": delete_model,
    "ListModelEvaluations": list_model_evaluations,
    "GetModelEvaluation": get_model_evaluation,
    "ListModelEvaluationSlices": list_model_evaluation_slices,
    "ExportModel": export_model,
}
