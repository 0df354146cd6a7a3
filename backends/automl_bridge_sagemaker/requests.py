"""The native requests: what is sent to CreateAutoMLJobV2, CreateModel and CreateTransformJob, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import SchemaError
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_sagemaker.checks import weight_column
from automl_bridge_sagemaker.containers import with_probabilities
from automl_bridge_sagemaker.layout import data_location, job_location
from automl_bridge_sagemaker.native_limits import TABULAR, resolved_mode
from automl_bridge_sagemaker.objectives import problem_type

if TYPE_CHECKING:
    from automl_bridge.backend import Objective
    from automl_bridge.spec import ForecastSpec, JobSpec, Profile
    from automl_bridge_sagemaker.native_limits import Limits
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["RUN_TAG", "SPEC_TAG", "predict_request", "tags", "train_request"]

RUN_TAG = "automl-bridge:run"
"""Tag with the run's remote name, on everything that is created."""
SPEC_TAG = "automl-bridge:spec"
"""Tag with the digest of the JobSpec: a job of our name with another digest is not ours."""

ROLE_NOT_SET = "ROLE-NOT-SET"

_PARQUET, _CSV = "x-application/vnd.amazon+parquet", "text/csv;header=present"


class _Channels(NamedTuple):
    content_type: str
    data_type: str = "S3Prefix"


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
    form = _form(spec, settings)
    base = data_location(spec, settings)
    parts = {"training": "train"}
    # Forecasting is always split by the service itself (limit sagemaker.split_3).
    if spec.profile.rows.get("validation") and spec.task is not Task.FORECASTING:
        parts["validation"] = "validation"
    return [
        {
            "ChannelType": channel,
            "ContentType": form.content_type,
            "CompressionType": "None",
            "DataSource": {"S3DataSource": {"S3DataType": form.data_type, "S3Uri": (base / part).uri}},
        }
        for channel, part in parts.items()
    ]


def _form(spec: JobSpec, settings: SageMakerSettings) -> _Channels:
    if spec.task is Task.IMAGE_CLASSIFICATION:
        # The only image layout with labels that is documented: one manifest that names each object and its class.
        return _Channels("image/*", "AugmentedManifestFile")
    return _Channels(_PARQUET if settings.data_format == "parquet" else _CSV)


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
    return {"TimeSeriesForecastingJobConfig": {**completion, **_forecast(spec)}}


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


_FREQUENCIES = {
    "D": "D", "W": "W", "M": "M", "MS": "M", "ME": "M", "Y": "Y", "YS": "Y", "YE": "Y", "A": "Y",
    "h": "H", "H": "H", "min": "min", "T": "min",
}  # fmt: skip


def _frequency(freq: str) -> str:
    """Return Autopilot's frequency for pandas' one; limit ``sagemaker.forecasting.frequency``."""
    import re

    from automl_bridge_sagemaker.limits import limit, refusal

    found = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]{3})?", freq)
    unit = _FREQUENCIES.get(found[2]) if found else None
    native = f"{found[1]}{unit}" if found and unit else ""
    if native == "60min":
        native = "1H"
    if native.startswith("1") and not native[1:2].isdigit():
        native = native[1:] if unit != "min" else native
    if unit == "min" and native == "min":
        native = "1min"
    if not re.fullmatch(limit("sagemaker.forecasting.frequency").value, native):
        raise refusal(
            "sagemaker.forecasting.frequency",
            f'SageMaker Autopilot has no step of "{freq}"',
            "it takes 1 to 59 min, 1 to 23 H, 1 to 6 D, 1 to 4 W, 1 to 11 M, and Y",
        )
    return native


def _forecast(spec: JobSpec) -> dict[str, object]:
    from automl_bridge_sagemaker.limits import limit, refusal

    forecast = spec.forecast
    if forecast is None:
        raise SchemaError("a forecasting job needs time, horizon and freq", hint="give --time, --horizon and --freq")
    if forecast.horizon > limit("sagemaker.forecasting.max_horizon").number:
        raise refusal(
            "sagemaker.forecasting.max_horizon",
            f"SageMaker Autopilot forecasts at most {limit('sagemaker.forecasting.max_horizon').value} steps; "
            f"{forecast.horizon} were asked for",
        )
    if len(forecast.quantiles) > limit("sagemaker.forecasting.quantiles").number:
        raise refusal("sagemaker.forecasting.quantiles", f"at most 5 quantiles; {len(forecast.quantiles)} were given")
    return {
        "ForecastFrequency": _frequency(forecast.freq),
        "ForecastHorizon": forecast.horizon,
        "ForecastQuantiles": [f"p{round(100 * quantile)}" for quantile in forecast.quantiles],
        "TimeSeriesConfig": _series(forecast, spec.profile),
        # Rows of one stamp would be summed without a word, and gaps filled with 0: said, and for levels the mean.
        "Transformations": {"Aggregation": {_target(spec): "avg"}},
    }


def _series(forecast: ForecastSpec, profile: Profile) -> dict[str, object]:
    safe = {column.name: column.safe_name for column in profile.columns}
    if not forecast.series:
        raise SchemaError("SageMaker Autopilot needs a column that names the series", hint="add one with --series")
    config: dict[str, object] = {
        "TargetAttributeName": profile.with_role(Role.TARGET)[0].safe_name,
        "TimestampAttributeName": safe[forecast.time],
        "ItemIdentifierAttributeName": safe[forecast.series[0]],
    }
    if len(forecast.series) > 1:
        config["GroupingAttributeNames"] = [safe[name] for name in forecast.series[1:]]
    return config


def predict_request(spec: JobSpec, settings: SageMakerSettings) -> dict[str, object]:
    """Return the keyword arguments of ``create_model`` and ``create_transform_job``.

    Rows go in as CSV without header and target, and come out one line each, in their order (AWS's own example of
    batch inference with Autopilot).
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
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": source,
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": "Line",
        },
        "TransformOutput": _encrypted(
            {"S3OutputPath": (folder / "output").uri, "Accept": "text/csv", "AssembleWith": "Line"}, settings
        ),
        "TransformResources": resources,
        "Tags": tags(spec, settings),
    }
    return {"CreateModel": model, "CreateTransformJob": transform}
