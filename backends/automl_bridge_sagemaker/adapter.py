"""SageMakerBackend: the contract, each method by the file that does it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from automl_bridge.backend import Backend
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.task import Task
from automl_bridge_sagemaker.native_limits import NO_GUARANTEE
from automl_bridge_sagemaker.settings import SageMakerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from automl_bridge.backend import Check, JobRef, Outcome, Plan, Progress, Resource, Staged
    from automl_bridge.costs.prices import Price
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec, ModelRef
    from automl_bridge_sagemaker.children import Children
    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.inventory import Inventory
    from automl_bridge_sagemaker.objects import Objects
    from automl_bridge_sagemaker.polling import Polling

__all__ = ["SageMakerBackend"]

_NO_SERVICE = "SageMaker Autopilot has no such problem type (CreateAutoMLJobV2)"


class SageMakerBackend(Backend):
    """Amazon SageMaker Autopilot, by its V2 API: trains in the account, predicts by batch transform."""

    name: ClassVar[str] = "sagemaker"
    settings_class: ClassVar[type[BaseModel]] = SageMakerSettings
    extra: ClassVar[str | None] = "sagemaker"
    requires: ClassVar[tuple[str, ...]] = ("boto3",)
    provider = "aws"
    verified: ClassVar[str] = "not yet run against the live service"
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks={
            Task.TABULAR_CLASSIFICATION: None,
            Task.TABULAR_REGRESSION: None,
            Task.TEXT_CLASSIFICATION: None,
            Task.IMAGE_CLASSIFICATION: None,
            Task.FORECASTING: None,
            Task.IMAGE_REGRESSION: _NO_SERVICE,
            Task.TEXT_REGRESSION: _NO_SERVICE,
            Task.MULTIMODAL_CLASSIFICATION: _NO_SERVICE,
            Task.MULTIMODAL_REGRESSION: _NO_SERVICE,
        },
        features={
            Feature.PROBABILITIES: None,
            Feature.SAMPLE_WEIGHTS: None,
            Feature.MAX_TIME: None,
            Feature.MAX_TRIALS: None,
            Feature.CANCEL: None,
            Feature.EXPORT: None,
            Feature.GUARANTEED_CAP: NO_GUARANTEE,
            Feature.RESUME: "Autopilot cannot start from another job's candidates",
            Feature.LOCAL_PREDICTION: "its containers run on SageMaker; it predicts by a transform job",
            Feature.REPRODUCIBLE: "Autopilot takes no seed",
        },
    )

    settings: SageMakerSettings

    @cached_property
    def _clients(self) -> Clients:
        from automl_bridge_sagemaker.clients import Clients

        return Clients(self.settings)

    @cached_property
    def _objects(self) -> Objects:
        from automl_bridge_sagemaker.objects import Objects

        return Objects(self._clients, self.settings)

    @cached_property
    def _children(self) -> Children:
        from automl_bridge_sagemaker.children import Children

        return Children(self._clients, self.settings.region)

    @cached_property
    def _polling(self) -> Polling:
        from automl_bridge_sagemaker.polling import Polling

        return Polling(self._clients, self._children, self.settings.region)

    @cached_property
    def _inventory(self) -> Inventory:
        from automl_bridge_sagemaker.inventory import Inventory

        return Inventory(self._clients, self._objects, self.settings)

    def check(self) -> Iterable[Check]:
        """Look at package, credentials, region, bucket, role and quotas."""
        from automl_bridge_sagemaker.doctor import check

        return check(self._clients, self._objects, self.settings)

    def plan(self, spec: JobSpec) -> Plan:
        """Translate ``spec`` into the native request."""
        from automl_bridge_sagemaker.planning import plan_predict, plan_train

        self.capabilities.require(self.name, spec.task)
        if spec.kind == "predict":
            return plan_predict(spec, self.settings)
        self.capabilities.refuse_continuing(self.name, spec)
        return plan_train(spec, self.settings, self.prices)

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        """Write rows to the bucket, each object once."""
        from automl_bridge_sagemaker.staging import stage

        return stage(plan, dataset, self._objects, self.settings)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Start the AutoML job, or the transform job with its model."""
        from automl_bridge_sagemaker.staging import check_staged
        from automl_bridge_sagemaker.submission import submit

        self.settings.require()
        check_staged(staged, self._objects)
        return submit(plan, self._clients, self._objects)

    def find(self, plan: Plan) -> JobRef | None:
        """Look for the job by its name; its tags must say that it is this one."""
        from automl_bridge_sagemaker.submission import find

        return find(plan, self._clients)

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """List jobs, a hundred at a call."""
        return self._polling.poll(jobs)

    def cancel(self, job: JobRef) -> None:
        """Stop a job; Autopilot keeps the candidates that are finished, a transform job keeps nothing."""
        from automl_bridge_sagemaker.planning import AUTOML_JOB, TRANSFORM_JOB

        self._inventory.delete(AUTOML_JOB if job.kind == "train" else TRANSFORM_JOB, job.name)

    def collect(self, job: JobRef) -> Outcome:
        """Fetch candidates and usage, or predictions."""
        from automl_bridge_sagemaker.collecting import collect_predict, collect_train

        if job.kind == "train":
            return collect_train(job.name, self._clients, self._children, self.settings.region)
        return collect_predict(job.name, self._clients, self._objects, self.settings.region, self.workspace)

    def export(self, model: ModelRef, path: Path) -> Path:
        """Download the best candidate's artefacts and unpack them."""
        from automl_bridge_sagemaker.artefacts import export

        return export(model, path, self._objects)

    def list_prices(self) -> Iterable[Price]:
        """Ask AWS's price list."""
        from automl_bridge_sagemaker.price_list import list_prices

        return list_prices(self._clients, self.settings)

    def resources(self) -> Iterable[Resource]:
        """List running jobs, models, endpoints, and what lies in the bucket."""
        return self._inventory.resources()

    def delete(self, resource: Resource) -> None:
        """Delete a resource, or stop a job."""
        self._inventory.delete(resource.kind, resource.name)
