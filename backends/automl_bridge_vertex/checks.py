"""What the service would refuse, found before anything is sent: each with its limit and source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from automl_bridge.errors import LimitError, SchemaError, UnsupportedError
from automl_bridge.spec import Kind, Role
from automl_bridge.task import Task
from automl_bridge_vertex.columns import time_column
from automl_bridge_vertex.limits import limit, refusal

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["check_predict", "check_train", "sent_rows"]

_GB = 1e9


def sent_rows(spec: JobSpec) -> int:
    """Return the number of rows that are sent to train: the service splits them again itself."""
    return spec.profile.rows.get("train", 0) + spec.profile.rows.get("validation", 0)


def check_train(spec: JobSpec, settings: VertexSettings) -> tuple[str, ...]:
    """Refuse what Vertex AI would refuse; return what the reader should know of the rest.

    Raises
    ------
    LimitError
        For data or settings outside the service's limits; names limit and source.
    UnsupportedError, SchemaError
        For what the task cannot take.
    """
    settings.check_form()
    _check_labels(settings)
    if len(spec.target) != 1:
        raise UnsupportedError("Vertex AI AutoML learns one target at a time", hint="choose one target")
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return _check_images(spec)
    if spec.task is Task.FORECASTING:
        return _check_series(spec, settings)
    return _check_table(spec)


def check_predict(spec: JobSpec, settings: VertexSettings) -> None:
    """Refuse a predict job without a model of this service."""
    settings.check_form()
    _check_labels(settings)
    model = spec.model
    if model is None or model.backend != "vertex" or not model.details.get("model"):
        raise UnsupportedError(
            "vertex predicts with models that it trained itself",
            hint="predict with the run's own backend; a bundle predicts on this machine",
        )
    place = str(model.details.get("location", settings.location))
    if place != settings.location:
        raise UnsupportedError(
            f"the model is in {place}, the job would run in {settings.location}", hint=f"set location to {place}"
        )
    rows = spec.profile.rows.get("predict", 0)
    if spec.task is Task.IMAGE_CLASSIFICATION:
        _at_most("vertex.image.predict_max_images", rows, f"{rows:,} images to predict")
        _check_image_size(spec, "vertex.image.predict_max_mb")


def _at_most(name: str, value: float, what: str, hint: str | None = None) -> None:
    rule = limit(name)
    if value > rule.number:
        raise refusal(name, f"Vertex AI AutoML takes at most {rule.number:,g} {rule.unit}: {what}", hint)


def _at_least(name: str, value: float, what: str, hint: str | None = None) -> None:
    rule = limit(name)
    if value < rule.number:
        raise refusal(name, f"Vertex AI AutoML takes no fewer than {rule.number:,g} {rule.unit}: {what}", hint)


def _check_rows(spec: JobSpec, prefix: str) -> None:
    profile, rows = spec.profile, sent_rows(spec)
    least = int(limit(f"{prefix}.min_rows").number)
    if rows < least:
        kind = "a forecast" if spec.task is Task.FORECASTING else "a table"
        raise refusal(
            f"{prefix}.min_rows",
            f"Vertex AI AutoML needs at least {least:,} rows for {kind}; {profile.name} has {rows:,} for training",
            f"--backend autokeras or baseline take {rows:,} rows; or add data",
        )
    _at_most(f"{prefix}.max_rows", rows, f"{profile.name} has {rows:,}", "take a sample")
    _at_most(f"{prefix}.max_gb", profile.bytes / _GB, f"{profile.name} has {profile.bytes / _GB:,.0f}", "take a sample")


def _check_columns(spec: JobSpec, prefix: str, count: int) -> None:
    name = spec.profile.name
    _at_least(f"{prefix}.min_columns", count, f"{name} has {count} columns")
    _at_most(f"{prefix}.max_columns", count, f"{name} has {count:,} columns", "leave some out (--type COL=ignored)")
    images = [column.name for column in spec.profile.features if column.kind is Kind.IMAGE]
    if images:
        raise UnsupportedError(f'Vertex AI AutoML reads no images in a table (column "{images[0]}")')


def _check_table(spec: JobSpec) -> tuple[str, ...]:
    profile = spec.profile
    _check_rows(spec, "vertex.tabular")
    _check_columns(spec, "vertex.tabular", len(profile.features) + 1 + len(profile.with_role(Role.WEIGHT)))
    notes: list[str] = []
    if spec.task.is_classification:
        classes = len(profile.classes)
        _at_least("vertex.tabular.min_classes", classes, f"the target has {classes}")
        _at_most("vertex.tabular.max_classes", classes, f"the target has {classes:,}", "merge rare classes")
        rare = [str(label) for label, n in zip(profile.classes, profile.class_counts, strict=False) if n < 10]
        if rare:
            notes.append(
                f"Vertex AI splits at random, not by class: {', '.join(rare[:5])} may be missing from its own test rows"
            )
    if any(column.role is Role.GROUP for column in profile.columns):
        notes.append("Vertex AI splits the training rows at random; groups hold for our own split only")
    if time_column(profile) is not None:
        notes.append(
            "the service splits by time, too; its page and its SDK disagree on which end it trains on, so its own "
            "metrics may be of the past"
        )
    return tuple(notes)


def _check_series(spec: JobSpec, settings: VertexSettings) -> tuple[str, ...]:
    forecast = spec.forecast
    if forecast is None:
        raise SchemaError("a forecasting job needs time, horizon and freq", hint="give --time, --horizon and --freq")
    _check_rows(spec, "vertex.forecasting")
    # Time, series and target, and each covariate.
    _check_columns(spec, "vertex.forecasting", 3 + len(spec.profile.features))
    if forecast.windows > 1:
        raise UnsupportedError(
            f"Vertex AI forecasts one horizon at a time, {forecast.windows} windows were asked for",
            hint="use one window",
        )
    texts = [column.name for column in spec.profile.features if column.kind is Kind.TEXT]
    if texts:
        raise refusal(
            "vertex.forecasting.text",
            f'Vertex AI reads no text beside a series (column "{texts[0]}")',
            f'--type "{texts[0]}"=categorical, or =ignored',
        )
    longest = int(limit("vertex.forecasting.max_series_length").number)
    context = forecast.horizon if settings.context_window is None else settings.context_window
    if forecast.horizon + context > longest:
        raise refusal(
            "vertex.forecasting.max_series_length",
            f"horizon {forecast.horizon:,} and context {context:,} do not fit the {longest:,} steps of a series",
            "forecast fewer steps, or longer ones",
        )
    _at_most("vertex.forecasting.quantiles", len(forecast.quantiles), f"{len(forecast.quantiles)} quantiles")
    return ()


def _check_images(spec: JobSpec) -> tuple[str, ...]:
    profile, rows = spec.profile, sent_rows(spec)
    features = profile.features
    if len(features) != 1 or features[0].kind is not Kind.IMAGE:
        named = ", ".join(f'"{column.name}" ({column.kind})' for column in features[:12])
        raise SchemaError(
            f"image-classification reads exactly one column of images; the features are {named}",
            hint="leave the others out (--type COLUMN=ignored)",
        )
    _at_most("vertex.image.max_images", rows, f"{profile.name} has {rows:,}", "take a sample")
    classes = len(profile.classes)
    _at_least("vertex.image.min_labels", classes, f"the target has {classes}")
    _at_most("vertex.image.max_labels", classes, f"the target has {classes:,}", "merge rare classes")
    _check_image_size(spec, "vertex.image.max_mb")
    if profile.rows.get("holdout"):
        # What can be trained on but not predicted would be found after the training was paid.
        _check_image_size(spec, "vertex.image.predict_max_mb")
    return _check_label_counts(spec)


def _check_label_counts(spec: JobSpec) -> tuple[str, ...]:
    least = int(limit("vertex.image.min_per_label").number)
    counts = dict(zip(spec.profile.classes, spec.profile.class_counts, strict=False))
    # Counts are over all rows; what is held out is not sent.
    share = sent_rows(spec) / max(1, sum(spec.profile.rows.values()))
    few = {label: count for label, count in counts.items() if count * share < least}
    if few:
        label, count = next(iter(few.items()))
        raise refusal(
            "vertex.image.min_per_label",
            f'Vertex AI needs at least {least} images of each label to train on; "{label}" has {count} in all '
            f"({len(few)} such {'label' if len(few) == 1 else 'labels'})",
            "add images, or merge the label with another",
        )
    if counts and max(counts.values()) > limit("vertex.image.label_ratio").number * min(counts.values()):
        return ("the most common label has over 100 times the images of the rarest; Vertex AI advises less",)
    return ()


def _check_image_size(spec: JobSpec, name: str) -> None:
    column = next((one for one in spec.profile.features if one.kind is Kind.IMAGE), None)
    held = getattr(column, "image", None)
    most = getattr(held, "max_bytes", None)
    if most is not None and most > limit(name).number * 1e6:
        raise refusal(
            name,
            f"the largest image has {most / 1e6:,.1f} MB; Vertex AI takes {limit(name).value} MB",
            "make it smaller, or save it with more compression",
        )


def _check_labels(settings: VertexSettings) -> None:
    # Two labels are ours: the run's name and the digest of what it does.
    most = int(limit("vertex.all.max_labels").number) - 2
    if len(settings.labels) > most:
        raise refusal("vertex.all.max_labels", f"{len(settings.labels)} labels are set; at most {most} fit beside ours")
    longest = int(limit("vertex.all.label_length").number)
    pattern = re.compile(limit("vertex.all.label_pattern").value)
    for key, value in settings.labels.items():
        for text in (key, value):
            if len(text) > longest or (text is key and not text):
                raise refusal("vertex.all.label_length", f"label {key}={value} is not of 1 to {longest} characters")
            if not pattern.fullmatch(text):
                raise _bad_label(text)


def _bad_label(text: str) -> LimitError:
    return refusal(
        "vertex.all.label_pattern",
        f"label {text!r} may hold lowercase letters, digits, underscores and dashes only",
        "write it in lower case",
    )
