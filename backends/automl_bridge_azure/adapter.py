"""AzureBackend: the contract, each method by the file that does it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from automl_bridge.backend import Backend
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.task import Task
from automl_bridge_azure.settings import AzureSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from automl_bridge.backend import Check, JobRef, Outcome, Plan, Progress, Resource, Staged
    from automl_bridge.costs.prices import Price
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec, ModelRef
    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.history import History
    from automl_bridge_azure.inventory import Inventory
    from automl_bridge_azure.objects import Objects
    from automl_bridge_azure.polling import Polling

__all__ = ["AzureBackend"]

_NO_SERVICE = "Azure Automated ML has no such task"


class AzureBackend(Backend):
    """Azure Automated ML: trains in a workspace, predicts there by a command job in the model's environment."""

    name: ClassVar[str] = "azure"
    settings_class: ClassVar[type[BaseModel]] = AzureSettings
    extra: ClassVar[str | None] = "azure"
    requires: ClassVar[tuple[str, ...]] = ("azure.ai.ml", "azure.identity", "azure.storage.blob")
    provider = "azure"
    verified: ClassVar[str] = "not yet run against the live service"
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks={
            Task.TABULAR_CLASSIFICATION: None,
            Task.TABULAR_REGRESSION: None,
            Task.FORECASTING: None,
            Task.IMAGE_CLASSIFICATION: None,
            Task.TEXT_CLASSIFICATION: None,
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
            Feature.GUARANTEED_CAP: None,
            Feature.RESUME: "a job cannot start from another job's trials",
            Feature.LOCAL_PREDICTION: "its models need the packages of its own image; it predicts by a command job",
            Feature.REPRODUCIBLE: "the service takes no seed",
        },
    )

    settings: AzureSettings

    @cached_property
    def _clients(self) -> Clients:
        from automl_bridge_azure.clients import Clients

        return Clients(self.settings)

    @cached_property
    def _objects(self) -> Objects:
        from automl_bridge_azure.objects import Objects

        return Objects(self._clients)

    @cached_property
    def _history(self) -> History:
        from automl_bridge_azure.history import History

        return History(self._clients)

    @cached_property
    def _polling(self) -> Polling:
        from automl_bridge_azure.polling import Polling

        return Polling(self._clients, self._history)

    @cached_property
    def _inventory(self) -> Inventory:
        from automl_bridge_azure.inventory import Inventory

        return Inventory(self._clients, self._objects)

    def check(self) -> Iterable[Check]:
        """Look at packages, credentials, workspace, datastore, compute and quota."""
        from automl_bridge_azure.doctor import check

        return check(self._clients, self._objects)

    def plan(self, spec: JobSpec) -> Plan:
        """Translate ``spec`` into the native request."""
        from automl_bridge_azure.planning import plan_predict, plan_train

        self.capabilities.require(self.name, spec.task)
        if spec.kind == "predict":
            return plan_predict(spec, self.settings, self.prices)
        self.capabilities.refuse_continuing(self.name, spec)
        return plan_train(spec, self.settings, self.prices)

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        """Write rows to the workspace's datastore, each object once."""
        from automl_bridge_azure.staging import stage

        return stage(plan, dataset, self._clients, self._objects)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Start the AutoML job, or the command job that predicts."""
        from automl_bridge_azure.staging import check_staged
        from automl_bridge_azure.submission import submit

        self.settings.require()
        check_staged(staged, self._objects)
        return submit(plan, self._clients, self._objects)

    def find(self, plan: Plan) -> JobRef | None:
        """Look for the job by its name; its tags must say that it is this one."""
        from automl_bridge_azure.submission import find

        return find(plan, self._clients)

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """Ask for a few jobs by name, or list those that carry our tag."""
        return self._polling.poll(jobs)

    def cancel(self, job: JobRef) -> None:
        """Stop a job; the trials that are finished stay, a command job keeps nothing."""
        from automl_bridge_azure.submission import cancel

        cancel(job.name, self._clients)

    def collect(self, job: JobRef) -> Outcome:
        """Fetch trials and usage, or predictions."""
        from automl_bridge_azure.collecting import collect_predict, collect_train

        if job.kind == "train":
            return collect_train(job.name, self._clients, self._history, self._objects)
        return collect_predict(job.name, self._clients, self._history, self._objects, self.workspace)

    def export(self, model: ModelRef, path: Path) -> Path:
        """Download the best trial's model as it lies in the workspace."""
        from automl_bridge_azure.artefacts import export

        return export(model, path, self._objects)

    def list_prices(self) -> Iterable[Price]:
        """Ask Microsoft's price list."""
        from automl_bridge_azure.price_list import list_prices

        return list_prices(self.settings, sandbox=self.in_sandbox())

    def resources(self) -> Iterable[Resource]:
        """List running jobs, computes and endpoints of ours, and what lies in the datastore."""
        return self._inventory.resources()

    def delete(self, resource: Resource) -> None:
        """Delete a resource, or stop a job."""
        self._inventory.delete(resource.kind, resource.name)
