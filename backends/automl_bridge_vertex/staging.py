"""What a job reads, to the bucket: rows as CSV, images with their lists. Never the holdout."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Staged
from automl_bridge.cloud import staging
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.rows import row_pieces
from automl_bridge.cloud.staging import Folder, send
from automl_bridge.errors import ConfigError
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_vertex.columns import key_column
from automl_bridge_vertex.images import image_folders
from automl_bridge_vertex.layout import data_location, input_location
from automl_bridge_vertex.limits import limit, refusal
from automl_bridge_vertex.names import MOST_OBJECTS, asked
from automl_bridge_vertex.rows import asked_rows, asked_series, series_rows, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.backend import Plan
    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["check_staged", "stage"]


def stage(plan: Plan, dataset: Dataset, objects: Objects, settings: VertexSettings) -> Staged:
    """Write what the job of ``plan`` reads; what is there already is not sent again.

    Raises
    ------
    ConfigError
        If project or bucket are not set, or the bucket is not in the location of the jobs.
    LimitError
        For rows that the service would drop or refuse; names limit and source.
    """
    settings.require()
    place = (data_location if plan.spec.kind == "train" else input_location)(plan.spec, settings)
    _check_place(plan, place)
    _check_rows(plan, dataset)
    objects.check_region()
    uris, sent = {}, 0
    for name, folders in _folders(plan, dataset, place):
        sent += sum(send(folder, objects) for folder in folders)
        uris[name] = folders[-1].place.uri
    return Staged(uris=uris, bytes_sent=sent)


def check_staged(staged: Staged, objects: Objects) -> None:
    """Raise `RejectedError` unless all parts are in the bucket, whole: what was staged may have been deleted since."""
    staging.check_staged(staged, objects, split_uri)


def _check_place(plan: Plan, place: Location) -> None:
    """Raise unless the plan was made for the bucket and prefix that are set now."""
    request: Any = plan.request
    text = str(request.get("CreateDataset", {}).get("dataset", {}).get("metadata") or request)
    if place.uri not in text:
        raise ConfigError(
            f"the job was planned for another place than {place.uri}",
            hint="set the bucket and the prefix that it was planned for, or start a new run",
        )


def _folders(plan: Plan, dataset: Dataset, place: Location) -> Iterator[tuple[str, list[Folder]]]:
    """Yield each part with its folders; the last of them is the one that the job is told of."""
    spec = plan.spec
    if spec.kind == "predict":
        digest = dataset.profile.fingerprint
        if spec.task is Task.IMAGE_CLASSIFICATION:
            yield "predict", image_folders(dataset, "predict", place, digest)
            return
        pieces = row_pieces(
            _numbered(dataset, spec.forecast), "predict", most_objects=MOST_OBJECTS, rows=_rows(spec.forecast, "ask")
        )
        yield "predict", [Folder(place, pieces, digest, {"rows": dataset.profile.rows["predict"]})]
        return
    for part in ("train", "validation"):
        if not dataset.profile.rows.get(part):
            continue
        if spec.task is Task.IMAGE_CLASSIFICATION:
            yield part, image_folders(dataset, part, place / part, dataset.split_digest)
            continue
        pieces = row_pieces(dataset, part, most_objects=MOST_OBJECTS, rows=_rows(spec.forecast, "train"))
        yield part, [Folder(place / part, pieces, dataset.split_digest, {"rows": dataset.profile.rows[part]})]


def _rows(forecast: ForecastSpec | None, what: str) -> Any:
    """Return how rows are written: of series or of a table, to train or to ask."""
    if forecast is not None:
        return partial(series_rows, forecast=forecast)
    return table_rows if what == "train" else asked_rows


def _numbered(dataset: Dataset, forecast: ForecastSpec | None) -> Dataset:
    """Return the rows to predict as one part, with the column of their numbers."""
    import pyarrow as pa

    if forecast is not None:
        table = asked_series(dataset)
    else:
        table = dataset.parts["predict"]
        table = table.append_column(key_column(dataset.profile), pa.array(range(table.num_rows), pa.int64()))
    return replace(dataset, profile=asked(dataset.profile), parts={"predict": table}, path=None)


def _check_rows(plan: Plan, dataset: Dataset) -> None:
    """Refuse what only the rows tell: weights out of range, series that are too long."""
    spec = plan.spec
    if spec.kind != "train":
        return
    most = limit("vertex.tabular.max_weight").number
    for part in ("train", "validation"):
        weights = dataset.weights(part) if spec.profile.rows.get(part) and spec.profile.with_role(Role.WEIGHT) else None
        if weights is not None and len(weights) and not 0 <= weights.min() <= weights.max() <= most:
            raise refusal(
                "vertex.tabular.max_weight",
                f"Vertex AI takes weights from 0 to {most:,.0f}; they are from {weights.min():g} to {weights.max():g}",
                "scale them: only their ratios count",
            )
    if spec.forecast is not None:
        _check_lengths(dataset, spec.forecast)


def _check_lengths(dataset: Dataset, forecast: ForecastSpec) -> None:
    import pyarrow as pa

    from automl_bridge.data.series import Panel, series_name

    parts = [dataset.parts[part] for part in ("train", "validation") if dataset.profile.rows.get(part)]
    whole = pa.concat_tables(parts)
    order = [(name, "ascending") for name in (*forecast.series, forecast.time)]
    panel = Panel.of(whole.sort_by(order), forecast, dataset.profile.with_role(Role.TARGET)[0].name)
    longest = int(limit("vertex.forecasting.max_series_length").number)
    if len(panel.lengths) and panel.lengths.max() > longest:
        worst = int(panel.lengths.argmax())
        name = series_name(panel.table, int(panel.starts[worst]), forecast)
        raise refusal(
            "vertex.forecasting.max_series_length",
            f"{name or 'the series '}has {panel.lengths[worst]:,} steps; Vertex AI takes {longest:,}",
            "leave out the oldest steps, or take longer ones",
        )
