"""The native requests: the bodies of ``PUT …/jobs/NAME``, to the letter.

They are written out here, so that a plan needs no SDK and no network; `native` makes the SDK's own objects of them,
and a test holds what the SDK then sends to what is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_azure.checks import weight_column
from automl_bridge_azure.forecast_request import forecast_settings
from automl_bridge_azure.layout import aml_uri, artifacts_of, data_location, job_location
from automl_bridge_azure.native_limits import TABULAR, predict_minutes, predict_size, train_size
from automl_bridge_azure.objectives import wire_name

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.native_limits import Limits
    from automl_bridge_azure.settings import AzureSettings

__all__ = [
    "BASE_IMAGE", "IMAGE_LABEL", "INLINE", "MODEL_FOLDER", "RUN_TAG", "SPEC_TAG", "iso_minutes", "predict_request",
    "predict_timeout", "train_request",
]  # fmt: skip

RUN_TAG = "automl-bridge-run"
"""Tag with the run's remote name, on every job. The service's list filters by a tag's key alone."""
SPEC_TAG = "automl-bridge-spec"
"""Tag with the digest of the JobSpec: a job of our name with another digest is not ours."""

MODEL_FOLDER = "outputs/mlflow-model/"
"""Where a trial leaves its model among its artifacts."""

IMAGE_LABEL = "label"
"""Column of the class in the annotations of images (limit ``azure.img_2``)."""

BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest"
"""Image under a model's own ``conda.yaml``: Microsoft's, from how-to-deploy-automl-endpoint."""

INLINE = "registered from the model's conda.yaml when the job is sent"
"""Stands for the environment's id where the SDK makes it of the model's own list of packages."""

# The SDK adds remote, branch and commit of the folder that a job is sent from, if that is a git repository. That tells
# the workspace more than was asked, and the same job sent again from elsewhere would be another. It adds nothing where
# one of them is there.
_NO_GIT = {"mlflow.source.git.commit": "not recorded"}

_TASKS = {
    Task.TABULAR_CLASSIFICATION: "Classification",
    Task.TABULAR_REGRESSION: "Regression",
    Task.FORECASTING: "Forecasting",
    Task.IMAGE_CLASSIFICATION: "ImageClassification",
    Task.TEXT_CLASSIFICATION: "TextClassification",
}


class _Where(NamedTuple):
    size: str
    nodes: int


def iso_minutes(minutes: int) -> str:
    """Return a length of time as requests have it: ``PT1H30M``, ``P6D``."""
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    clock = (f"{hours}H" if hours else "") + (f"{left}M" if left else "")
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock or not days else "")


def train_request(spec: JobSpec, settings: AzureSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    """Return name and body of an AutoML job."""
    where = _Where(train_size(spec, settings), limits.concurrent)
    properties = {
        **_common(spec, settings),
        **_compute(settings, where),
        "outputs": {},
        "taskDetails": _details(spec, settings, limits, objective),
        "jobType": "AutoML",
    }
    return {"name": spec.name, "body": {"properties": properties}}


def _common(spec: JobSpec, settings: AzureSettings) -> dict[str, object]:
    common: dict[str, object] = {
        "displayName": spec.name,
        "isArchived": False,
        "experimentName": settings.experiment,
        "tags": {**settings.tags, RUN_TAG: spec.name, SPEC_TAG: spec.digest()},
        "properties": dict(_NO_GIT),
    }
    if settings.identity is not None:
        common["identity"] = {"identityType": "UserIdentity" if settings.identity == "user" else "Managed"}
    return common


def _compute(settings: AzureSettings, where: _Where) -> dict[str, object]:
    """Return what the job runs on: a cluster by its id, or the size and number of serverless machines.

    Both keys of `resources` and `queueSettings` are written in camel case by hand: the SDK's own classes for them
    go out in snake case on AutoML jobs, which the service does not know.
    """
    if settings.compute is not None:
        return {"computeId": f"{settings.workspace_id}/computes/{settings.compute}"}
    return {
        "resources": {"instanceType": where.size, "instanceCount": where.nodes},
        "queueSettings": {"jobTier": settings.tier},
    }


def _details(spec: JobSpec, settings: AzureSettings, limits: Limits, objective: Objective) -> dict[str, object]:
    data = data_location(spec, settings)
    details: dict[str, object] = {
        "targetColumnName": _target(spec),
        "trainingData": {"uri": aml_uri(data / "train"), "jobInputType": "mltable"},
        "limitSettings": _limits(spec, limits),
        "primaryMetric": wire_name(objective.name),
        "taskType": _TASKS[spec.task],
    }
    if spec.profile.rows.get("validation"):
        details["validationData"] = {"uri": aml_uri(data / "validation"), "jobInputType": "mltable"}
    if spec.task is not Task.TEXT_CLASSIFICATION:
        details["logVerbosity"] = "Info"
    if spec.task in TABULAR:
        details["trainingSettings"] = {
            "enableModelExplainability": False,
            "enableStackEnsemble": limits.ensembles,
            "enableVoteEnsemble": limits.ensembles,
        }
        weight = weight_column(spec)
        if weight is not None:
            details["weightColumnName"] = weight
    if spec.task is Task.FORECASTING:
        details["forecastingSettings"] = forecast_settings(spec)
        if not spec.profile.rows.get("validation"):
            details["nCrossValidations"] = {"mode": "Auto"}
    return details


def _target(spec: JobSpec) -> str:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return IMAGE_LABEL
    return spec.profile.with_role(Role.TARGET)[0].safe_name


def _limits(spec: JobSpec, limits: Limits) -> dict[str, object]:
    native: dict[str, object] = {
        "maxConcurrentTrials": limits.concurrent,
        "maxTrials": limits.trials,
        "timeout": iso_minutes(limits.timeout),
    }
    if spec.task is Task.TEXT_CLASSIFICATION:
        native["maxNodes"] = 1
    if spec.task in TABULAR:
        native |= {
            "enableEarlyTermination": True,
            # One trial cannot take longer than the job: said, since the documented defaults differ by page.
            "trialTimeout": iso_minutes(min(limits.timeout, 43_200)),
            # The SDK sends these two with every table.
            "sweepConcurrentTrials": 0,
            "sweepTrials": 0,
        }
    return native


def predict_timeout(spec: JobSpec) -> int:
    """Return the timeout of a predict job, in minutes."""
    return predict_minutes(spec.task, spec.profile.rows.get("predict", 0))


def predict_request(spec: JobSpec, settings: AzureSettings, minutes: int) -> dict[str, object]:
    """Return name and body of a command job that loads the model and writes what it says of the rows.

    Model, rows and script are folders in datastores: nothing is registered, nothing is left but the job's record.
    """
    assert spec.model is not None
    details, folder = spec.model.details, job_location(spec.name, settings)
    inputs = {
        "code": aml_uri(folder / "code"),
        "model": aml_uri(artifacts_of(str(details["run"])) / MODEL_FOLDER.rstrip("/")),
        "rows": aml_uri(folder / "predict"),
    }
    if spec.task is Task.FORECASTING:
        inputs["context"] = aml_uri(folder / "context")
    arguments = " ".join(f"--{name} ${{{{inputs.{name}}}}}" for name in inputs if name != "code")
    reference = settings.predict_environment or details.get("environment")
    properties = {
        **_common(spec, settings),
        **_command_compute(spec, settings),
        "command": f"python ${{{{inputs.code}}}}/predict.py {arguments} --out ${{{{outputs.predictions}}}}",
        "inputs": {
            name: {"uri": uri, "mode": "Download", "jobInputType": "uri_folder"} for name, uri in inputs.items()
        },
        "outputs": {
            "predictions": {"uri": aml_uri(folder / "output"), "mode": "Upload", "jobOutputType": "uri_folder"}
        },
        "environmentId": reference or INLINE,
        "environmentVariables": {},
        "limits": {"timeout": iso_minutes(minutes), "jobLimitsType": "Command"},
        "jobType": "Command",
    }
    request: dict[str, object] = {"name": spec.name, "body": {"properties": properties}}
    if reference is None:
        request["environment"] = {"image": BASE_IMAGE, "conda": details.get("conda")}
    return request


def _command_compute(spec: JobSpec, settings: AzureSettings) -> dict[str, object]:
    if settings.compute is not None:
        return {
            "computeId": f"{settings.workspace_id}/computes/{settings.compute}",
            "resources": {"instanceCount": 1, "properties": {}},
        }
    return {
        "resources": {"instanceCount": 1, "instanceType": predict_size(spec, settings), "properties": {}},
        "queueSettings": {"jobTier": settings.tier},
    }
