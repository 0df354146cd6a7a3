"""What a job reads, to the bucket: the rows of its parts and, to train, the feature specification."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from automl_bridge.backend import Staged
from automl_bridge.cloud import staging
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.rows import row_pieces
from automl_bridge.cloud.staging import Folder, Piece, send
from automl_bridge.errors import ConfigError
from automl_bridge.task import Task
from automl_bridge_sagemaker.clients import UPLOADS
from automl_bridge_sagemaker.feature_spec import feature_types
from automl_bridge_sagemaker.pictures import MANIFEST, asked_pieces, manifest_piece, picture_pieces
from automl_bridge_sagemaker.series import forecast_pieces, series_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from automl_bridge.backend import Plan
    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.objects import Objects
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["check_staged", "input_location", "stage"]

MOST_OBJECTS = 500
"""Half of what makes Autopilot's AUTO mode give up looking at the size (limit sagemaker.tabular.auto_mode_objects)."""


class _Part(NamedTuple):
    """One part of a dataset, where it goes and how it is written there."""

    name: str
    folder: Location
    form: Literal["csv", "parquet"]


def input_location(plan: Plan) -> Location:
    """Return the folder that a predict job reads."""
    request: Any = plan.request
    return split_uri(request["CreateTransformJob"]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])


def stage(plan: Plan, dataset: Dataset, objects: Objects, settings: SageMakerSettings) -> Staged:
    """Write what the job of ``plan`` reads; what is there already is not sent again.

    Raises
    ------
    ConfigError
        If bucket or role are not set, or the bucket is not in the region of the jobs.
    """
    settings.require()
    parts = list(_parts(plan))
    if any(part.folder.bucket != settings.bucket for part in parts):
        raise ConfigError(
            f"the job was planned for the bucket {parts[0].folder.bucket}, and the setting is {settings.bucket} now",
            hint="set the bucket that it was planned for, or start a new run",
        )
    objects.check_region()
    sent = _beside(plan, dataset, parts, objects)
    sent += sum(send(_folder(part, plan, dataset), objects, at_once=UPLOADS) for part in parts)
    return Staged(uris={part.name: part.folder.uri for part in parts}, bytes_sent=sent)


def check_staged(staged: Staged, objects: Objects) -> None:
    """Raise `RejectedError` unless all parts are in the bucket, whole: what was staged may have been deleted since."""
    staging.check_staged(staged, objects, split_uri)


def _beside(plan: Plan, dataset: Dataset, parts: Sequence[_Part], objects: Objects) -> int:
    """Write what the parts of a training job share: types of the columns, or the pictures; returns the bytes sent."""
    above = parts[0].folder.above
    if plan.spec.kind != "train" or plan.spec.task is Task.FORECASTING:
        return 0
    if plan.spec.task is Task.IMAGE_CLASSIFICATION:
        column = dataset.profile.features[0].name
        pieces = picture_pieces([dataset.parts[part.name][column] for part in parts])
        return send(Folder(above / "pictures", pieces, dataset.split_digest), objects, at_once=UPLOADS)
    body = feature_types(dataset.profile)
    return len(body) if objects.create(above, "features.json", body, "application/json") else 0


def _parts(plan: Plan) -> Iterator[_Part]:
    request: Any = plan.request
    if plan.spec.kind == "predict":
        yield _Part("predict", input_location(plan), "csv")
        return
    for channel in request["AutoMLJobInputDataConfig"]:
        folder = split_uri(channel["DataSource"]["S3DataSource"]["S3Uri"].removesuffix(MANIFEST))
        name = {"training": "train", "validation": "validation"}[channel["ChannelType"]]
        yield _Part(name, folder, "csv" if channel["ContentType"].startswith("text/csv") else "parquet")


def _folder(part: _Part, plan: Plan, dataset: Dataset) -> Folder:
    predicts = plan.spec.kind == "predict"
    digest = dataset.profile.fingerprint if predicts else dataset.split_digest
    facts: dict[str, object] = {"rows": dataset.profile.rows[part.name], "format": part.form}
    return Folder(part.folder, _pieces(part, plan.spec, dataset), digest, facts)


def _pieces(part: _Part, spec: JobSpec, dataset: Dataset) -> list[Piece]:
    predicts = spec.kind == "predict"
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return (
            asked_pieces(dataset) if predicts else [manifest_piece(dataset, part.name, part.folder.above / "pictures")]
        )
    if spec.task is Task.FORECASTING:
        return forecast_pieces(dataset) if predicts else _past(part, dataset)
    return row_pieces(dataset, part.name, form=part.form, header=not predicts, most_objects=MOST_OBJECTS)


def _past(part: _Part, dataset: Dataset) -> list[Piece]:
    """Return the rows of all parts but the holdout: the service cuts its own validation from the end of each series."""
    forecast = dataset.forecast
    assert forecast is not None

    def rows(held: Dataset, name: str) -> pa.Table:
        return series_rows(held.parts[name], held.profile, forecast)

    pieces = []
    for name in (part.name, "validation"):
        if dataset.profile.rows.get(name):
            found = row_pieces(dataset, name, form=part.form, most_objects=MOST_OBJECTS, rows=rows)
            pieces += [replace(piece, name=f"{name}-{piece.name}") for piece in found]
    return pieces
