"""The native requests, as the REST API writes them: datasets, imports, training pipelines, batch prediction jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.task import Task
from automl_bridge_vertex.columns import time_column
from automl_bridge_vertex.layout import data_location, input_location, job_location
from automl_bridge_vertex.names import asked_names, image_lists, row_names
from automl_bridge_vertex.task_inputs import TASKS, task_inputs

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.native_limits import Limits
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["DATASET_ID", "RUN_LABEL", "SPEC_LABEL", "labels", "predict_request", "spec_label", "train_request"]

RUN_LABEL = "automl_bridge_run"
"""Label with the run's remote name, on everything that is created: names are not unique on Vertex AI."""
SPEC_LABEL = "automl_bridge_spec"
"""Label with the digest of the JobSpec: a job of our name with another digest is not ours."""

DATASET_ID = "DATASET-ID"
"""Stands in a plan for what the service will call the dataset."""

FRACTIONS = {"trainingFraction": 0.8, "validationFraction": 0.1, "testFraction": 0.1}
"""The service's own default, said. Its values for a split by a column are disputed (``vertex.split_2``), and rows of
the wrong ones would be dropped without a word."""

_IMPORT_SCHEMA = (
    "gs://google-cloud-aiplatform/schema/dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml"
)


def spec_label(spec: JobSpec) -> str:
    """Return the value of `SPEC_LABEL`: as much of the digest as any label of Google Cloud may hold."""
    return spec.digest()[:40]


def labels(spec: JobSpec, settings: VertexSettings) -> dict[str, str]:
    """Return the labels of everything that is created for ``spec``."""
    return {**settings.labels, RUN_LABEL: spec.name, SPEC_LABEL: spec_label(spec)}


def _encrypted(settings: VertexSettings) -> dict[str, object]:
    return {"encryptionSpec": {"kmsKeyName": settings.kms_key}} if settings.kms_key else {}


def train_request(spec: JobSpec, settings: VertexSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    """Return the requests of a training job, in their order: the dataset, its import if there is one, the pipeline."""
    ours = labels(spec, settings)
    schemas = TASKS[spec.task]
    dataset: dict[str, object] = {
        "displayName": spec.name,
        "metadataSchemaUri": schemas.metadata,
        "metadata": {} if spec.task is Task.IMAGE_CLASSIFICATION else _source(spec, settings),
        "labels": ours,
        **_encrypted(settings),
    }
    pipeline: dict[str, object] = {
        "displayName": spec.name,
        "inputDataConfig": {"datasetId": DATASET_ID, **_split(spec)},
        "trainingTaskDefinition": schemas.definition,
        "trainingTaskInputs": task_inputs(spec, settings, limits, objective),
        "modelToUpload": {"displayName": spec.name, "labels": ours, **_encrypted(settings)},
        "labels": ours,
        **_encrypted(settings),
    }
    request: dict[str, object] = {"CreateDataset": {"parent": settings.parent, "dataset": dataset}}
    if spec.task is Task.IMAGE_CLASSIFICATION:
        request["ImportData"] = {
            "name": f"{settings.parent}/datasets/{DATASET_ID}",
            "importConfigs": [_import(spec, settings)],
        }
    request["CreateTrainingPipeline"] = {"parent": settings.parent, "trainingPipeline": pipeline}
    return request


def _source(spec: JobSpec, settings: VertexSettings) -> dict[str, object]:
    base = data_location(spec, settings)
    uris = [(base / part).uri + name for part in _parts(spec) for name in row_names(spec.profile, part)]
    return {"inputConfig": {"gcsSource": {"uri": uris}}}


def _parts(spec: JobSpec) -> list[str]:
    """Return the parts that are sent: the holdout never is."""
    return [part for part in ("train", "validation") if spec.profile.rows.get(part)]


def _import(spec: JobSpec, settings: VertexSettings) -> dict[str, object]:
    base = data_location(spec, settings)
    uris = [(base / part).uri + name for part in _parts(spec) for name in image_lists(spec.profile.rows[part])]
    return {"gcsSource": {"uris": uris}, "importSchemaUri": _IMPORT_SCHEMA}


def _split(spec: JobSpec) -> dict[str, object]:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        # The service's default is the same 80/10/10 at random (vertex.split_10); which kinds of split it takes for
        # images is told in two ways, so none is sent.
        return {}
    time = time_column(spec.profile) if spec.task is not Task.FORECASTING else None
    if time is not None and not time.missing:
        return {"timestampSplit": {**FRACTIONS, "key": time.safe_name}}
    return {"fractionSplit": FRACTIONS}


def predict_request(spec: JobSpec, settings: VertexSettings) -> dict[str, object]:
    """Return the request of a batch prediction job: rows as CSV, images as JSON lines."""
    assert spec.model is not None
    details: dict[str, Any] = spec.model.details
    folder = job_location(spec.name, settings)
    images = spec.task is Task.IMAGE_CLASSIFICATION
    names = image_lists(spec.profile.rows["predict"]) if images else asked_names(spec.profile)
    place = input_location(spec, settings)
    job: dict[str, object] = {
        "displayName": spec.name,
        "model": details["model"],
        "inputConfig": {
            "instancesFormat": "jsonl" if images else "csv",
            "gcsSource": {"uris": [place.uri + name for name in names]},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl" if images else _output_form(details),
            "gcsDestination": {"outputUriPrefix": (folder / "output").uri},
        },
        "labels": labels(spec, settings),
        **_encrypted(settings),
    }
    if images:
        # All labels, however unlikely; without this the service leaves some out.
        job["modelParameters"] = {"confidenceThreshold": 0.0, "maxPredictions": len(spec.profile.classes)}
    if needs_machine(spec):
        machine = {"machineSpec": {"machineType": settings.predict_machine}}
        job["dedicatedResources"] = {**machine, "startingReplicaCount": 1, "maxReplicaCount": 1}
    if settings.service_account:
        job["serviceAccount"] = settings.service_account
    return {"CreateBatchPredictionJob": {"parent": settings.parent, "batchPredictionJob": job}}


def _output_form(details: dict[str, Any]) -> str:
    """Return the form of answers: JSON lines where the model has them, whose fields are those of a typed message."""
    return "jsonl" if "jsonl" in details.get("output_formats", ()) else "csv"


def needs_machine(spec: JobSpec) -> bool:
    """Whether the job must name a machine type: what the model says it takes, else what is documented for tables."""
    assert spec.model is not None
    kinds: Any = spec.model.details.get("resource_types") or ()
    if kinds:
        return "DEDICATED_RESOURCES" in kinds and spec.task is not Task.FORECASTING
    return spec.task in {Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION}
