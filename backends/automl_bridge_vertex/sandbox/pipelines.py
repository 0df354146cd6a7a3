"""PipelineService: training pipelines, their states over simulated time, the model they upload."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_vertex.sandbox import datasets, images_training, series, tables
from automl_bridge_vertex.sandbox.errors import FieldErrors, RpcError, failed_precondition, invalid
from automl_bridge_vertex.sandbox.fields import check_common, check_labels, struct_of
from automl_bridge_vertex.sandbox.jobs import INTERNAL, QUEUED, Job
from automl_bridge_vertex.sandbox.listing import page, select
from automl_bridge_vertex.sandbox.models import check_upload, upload
from automl_bridge_vertex.sandbox.operations import begin_delete
from automl_bridge_vertex.sandbox.routes import message
from automl_bridge_vertex.sandbox.splits import VOCABULARIES, check_split
from automl_bridge_vertex.sandbox.tasks import DATASETS, read_task
from automl_bridge_vertex.sandbox.timeline import plan_training

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.tasks import Task
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "TrainingJob"]

COSTS = {"table": "trainCostMilliNodeHours", "series": "trainCostMilliNodeHours", "image": "costMilliNodeHours"}


class TrainingJob(Job):
    """A training pipeline."""

    cancelling_seconds: ClassVar[float] = 60.0

    def __init__(self, world: World, made: Any, task: Task, dataset: datasets.Dataset, method: str) -> None:
        super().__init__(world, made, method)
        self.task = task
        self.dataset = dataset
        sources = [one for source in dataset.sources for one in world.store.find(source)]
        items = list(dataset.items.values())
        size = len(items) if task.kind == "image" else sum(size for _uri, size, _g in sources) / 1e6
        self.timeline = plan_training(
            task.kind, budget=task.budget, size=size, nodes=task.nodes, stops_early=task.stops_early
        )
        self.work = world.train(self._key(sources, items), self._train, items)
        world.clock.run_until(self.created + self.timeline.end)

    def _key(self, sources: list[tuple[str, int, str]], items: list[Any]) -> str:
        """Name what is trained on what: the same request on the same objects is trained once."""
        held = [self.task.kind, self.task.inputs.SerializeToString(deterministic=True).hex(), self._vocabulary()]
        config = self.message.input_data_config
        held += [config.SerializeToString(deterministic=True).hex() if config.WhichOneof("split") else ""]
        found = [sources, [(item.uri, item.annotations, item.labels) for item in items]]
        return hashlib.sha256(json.dumps([held, found], sort_keys=True).encode()).hexdigest()

    def _vocabulary(self) -> str:
        return str(self.world.context.settings.get("predefined_split", "reference"))

    def _train(self, items: list[Any]) -> Any:
        config, store = self.message.input_data_config, self.world.store
        if self.task.kind == "image":
            return images_training.train(store, self.task, items, config)
        if self.task.kind == "series":
            return series.train(store, self.task, self.dataset.sources, config, VOCABULARIES[self._vocabulary()])
        return tables.train(store, self.task, self.dataset.sources, config, VOCABULARIES[self._vocabulary()])

    def _fails_after(self) -> float:
        return self.timeline.checked if self.fate is FaultKind.JOB_CAPACITY else super()._fails_after()

    def _problem(self, error: BaseException) -> tuple[int, str]:
        if isinstance(error, RpcError):
            return error.code, f"Training pipeline failed with error message: {error.message}"
        return 13, f"{INTERNAL} ({error!r})"

    def _succeed(self, at: float) -> None:
        self.message.training_task_metadata.CopyFrom(struct_of(self._metadata()))
        if self.fate is not FaultKind.JOB_NO_BEST:
            self.message.model_to_upload.name = upload(self.world, self.message, self.task, self.work.result(), at)

    def _metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = {COSTS[self.task.kind]: str(self.timeline.cost)}  # int64 in JSON is text
        if self.task.kind == "image":
            found["successfulStopReason"] = "MODEL_CONVERGED" if self.timeline.converged else "BUDGET_REACHED"
        elif self.task.inputs.HasField("export_evaluated_data_items_config"):
            asked = self.task.inputs.export_evaluated_data_items_config.destination_bigquery_uri
            found["evaluatedDataItemsBigqueryUri"] = (
                asked or f"bq://{self.name.split('/')[1]}:export_evaluated_examples"
            )
        return found


def create_training_pipeline(world: World, request: Any) -> Any:
    """Answer CreateTrainingPipeline."""
    parent = world.names.parent(request.parent)
    asked = request.training_pipeline
    errors = FieldErrors()
    check_common(errors, "training_pipeline", asked)
    check_labels(errors, "training_pipeline.model_to_upload.labels", asked.model_to_upload.labels)
    if asked.HasField("model_to_upload") and not asked.model_to_upload.display_name:
        errors.add("training_pipeline.model_to_upload.display_name", "Required field is not set.")
    if not asked.input_data_config.dataset_id:
        errors.add("training_pipeline.input_data_config.dataset_id", "Required field is not set.")
    errors.raise_if_any()
    task = read_task(asked.training_task_definition, asked.training_task_inputs)
    dataset = world.datasets.get(f"{parent}/datasets/{asked.input_data_config.dataset_id.rpartition('/')[2]}")
    if dataset is None:
        raise RpcError("NOT_FOUND", f"The Dataset {asked.input_data_config.dataset_id} does not exist in {parent}.")
    if dataset.kind != DATASETS[task.kind]:
        raise invalid(f"A {dataset.kind} Dataset cannot be used with {asked.training_task_definition}.")
    check_split(asked.input_data_config, tabular=task.kind != "image")
    if task.kind == "image" and not dataset.items:
        raise failed_precondition("The Dataset has no data items: nothing was imported into it.")
    check_upload(world, parent, asked)
    world.check_quota(TrainingJob, parent.location, "AutoML training pipelines")
    made = message("TrainingPipeline")()
    made.CopyFrom(asked)
    for field in ("training_task_metadata", "error", "create_time", "start_time", "end_time", "update_time"):
        made.ClearField(field)
    made.name = f"{parent}/trainingPipelines/{world.names.new_id()}"
    made.state = QUEUED
    job = world.pipelines[made.name] = TrainingJob(world, made, task, dataset, "CreateTrainingPipeline")
    world.begin(job)
    return made


def get_training_pipeline(world: World, request: Any) -> Any:
    """Answer GetTrainingPipeline."""
    return world.find(world.pipelines, request.name, "TrainingPipeline").message


def list_training_pipelines(world: World, request: Any) -> Any:
    """Answer ListTrainingPipelines."""
    rows = [job.message for job in world.listed(world.pipelines, request.parent)]
    fields = frozenset({"display_name", "state", "training_task_definition", "create_time"})
    return page(
        select(rows, fields, request), request, message("ListTrainingPipelinesResponse")(), "training_pipelines"
    )


def cancel_training_pipeline(world: World, request: Any) -> Any:
    """Answer CancelTrainingPipeline."""
    from google.protobuf import empty_pb2

    world.find(world.pipelines, request.name, "TrainingPipeline").cancel(world.clock.time())
    return empty_pb2.Empty()


def delete_training_pipeline(world: World, request: Any) -> Any:
    """Answer DeleteTrainingPipeline; one that has not ended stays."""
    job = world.find(world.pipelines, request.name, "TrainingPipeline")
    if job.ended is None:
        raise failed_precondition("The TrainingPipeline is not in a final state: cancel it first.")
    return begin_delete(world, job.name, lambda: _remove(world, job.name))


def _remove(world: World, name: str) -> None:
    world.pipelines.pop(name, None)


OPERATIONS: dict[str, Any] = {
    "CreateTrainingPipeline": create_training_pipeline,
    "GetTrainingPipeline": get_training_pipeline,
    "ListTrainingPipelines": list_training_pipelines,
    "CancelTrainingPipeline": cancel_training_pipeline,
    "DeleteTrainingPipeline": delete_training_pipeline,
}
