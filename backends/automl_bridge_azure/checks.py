"""What the service would refuse, found before anything is sent: each with its limit and source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from automl_bridge.errors import ConfigError, SchemaError, TargetError, UnsupportedError
from automl_bridge.spec import Kind, Role
from automl_bridge.task import Task
from automl_bridge_azure.forecast_request import check_rows
from automl_bridge_azure.limits import limit, refusal
from automl_bridge_azure.native_limits import GPU

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.settings import AzureSettings

__all__ = ["check_predict", "check_train", "weight_column"]

_GPU_SIZE = re.compile(r"Standard_N[CD]", re.IGNORECASE)
_OUR_TAGS = 2


def check_train(spec: JobSpec, settings: AzureSettings) -> tuple[str, ...]:
    """Refuse what Automated ML would refuse; return what the reader should know of the rest.

    Raises
    ------
    LimitError
        For data or settings outside the service's limits; names limit and source.
    UnsupportedError, SchemaError
        For what the task cannot take.
    """
    _check_tags(settings)
    if settings.tier == "Spot" and settings.compute is not None:
        raise ConfigError(
            "tier Spot is for serverless compute; a cluster has its own",
            hint="leave compute out, or make the cluster one of low priority",
        )
    if len(spec.target) != 1:
        raise UnsupportedError("Azure Automated ML learns one target at a time", hint="choose one target")
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return _check_images(spec, settings)
    if spec.task is Task.TEXT_CLASSIFICATION:
        return _check_texts(spec, settings)
    if spec.task is Task.FORECASTING:
        _check_no_media(spec)
        check_rows(spec)
        return ("series that are shorter than the service needs end the job: none is dropped in silence",)
    return _check_table(spec)


def check_predict(spec: JobSpec, settings: AzureSettings) -> None:
    """Refuse a predict job without a model of this service."""
    _check_tags(settings)
    if spec.model is None or spec.model.backend != "azure" or not spec.model.details.get("run"):
        raise UnsupportedError(
            "azure predicts with models that it trained itself",
            hint="predict with the run's own backend; a bundle predicts on this machine",
        )


def weight_column(spec: JobSpec) -> str | None:
    """Return the safe name of the column of sample weights, or None."""
    columns = spec.profile.with_role(Role.WEIGHT)
    return columns[0].safe_name if columns else None


def _check_table(spec: JobSpec) -> tuple[str, ...]:
    profile = spec.profile
    _least_rows(spec, "train", "azure.tabular.min_rows", "for training")
    if profile.rows.get("validation"):
        _least_rows(spec, "validation", "azure.tabular.min_validation_rows", "for validation")
    _check_no_media(spec)
    notes = []
    if any(column.role is Role.GROUP for column in profile.columns) and not profile.rows.get("validation"):
        notes.append("the service cross-validates at random within the training rows; groups hold for our split only")
    if profile.classes and min(profile.class_counts, default=0) == 0:
        raise TargetError("a class has no rows", hint="leave it out of the target")
    return tuple(notes)


def _least_rows(spec: JobSpec, part: str, name: str, words: str) -> None:
    rows, least = spec.profile.rows.get(part, 0), int(limit(name).number)
    if rows < least:
        raise refusal(
            name,
            f"Azure Automated ML needs at least {least} rows {words}; {spec.profile.name} has {rows:,}",
            f"--backend autokeras or baseline take {rows:,} rows; or add data",
        )


def _check_no_media(spec: JobSpec) -> None:
    images = [column.name for column in spec.profile.features if column.kind is Kind.IMAGE]
    if images:
        raise UnsupportedError(f'Azure Automated ML reads no images in a table (column "{images[0]}")')


def _one_column(spec: JobSpec, kind: Kind, name: str) -> None:
    features = spec.profile.features
    if [column.kind for column in features] != [kind]:
        named = ", ".join(f'"{column.name}" ({column.kind})' for column in features[:12])
        error = SchemaError(
            f"Azure Automated ML reads exactly one {kind} column here; the features are {named}",
            hint="leave the others out (--type COLUMN=ignored), or learn it as a table",
        )
        error.limit, error.source = name, limit(name).source
        raise error


def _check_gpu(settings: AzureSettings, name: str) -> None:
    if not _GPU_SIZE.match(settings.gpu_instance_type):
        raise refusal(
            name,
            f"Azure Automated ML trains images and texts on GPUs of the NC or ND family; gpu_instance_type is "
            f"{settings.gpu_instance_type}",
            "set gpu_instance_type to one of them, like Standard_NC4as_T4_v3",
        )


def _check_images(spec: JobSpec, settings: AzureSettings) -> tuple[str, ...]:
    _one_column(spec, Kind.IMAGE, "azure.image.formats")
    _check_gpu(settings, "azure.image.gpu")
    _least_rows(spec, "train", "azure.image.min_images", "(images) for training")
    return _one_model(spec)


def _check_texts(spec: JobSpec, settings: AzureSettings) -> tuple[str, ...]:
    _one_column(spec, Kind.TEXT, "azure.text.columns")
    _check_gpu(settings, "azure.text.gpu")
    _least_rows(spec, "train", "azure.text.min_rows", "(texts) for training")
    _least_rows(spec, "validation", "azure.text.min_validation_rows", "for validation")
    notes = ("texts are cut after 128 or 256 tokens (limit azure.tx_6)",)
    return notes + _one_model(spec)


def _one_model(spec: JobSpec) -> tuple[str, ...]:
    assert spec.task in GPU
    if (spec.budget.max_trials or 1) > 1:
        return (f"Azure trains one model for {spec.task}, whatever max_trials says",)
    return ()


def _check_tags(settings: AzureSettings) -> None:
    most = int(limit("azure.all.max_tags").number) - _OUR_TAGS
    if len(settings.tags) > most:
        raise refusal("azure.all.max_tags", f"{len(settings.tags)} tags are set; at most {most} fit beside ours")
    for key, value in settings.tags.items():
        if not 1 <= len(key) <= 100 or len(value) > 1000:
            raise refusal("azure.all.max_tags", f"tag {key!r} is longer than 100 characters, or its value than 1000")
