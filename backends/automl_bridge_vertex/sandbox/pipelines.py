"""PipelineService: training pipelines, their states over simulated time, the model they upload."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_vertex.sandbox import datasets, images_training, series, tables
from automl_bridge_vertex.sandbox.errors import FieldErrors, RpcError, failed_precondition, invalid
from automl_bridge_vertex.sandbox.fields import check_common, check_labels, stamp, struct_of
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

__all__ = ["ENDS", "INTERNAL", "OPERATIONS", "TrainingJob"]

QUEUED, PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLING, CANCELLED = range(1, 8)  # of PipelineState and JobState
INTERNAL = (
    "INTERNAL: Internal error occurred. Please retry in a few minutes. "
    "If you still experience errors, contact Vertex AI."
)
CAPACITY = "Resources are insufficient in region: {location}. Please try a different region or retry later."
ENDS = {  # fate: state, code and message of the error
    FaultKind.JOB_FAILS: (FAILED, 13, INTERNAL),
    FaultKind.JOB_CAPACITY: (FAILED, 8, CAPACITY),
    FaultKind.JOB_NO_CANDIDATE: (
        FAILED, 3, "The train budget is insufficient to train a model for the given dataset.",
    ),
    FaultKind.JOB_STOPS: (CANCELLED, 1, "CANCELED"),
}  # fmt: skip
CANCELLING_SECONDS = 60.0
COSTS = {"table": "trainCostMilliNodeHours", "series": "trainCostMilliNodeHours", "image": "costMilliNodeHours"}


class TrainingJob:
    """A training pipeline."""

    def __init__(self, world: World, made: Any, task: Task, dataset: datasets.Dataset, method: str) -> None:
        self.world = world
        self.message = made
        self.name = str(made.name)
        self.task = task
        self.dataset = dataset
        self.created = world.clock.time()
        self.ended: float | None = None
        self.cancel_at: float | None = None
        self.fate = world.draw_fate(method)
        sources = [one for source in dataset.sources for one in world.store.find(source)]
        items = list(dataset.items.values())
        size = len(items) if task.kind == "image" else sum(size for _uri, size, _g in sources) / 1e6
        self.timeline = plan_training(
            task.kind, budget=task.budget, size=size, nodes=task.nodes, stops_early=task.stops_early
        )
        self.training = world.train(self._key(sources, items), self._train, items)
        stamp(made.create_time, self.created)
        stamp(made.update_time, self.created)
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

    # What happens as time goes by

    def settle(self, now: float) -> None:
        """Move on to ``now``; called under the world's lock."""
        if self.ended is not None:
            return
        elapsed, line = now - self.created, self.timeline
        end = self._due(now)
        if elapsed >= line.running and not self.message.HasField("start_time"):
            stamp(self.message.start_time, self.created + line.running)
        if end is not None:
            self._end(*end)
        elif self.cancel_at is None:
            state = QUEUED if elapsed < line.pending else PENDING if elapsed < line.running else RUNNING
            if state != self.message.state:
                self.message.state = state
                stamp(self.message.update_time, now)

    def _due(self, now: float) -> tuple[float, int, int, str] | None:
        """Return when and how it has ended by ``now``: moment, state, code and message of the error."""
        line, elapsed = self.timeline, now - self.created
        if self.cancel_at is not None:
            at = self.cancel_at + CANCELLING_SECONDS
            return (at, CANCELLED, 1, "CANCELED") if now >= at else None
        if self.fate is FaultKind.JOB_HANGS:
            return None
        if self.fate in ENDS:
            at = line.checked if self.fate is FaultKind.JOB_CAPACITY else (line.running + line.end) / 2
            state, code, text = ENDS[self.fate]
            return (self.created + at, state, code, text.format(location=self._location)) if elapsed >= at else None
        return self._trained(elapsed) if self.training.done() else None

    def _trained(self, elapsed: float) -> tuple[float, int, int, str] | None:
        """Return the end of a pipeline whose training is done."""
        error = self.training.exception()
        if error is None:
            end = self.timeline.end
            return (self.created + end, SUCCEEDED, 0, "") if elapsed >= end else None
        if elapsed < self.timeline.checked:
            return None
        code, text = 13, f"{INTERNAL} ({error!r})"
        if isinstance(error, RpcError):
            code, text = error.code, f"Training pipeline failed with error message: {error.message}"
        return self.created + self.timeline.checked, FAILED, code, text

    @property
    def _location(self) -> str:
        return self.name.split("/")[3]

    def _end(self, at: float, state: int, code: int, text: str) -> None:
        self.ended = at
        self.message.state = state
        for field in (self.message.update_time, self.message.end_time):
            stamp(field, at)
        if code:
            self.message.error.code, self.message.error.message = code, text
        if state != SUCCEEDED:
            return
        self.message.training_task_metadata.CopyFrom(struct_of(self._metadata()))
        if self.fate is not FaultKind.JOB_NO_BEST:
            self.message.model_to_upload.name = upload(self.world, self.message, self.task, self.training.result(), at)

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

    def cancel(self, now: float) -> None:
        """Ask it to stop; one that has ended stays as it is."""
        if self.ended is None and self.cancel_at is None:
            self.cancel_at = now
            self.message.state = CANCELLING
            stamp(self.message.update_time, now)
            self.world.clock.run_until(now + CANCELLING_SECONDS)


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
