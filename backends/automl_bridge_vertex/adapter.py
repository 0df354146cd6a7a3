"""VertexBackend: the contract, each method by the file that does it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from automl_bridge.backend import Backend
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.task import Task
from automl_bridge_vertex.settings import VertexSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from automl_bridge.backend import Check, JobRef, Outcome, Plan, Progress, Resource, Staged
    from automl_bridge.costs.prices import Price
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec, ModelRef
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.inventory import Inventory
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.polling import Polling
    from automl_bridge_vertex.submission import Submission

__all__ = ["VertexBackend"]

_CLOSED = "Google closed AutoML Text on 2025-06-15, for training since 2024-09-15 (limit vertex.text.closed)"
_NO_TASK = "Vertex AI AutoML has no such task"


class VertexBackend(Backend):
    """Google Vertex AI AutoML, by its v1 API: trains in the project, predicts by batch prediction jobs."""

    name: ClassVar[str] = "vertex"
    settings_class: ClassVar[type[BaseModel]] = VertexSettings
    extra: ClassVar[str | None] = "vertex"
    requires: ClassVar[tuple[str, ...]] = ("google.cloud.aiplatform_v1", "google.cloud.storage")
    provider = "gcp"
    verified: ClassVar[str] = "not yet run against the live service"
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks={
            Task.TABULAR_CLASSIFICATION: None,
            Task.TABULAR_REGRESSION: None,
            Task.IMAGE_CLASSIFICATION: None,
            Task.FORECASTING: None,
            Task.TEXT_CLASSIFICATION: _CLOSED,
            Task.TEXT_REGRESSION: _CLOSED,
            Task.IMAGE_REGRESSION: _NO_TASK,
            Task.MULTIMODAL_CLASSIFICATION: _NO_TASK,
            Task.MULTIMODAL_REGRESSION: _NO_TASK,
        },
        features={
            Feature.PROBABILITIES: None,
            Feature.SAMPLE_WEIGHTS: None,
            Feature.GUARANTEED_CAP: None,
            Feature.CANCEL: None,
            Feature.EXPORT: None,
            Feature.MAX_TIME: "Vertex AI bounds node hours, not the wall clock; max_time sets the node hours",
            Feature.MAX_TRIALS: "Vertex AI gives one model and takes no number of trials",
            Feature.RESUME: "Vertex AI cannot go on from another job's trials",
            Feature.LOCAL_PREDICTION: "it predicts by a batch job; what is exported runs in Google's container",
            Feature.REPRODUCIBLE: "Vertex AI takes no seed",
        },
    )

    settings: VertexSettings

    @cached_property
    def _clients(self) -> Clients:
        from automl_bridge_vertex.clients import Clients

        return Clients(self.settings)

    @cached_property
    def _objects(self) -> Objects:
        from automl_bridge_vertex.objects import Objects

        return Objects(self._clients, self.settings)

    @cached_property
    def _submission(self) -> Submission:
        from automl_bridge_vertex.submission import Submission

        return Submission(self._clients, self._objects, self.settings)

    @cached_property
    def _polling(self) -> Polling:
        from automl_bridge_vertex.polling import Polling

        return Polling(self._clients, self.settings)

    @cached_property
    def _inventory(self) -> Inventory:
        from automl_bridge_vertex.inventory import Inventory

        return Inventory(self._clients, self._objects, self.settings)

    def check(self) -> Iterable[Check]:
        """Look at packages, credentials, project, location and bucket."""
        from automl_bridge_vertex.doctor import check

        return check(self._clients, self._objects, self.settings)

    def plan(self, spec: JobSpec) -> Plan:
        """Translate ``spec`` into the native requests."""
        from automl_bridge_vertex.planning import plan_predict, plan_train

        self.capabilities.require(self.name, spec.task)
        if spec.kind == "predict":
            return plan_predict(spec, self.settings, self.prices)
        self.capabilities.refuse_continuing(self.name, spec)
        return plan_train(spec, self.settings, self.prices)

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        """Write rows or images to the bucket, each object once."""
        from automl_bridge_vertex.staging import stage

        return stage(plan, dataset, self._objects, self.settings)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Make the dataset and start the training pipeline, or start the batch prediction job."""
        self.settings.require()
        return self._submission.submit(plan, staged)

    def find(self, plan: Plan) -> JobRef | None:
        """Look for the job by its labels."""
        return self._submission.find(plan)

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """List jobs, many at a call."""
        return self._polling.poll(jobs)

    def cancel(self, job: JobRef) -> None:
        """Stop a job; the service keeps no model of it, and bills what it has used."""
        from automl_bridge_vertex.planning import BATCH_JOB, PIPELINE

        self._inventory.delete(PIPELINE if job.kind == "train" else BATCH_JOB, job.remote_id or job.name)

    def collect(self, job: JobRef) -> Outcome:
        """Fetch the model with its evaluation and usage, or predictions."""
        from automl_bridge_vertex.collecting import collect_train
        from automl_bridge_vertex.predictions import collect_predict

        if job.kind == "train":
            return collect_train(job, self._clients, self.settings)
        return collect_predict(job, self._clients, self._objects, self.settings, self.workspace)

    def export(self, model: ModelRef, path: Path) -> Path:
        """Let the service export the model, where its kind can be, and download what it wrote."""
        from automl_bridge_vertex.exporting import export

        return export(model, path, self._clients, self._objects, self.settings)

    def list_prices(self) -> Iterable[Price]:
        """Ask Google's price list."""
        from automl_bridge_vertex.price_list import list_prices

        return list_prices(self.settings, sandbox=self.in_sandbox())

    def resources(self) -> Iterable[Resource]:
        """List datasets, models, endpoints, running jobs, and what lies in the bucket."""
        return self._inventory.resources()

    def delete(self, resource: Resource) -> None:
        """Delete a resource, or stop a job."""
        self._inventory.delete(resource.kind, resource.name)
