"""What the service would refuse, found before anything is sent: each with its limit and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.capabilities import Feature
from automl_bridge.errors import SchemaError, UnsupportedError
from automl_bridge.spec import Kind, Role
from automl_bridge.task import Task
from automl_bridge_sagemaker.forecast_checks import check_series
from automl_bridge_sagemaker.limits import limit, refusal
from automl_bridge_sagemaker.native_limits import TABULAR, resolved_mode

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["check_predict", "check_train", "weight_column"]

_GB = 1e9
_IMAGE_NOTES = ("how an image model is asked and answers in a transform job is not documented: assumed, not known",)


def check_train(spec: JobSpec, settings: SageMakerSettings) -> tuple[str, ...]:
    """Refuse what Autopilot would refuse; return what the reader should know of the rest.

    Raises
    ------
    LimitError
        For data or settings outside the service's limits; names limit and source.
    UnsupportedError, SchemaError
        For what the task cannot take.
    """
    settings.check_form()
    _check_tags(settings)
    _check_output_path(settings)
    if spec.task in TABULAR:
        return _check_table(spec, settings)
    if spec.task is Task.TEXT_CLASSIFICATION:
        return _check_text(spec)
    if spec.task is Task.FORECASTING:
        return check_series(spec)
    return _IMAGE_NOTES


def check_predict(spec: JobSpec, settings: SageMakerSettings) -> None:
    """Refuse a predict job without a model of this service."""
    settings.check_form()
    _check_tags(settings)
    if spec.model is None or spec.model.backend != "sagemaker" or not spec.model.details.get("containers"):
        raise UnsupportedError(
            "sagemaker predicts with models that it trained itself",
            hint="predict with the run's own backend; a bundle predicts on this machine",
        )


def _check_table(spec: JobSpec, settings: SageMakerSettings) -> tuple[str, ...]:
    profile, rows = spec.profile, spec.profile.rows.get("train", 0)
    least = int(limit("sagemaker.tabular.min_rows").number)
    if rows < least:
        raise refusal(
            "sagemaker.tabular.min_rows",
            f"SageMaker Autopilot needs at least {least} rows for a table; {profile.name} has {rows:,} for training",
            f"--backend autokeras or baseline take {rows:,} rows; or add data",
        )
    if profile.bytes > limit("sagemaker.tabular.max_gb").number * _GB:
        raise refusal(
            "sagemaker.tabular.max_gb",
            f"SageMaker Autopilot takes at most {limit('sagemaker.tabular.max_gb').value} GB; {profile.name} has "
            f"{profile.bytes / _GB:,.0f} GB",
            "take a sample, or have the quota raised",
        )
    if len(spec.target) != 1:
        raise UnsupportedError("SageMaker Autopilot learns one target at a time", hint="choose one target")
    images = [column.name for column in profile.features if column.kind is Kind.IMAGE]
    if images:
        raise UnsupportedError(f'SageMaker Autopilot reads no images in a table (column "{images[0]}")')
    return _check_mode(spec, settings) + _size_notes(spec)


def _check_mode(spec: JobSpec, settings: SageMakerSettings) -> tuple[str, ...]:
    mode = resolved_mode(spec, settings)
    if settings.algorithms and mode == "AUTO":
        raise refusal(
            "sagemaker.tabular.algorithms_with_auto",
            "algorithms cannot be chosen in mode AUTO",
            "set mode to ENSEMBLING or HYPERPARAMETER_TUNING",
        )
    name = f"sagemaker.tabular.algorithms_{'ensembling' if mode == 'ENSEMBLING' else 'hpo'}"
    for algorithm in settings.algorithms:
        if algorithm not in limit(name).choices:
            known = ", ".join(limit(name).choices)
            raise refusal(name, f'mode {mode} has no algorithm "{algorithm}"', f"use {known}")
    if weight_column(spec) is not None and mode != "ENSEMBLING":
        raise refusal(
            "sagemaker.tabular.sample_weight",
            f"{Feature.SAMPLE_WEIGHTS} work in mode ENSEMBLING only; this job would run in {mode}",
            "set mode to ENSEMBLING in [backends.sagemaker]",
        )
    return ()


def weight_column(spec: JobSpec) -> str | None:
    """Return the safe name of the column of sample weights, or None."""
    columns = spec.profile.with_role(Role.WEIGHT)
    return columns[0].safe_name if columns else None


def _size_notes(spec: JobSpec) -> tuple[str, ...]:
    notes = []
    if spec.profile.bytes > limit("sagemaker.tabular.subsample_gb").number * _GB:
        notes.append("above 5 GB Autopilot trains on a sample of the rows (limit sagemaker.tabular.subsample_gb)")
    if any(column.role is Role.GROUP for column in spec.profile.columns):
        notes.append("Autopilot cross-validates at random within the training rows; groups hold for our own split only")
    return tuple(notes)


def _check_text(spec: JobSpec) -> tuple[str, ...]:
    features = spec.profile.features
    texts = [column for column in features if column.kind is Kind.TEXT]
    if len(features) != 1 or len(texts) != 1:
        named = ", ".join(f'"{column.name}" ({column.kind})' for column in features[:12])
        error = SchemaError(
            f"SageMaker Autopilot reads exactly one text column; the features are {named}",
            hint="leave the others out (--type COLUMN=ignored), or learn it as a table",
        )
        error.limit, error.source = "sagemaker.text.columns", limit("sagemaker.text.columns").source
        raise error
    return ("how a text model answers in a transform job is not documented; the form of tables is assumed",)


def _check_tags(settings: SageMakerSettings) -> None:
    # Two tags are ours: the run's name and the digest of what it does.
    most = int(limit("sagemaker.all.max_tags").number) - 2
    if len(settings.tags) > most:
        raise refusal("sagemaker.all.max_tags", f"{len(settings.tags)} tags are set; at most {most} fit beside ours")
    longest_key = int(limit("sagemaker.all.tag_key_length").number)
    longest_value = int(limit("sagemaker.all.tag_value_length").number)
    for key, value in settings.tags.items():
        if not 1 <= len(key) <= longest_key:
            raise refusal("sagemaker.all.tag_key_length", f"tag key {key!r} is not of 1 to {longest_key} characters")
        if len(value) > longest_value:
            raise refusal("sagemaker.all.tag_value_length", f"tag {key} has a value over {longest_value} characters")


def _check_output_path(settings: SageMakerSettings) -> None:
    longest = int(limit("sagemaker.all.output_path_length").number)
    room = longest - len("s3:///jobs//output/") - 64
    if len(settings.bucket or "") + len(settings.prefix) > room:
        raise refusal("sagemaker.all.output_path_length", "bucket and prefix are too long", "shorten the prefix")
