"""Starting jobs so that each exists once, whatever is repeated: labels are the key, a digest says whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobRef
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.plan_file import keep_plan
from automl_bridge.errors import RejectedError
from automl_bridge_vertex.layout import job_location
from automl_bridge_vertex.made import Making, wait_for
from automl_bridge_vertex.requests import RUN_LABEL, SPEC_LABEL, spec_label
from automl_bridge_vertex.staging import check_staged

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.backend import Plan, Staged
    from automl_bridge.cloud.layout import Location
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["Submission", "job_folder", "of_run"]

_DATASET_PATIENCE = 600.0
"""Seconds to wait for an empty dataset, or one that only points at files; the service takes a minute."""


def of_run(name: str) -> str:
    """Return the filter of lists for what belongs to a run."""
    return f'labels.{RUN_LABEL}="{name}"'


def job_folder(output: str) -> Location:
    """Return the folder of a job from the address of its output, as the service keeps it."""
    return split_uri(output.rstrip("/") + "/").above


class Submission:
    """Starts and finds jobs."""

    def __init__(self, clients: Clients, objects: Objects, settings: VertexSettings) -> None:
        self._clients = clients
        self._objects = objects
        self._settings = settings

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Start the job of ``plan``, unless it is there.

        Raises
        ------
        RejectedError
            If a job of its name is there that does something else, or the service does not take the request.
        """
        found = self.find(plan)
        if found is not None:
            return found
        check_staged(staged, self._objects)
        folder = job_location(plan.spec.name, self._settings)
        keep_plan(plan, folder, self._objects)
        making = Making(folder, self._objects, self._settings.settle)
        made = self._predict(plan, making) if plan.spec.kind == "predict" else self._train(plan, making)
        return self._ref(plan, made.name)

    def find(self, plan: Plan) -> JobRef | None:
        """Return the job of ``plan`` if the service knows it, else None.

        Raises
        ------
        RejectedError
            If a job of its name is there that does something else.
        """
        job = self._job(plan) if plan.spec.kind == "predict" else self._pipeline(plan)
        return None if job is None else self._ref(plan, job.name)

    def _ref(self, plan: Plan, name: str) -> JobRef:
        return JobRef(backend="vertex", name=plan.spec.name, kind=plan.spec.kind, remote_id=name)

    def _train(self, plan: Plan, making: Making) -> Any:
        from google.cloud.aiplatform_v1.types import CreateTrainingPipelineRequest

        from automl_bridge_vertex.typed import check_inputs, message

        request: Any = plan.request
        pipeline = request["CreateTrainingPipeline"]["trainingPipeline"]
        # Before anything is made: a request that the service would not take leaves nothing behind.
        check_inputs(pipeline)
        dataset = self._dataset(plan, making)
        if "ImportData" in request:
            self._import(plan, making, dataset)
        config = {**pipeline["inputDataConfig"], "datasetId": dataset.rpartition("/")[2]}
        document = {**request["CreateTrainingPipeline"], "trainingPipeline": {**pipeline, "inputDataConfig": config}}
        wanted = message(CreateTrainingPipelineRequest, document)
        name = plan.spec.name

        def make() -> Any:
            create = self._clients.pipelines.create_training_pipeline
            return self._clients.tell(f"creating the training pipeline {name}", create, wanted)

        return making.once("training-pipeline", lambda: self._pipeline(plan), make)

    def _predict(self, plan: Plan, making: Making) -> Any:
        from google.cloud.aiplatform_v1.types import CreateBatchPredictionJobRequest

        from automl_bridge_vertex.typed import message

        request: Any = plan.request
        wanted = message(CreateBatchPredictionJobRequest, request["CreateBatchPredictionJob"])
        name = plan.spec.name

        def make() -> Any:
            create = self._clients.jobs.create_batch_prediction_job
            return self._clients.tell(f"creating the batch prediction job {name}", create, wanted)

        return making.once("batch-prediction-job", lambda: self._job(plan), make)

    def _dataset(self, plan: Plan, making: Making) -> str:
        """Return the name of the dataset; made, and waited for, if it is not there."""
        from google.cloud.aiplatform_v1.types import CreateDatasetRequest, Dataset

        from automl_bridge_vertex.typed import message

        request: Any = plan.request
        wanted, name = message(CreateDatasetRequest, request["CreateDataset"]), plan.spec.name
        doing = f"creating the dataset {name}"
        known = making.name_of("dataset")
        if known is None:

            def make() -> str:
                made = self._clients.tell(doing, self._clients.datasets.create_dataset, wanted)
                operation = str(made.operation.name)
                making.note("dataset", operation)
                return operation

            found = making.once("dataset", lambda: self._named(plan, "datasets"), make)
            known = found if isinstance(found, str) else str(found.name)
        if "/operations/" not in known:
            return known
        operation = wait_for(known, self._clients, self._clients.datasets, doing, _DATASET_PATIENCE)
        if operation is not None and operation.HasField("response"):
            unpacked = Dataset.pb(Dataset())
            operation.response.Unpack(unpacked)
            if unpacked.name:
                return str(unpacked.name)
        # Operations are forgotten after a while; the dataset is there by then.
        there = self._named(plan, "datasets")
        if there is None:
            raise RejectedError(f"the dataset {name} was made and is not there any more", hint="start a new run")
        return str(there.name)

    def _import(self, plan: Plan, making: Making, dataset: str) -> None:
        """Import the images, unless they are; the service takes identical ones once, should it be asked twice."""
        from google.cloud.aiplatform_v1.types import ImportDataRequest

        from automl_bridge_vertex.typed import message

        request: Any = plan.request
        doing = f"importing the images of {plan.spec.name}"
        known = making.name_of("import")
        if known is None:
            wanted = message(ImportDataRequest, {**request["ImportData"], "name": dataset})
            made = self._clients.tell(doing, self._clients.datasets.import_data, wanted)
            known = str(made.operation.name)
            making.note("import", known)
        wait_for(known, self._clients, self._clients.datasets, doing, self._settings.import_patience)

    def _pipeline(self, plan: Plan) -> Any | None:
        return self._single(
            plan, self._listed(plan, "pipelines", "list_training_pipelines"), "cancel_training_pipeline"
        )

    def _job(self, plan: Plan) -> Any | None:
        return self._single(
            plan, self._listed(plan, "jobs", "list_batch_prediction_jobs"), "cancel_batch_prediction_job"
        )

    def _named(self, plan: Plan, client: str) -> Any | None:
        return self._single(plan, self._listed(plan, client, f"list_{client}"), None)

    def _listed(self, plan: Plan, client: str, call: str) -> list[Any]:
        request = {"parent": self._settings.parent, "filter": of_run(plan.spec.name)}
        method: Callable[..., Any] = getattr(getattr(self._clients, client), call)
        listed = list(self._clients.listed(f"looking for {plan.spec.name}", method, request))
        # A filter that the service does not know would be an error; one that is not kept would be ours to see.
        return [one for one in listed if one.labels.get(RUN_LABEL) == plan.spec.name]

    def _single(self, plan: Plan, found: list[Any], cancel: str | None) -> Any | None:
        """Return the one that is ours. Should there be more, the first stays and the others are stopped."""
        if not found:
            return None
        strange = [one for one in found if one.labels.get(SPEC_LABEL) != spec_label(plan.spec)]
        if strange:
            raise RejectedError(
                f"the project has another job of the name {plan.spec.name} ({strange[0].name})",
                hint="start a new run: it has a new name",
            )
        first, *others = sorted(found, key=_age)
        if cancel is not None:
            from automl_bridge_vertex.polling import is_final, word_of

            client = self._clients.pipelines if "pipeline" in cancel else self._clients.jobs
            for other in others:
                if not is_final(word_of(other)):
                    self._clients.tell(f"stopping {other.name}", getattr(client, cancel), {"name": other.name})
        return first


def _age(thing: Any) -> tuple[float, str]:
    return (thing.create_time.timestamp() if thing.create_time else 0.0, thing.name)
