"""The native requests: what is sent to CreateAutoMLJobV2, CreateModel and CreateTransformJob, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_sagemaker.checks import weight_column
from automl_bridge_sagemaker.containers import with_probabilities
from automl_bridge_sagemaker.forecast_request import forecast_config
from automl_bridge_sagemaker.layout import data_form, data_location, job_location
from automl_bridge_sagemaker.native_limits import TABULAR, resolved_mode
from automl_bridge_sagemaker.objectives import problem_type
from automl_bridge_sagemaker.pictures import MANIFEST

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.native_limits import Limits
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["RUN_TAG", "SPEC_TAG", "predict_request", "tags", "train_request"]

RUN_TAG = "automl-bridge:run"
"""Tag with the run's remote name, on everything that is created."""
SPEC_TAG = "automl-bridge:spec"
"""Tag with the digest of the JobSpec: a job of our name with another digest is not ours."""

ROLE_NOT_SET = "ROLE-NOT-SET"


class _Channels(NamedTuple):
    content_type: str
    data_type: str = "S3Prefix"


_FORMS = {
    "csv": _Channels("text/csv;header=present"),
    "parquet": _Channels("x-application/vnd.amazon+parquet"),
    # The only image layout with labels that is documented: one manifest that names each object and its class.
    "images": _Channels("image/*", "AugmentedManifestFile"),
}
_MAX_PAYLOAD_MB = 50
"""Of one object that is a record of its own; times ``MaxConcurrentTransforms`` at most 100 (API_CreateTransformJob)."""


def tags(spec: JobSpec, settings: SageMakerSettings) -> list[dict[str, str]]:
    """Return the tags of everything that is created for ``spec``."""
    ours = {RUN_TAG: spec.name, SPEC_TAG: spec.digest()}
    return [{"Key": key, "Value": value} for key, value in {**settings.tags, **ours}.items()]


def train_request(
    spec: JobSpec, settings: SageMakerSettings, limits: Limits, objective: Objective
) -> dict[str, object]:
    """Return the keyword arguments of ``create_auto_ml_job_v2``."""
    request: dict[str, object] = {
        "AutoMLJobName": spec.name,
        "AutoMLJobInputDataConfig": _channels(spec, settings),
        "OutputDataConfig": _encrypted({"S3OutputPath": _output(spec, settings)}, settings),
        "AutoMLProblemTypeConfig": _problem(spec, settings, limits),
        "AutoMLJobObjective": {"MetricName": objective.name},
        "RoleArn": settings.role_arn or ROLE_NOT_SET,
        "Tags": tags(spec, settings),
    }
    security = _security(settings)
    if security:
        request["SecurityConfig"] = security
    return request


def _output(spec: JobSpec, settings: SageMakerSettings) -> str:
    return (job_location(spec.name, settings) / "output").uri


def _encrypted(config: dict[str, object], settings: SageMakerSettings) -> dict[str, object]:
    return {**config, "KmsKeyId": settings.kms_key} if settings.kms_key else config


def _security(settings: SageMakerSettings) -> dict[str, object]:
    security: dict[str, object] = {}
    if settings.kms_key:
        security["VolumeKmsKeyId"] = settings.kms_key
    if settings.subnets:
        security["VpcConfig"] = _vpc(settings)
    return security


def _vpc(settings: SageMakerSettings) -> dict[str, object]:
    return {"SecurityGroupIds": list(settings.security_group_ids), "Subnets": list(settings.subnets)}


def _channels(spec: JobSpec, settings: SageMakerSettings) -> list[dict[str, object]]:
    """Return a training channel and, where our own split has validation rows, a validation channel.

    With two channels the service takes no ValidationFraction, and both have one content type.
    """
    form = _FORMS[data_form(spec, settings)]
    base = data_location(spec, settings)
    # A manifest is one object; everything else is a folder of them.
    name = MANIFEST if spec.task is Task.IMAGE_CLASSIFICATION else ""
    parts = {"training": "train"}
    # Forecasting is always split by the service itself (limit sagemaker.split_3).
    if spec.profile.rows.get("validation") and spec.task is not Task.FORECASTING:
        parts["validation"] = "validation"
    return [
        {
            "ChannelType": channel,
            "ContentType": form.content_type,
            "CompressionType": "None",
            "DataSource": {"S3DataSource": {"S3DataType": form.data_type, "S3Uri": (base / part).uri + name}},
        }
        for channel, part in parts.items()
    ]


def _problem(spec: JobSpec, settings: SageMakerSettings, limits: Limits) -> dict[str, object]:
    criteria = limits.native()
    completion = {"CompletionCriteria": criteria} if criteria else {}
    if spec.task in TABULAR:
        return {"TabularJobConfig": {**completion, **_tabular(spec, settings)}}
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return {"ImageClassificationJobConfig": completion}
    if spec.task is Task.TEXT_CLASSIFICATION:
        return {
            "TextClassificationJobConfig": {
                **completion,
                "ContentColumn": spec.profile.features[0].safe_name,
                "TargetLabelColumn": _target(spec),
            }
        }
    return {"TimeSeriesForecastingJobConfig": {**completion, **forecast_config(spec)}}


def _target(spec: JobSpec) -> str:
    return spec.profile.with_role(Role.TARGET)[0].safe_name


def _tabular(spec: JobSpec, settings: SageMakerSettings) -> dict[str, object]:
    config: dict[str, object] = {
        "FeatureSpecificationS3Uri": data_location(spec, settings).uri + "features.json",
        "Mode": resolved_mode(spec, settings),
        "ProblemType": problem_type(spec),
        "TargetAttributeName": _target(spec),
    }
    weight = weight_column(spec)
    if weight is not None:
        config["SampleWeightAttributeName"] = weight
    if settings.algorithms:
        algorithms = {"AutoMLAlgorithms": list(settings.algorithms)}
        config["CandidateGenerationConfig"] = {"AlgorithmsConfig": [algorithms]}
    return config


def predict_request(spec: JobSpec, settings: SageMakerSettings) -> dict[str, object]:
    """Return the keyword arguments of ``create_model`` and ``create_transform_job``.

    Rows go in as CSV without header and target, and come out one line each, in their order (AWS's own example of
    batch inference with Autopilot). Series go in as CSV with header and past target, pictures as an object each.
    """
    assert spec.model is not None
    containers: list[dict[str, Any]] = spec.model.details["containers"]  # type: ignore[assignment]
    if spec.task.is_classification:
        containers = with_probabilities(containers)
    folder = job_location(spec.name, settings)
    model: dict[str, object] = {
        "ModelName": spec.name,
        "Containers": containers,
        "ExecutionRoleArn": settings.role_arn or ROLE_NOT_SET,
        "Tags": tags(spec, settings),
    }
    if settings.subnets:
        model["VpcConfig"] = _vpc(settings)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (folder / "input").uri}}
    resources: dict[str, object] = {"InstanceType": settings.transform_instance, "InstanceCount": 1}
    if settings.kms_key:
        resources["VolumeKmsKeyId"] = settings.kms_key
    transform: dict[str, object] = {
        "TransformJobName": spec.name,
        "ModelName": spec.name,
        **_records(spec),
        "TransformInput": {
            "DataSource": source,
            "ContentType": _CONTENT.get(spec.task, "text/csv"),
            "CompressionType": "None",
            "SplitType": "None" if spec.task in _WHOLE else "Line",
        },
        "TransformOutput": _encrypted(_output_of(spec, (folder / "output").uri), settings),
        "TransformResources": resources,
        "Tags": tags(spec, settings),
    }
    return {"CreateModel": model, "CreateTransformJob": transform}


_WHOLE = frozenset({Task.FORECASTING, Task.IMAGE_CLASSIFICATION})
"""Tasks whose objects are records of their own: whole series, or a picture."""
# How Autopilot's image models are asked is not documented: by a type that its training channel takes.
_CONTENT = {Task.IMAGE_CLASSIFICATION: "image/png"}


def _records(spec: JobSpec) -> dict[str, object]:
    """Return how records are put together: many lines a request; objects go one by one and take no strategy."""
    if spec.task not in _WHOLE:
        return {"BatchStrategy": "MultiRecord"}
    return {"MaxConcurrentTransforms": 1, "MaxPayloadInMB": _MAX_PAYLOAD_MB}


def _output_of(spec: JobSpec, uri: str) -> dict[str, object]:
    output: dict[str, object] = {"S3OutputPath": uri, "Accept": "text/csv"}
    return output if spec.task in _WHOLE else {**output, "AssembleWith": "Line"}
