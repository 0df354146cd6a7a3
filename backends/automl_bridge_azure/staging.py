"""What a job reads, to the workspace's datastore: MLTable folders to train, rows and a script to predict."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Staged
from automl_bridge.cloud import staging
from automl_bridge.cloud.rows import row_pieces
from automl_bridge.cloud.staging import Folder, Piece, send
from automl_bridge.errors import ConfigError
from automl_bridge.task import Task
from automl_bridge_azure.clients import UPLOADS
from automl_bridge_azure.layout import aml_uri, data_form, job_location, place_of
from automl_bridge_azure.media import image_pieces
from automl_bridge_azure.mltable import NAME, mltable
from automl_bridge_azure.native_limits import train_size
from automl_bridge_azure.rates import planned_region
from automl_bridge_azure.series_rows import series_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.backend import Plan
    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset
    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.objects import Objects

__all__ = ["check_staged", "stage"]

MOST_OBJECTS = 500
_IMAGES_AT_ONCE = 16
"""Pictures are small: more of them are under way at a time."""
SCRIPT = Path(__file__).parent / "remote" / "predict.py"


def stage(plan: Plan, dataset: Dataset, clients: Clients, objects: Objects) -> Staged:
    """Write what the job of ``plan`` reads; what is there already is not sent again.

    Raises
    ------
    ConfigError
        If settings are missing, have changed since the job was planned, or do not fit the workspace.
    """
    clients.settings.require()
    _check_place(plan, clients)
    if plan.spec.kind == "predict":
        return _stage_predict(plan, dataset, clients, objects)
    folders = {part: _train_folder(plan, dataset, part, place, clients) for part, place in _train_places(plan).items()}
    images = plan.spec.task is Task.IMAGE_CLASSIFICATION
    sent = sum(send(one, objects, at_once=_IMAGES_AT_ONCE if images else UPLOADS) for one in folders.values())
    return Staged(uris={part: aml_uri(one.place) for part, one in folders.items()}, bytes_sent=sent)


def check_staged(staged: Staged, objects: Objects) -> None:
    """Raise `RejectedError` unless all parts are there, whole: what was staged may have been deleted since."""
    staging.check_staged(staged, objects, place_of)


def _check_place(plan: Plan, clients: Clients) -> None:
    """Refuse what would make another job of it than was planned and priced."""
    settings, region = clients.settings, clients.workspace.region
    if settings.region is not None and _plain(settings.region) != _plain(region):
        raise ConfigError(
            f"the workspace {settings.workspace} is in {region}, and the setting region says {settings.region}",
            hint=f"set region to {region}, or leave it out",
        )
    if plan.cap.kind == "guaranteed" and _plain(planned_region(settings)) != _plain(region):
        raise ConfigError(
            f"the cap was planned with the prices of {planned_region(settings)}, and the workspace is in {region}",
            hint=f"set region to {region} in [backends.azure]",
        )
    if settings.compute is not None:
        _check_compute(plan, clients)


def _plain(region: str) -> str:
    return region.replace(" ", "").lower()


def _check_compute(plan: Plan, clients: Clients) -> None:
    from automl_bridge_azure.computes import describe

    settings = clients.settings
    found = describe(clients, str(settings.compute))
    if found is None:
        raise ConfigError(
            f"the workspace has no compute {settings.compute}", hint="make it, or leave compute out (serverless)"
        )
    size = train_size(plan.spec, settings)
    if plan.cap.kind == "guaranteed" and found.size.lower() != size.lower():
        raise ConfigError(
            f"the cap was planned for {size}, and the compute {settings.compute} has {found.size}",
            hint=f"set instance_type (gpu_instance_type for images and texts) to {found.size}",
        )


def _train_places(plan: Plan) -> dict[str, Location]:
    request: Any = plan.request
    details = request["body"]["properties"]["taskDetails"]
    keys = {"train": "trainingData", "validation": "validationData"}
    return {part: place_of(details[key]["uri"]) for part, key in keys.items() if key in details}


def _train_folder(plan: Plan, dataset: Dataset, part: str, place: Location, clients: Clients) -> Folder:
    form, facts = data_form(plan.spec, clients.settings), {"rows": dataset.profile.rows[part]}
    if form == "images":
        pieces = image_pieces(dataset, part, place, clients.settings.workspace_id)
    else:
        pieces = row_pieces(dataset, part, form=form, most_objects=MOST_OBJECTS, rows=_rows(plan))
        names = [piece.name for piece in pieces]
        pieces.append(Piece(NAME, partial(mltable, names, form), "text/yaml"))
    return Folder(place, pieces, dataset.split_digest, {**facts, "format": form})


def _rows(plan: Plan) -> Any:
    """Return what makes the table that is written of a slice; None: that of plain tables."""
    forecast = plan.spec.forecast
    if forecast is None:
        return None

    def rows(held: Dataset, part: str) -> pa.Table:
        return series_rows(held, part, forecast)

    return rows


def _picture_rows(held: Dataset, part: str) -> pa.Table:
    import pyarrow as pa

    return pa.table({"image": held.features(part).column(0).cast(pa.large_binary())})


def _stage_predict(plan: Plan, dataset: Dataset, clients: Clients, objects: Objects) -> Staged:
    folder = job_location(plan.spec.name, clients.settings)
    rows = _picture_rows if plan.spec.task is Task.IMAGE_CLASSIFICATION else _rows(plan)
    digest = dataset.profile.fingerprint
    parts = {part: folder / part for part in ("context", "predict") if part in dataset.profile.rows}
    folders = [
        Folder(place, row_pieces(dataset, part, form="parquet", most_objects=MOST_OBJECTS, rows=rows), digest)
        for part, place in parts.items()
    ]
    folders.append(Folder(folder / "code", _code(plan, dataset), digest))
    sent = sum(send(one, objects, at_once=UPLOADS) for one in folders)
    return Staged(uris={one.place.name: aml_uri(one.place) for one in folders}, bytes_sent=sent)


def _code(plan: Plan, dataset: Dataset) -> list[Piece]:
    from automl_bridge_azure.remote_job import describe

    document = json.dumps(describe(plan.spec, dataset.profile), indent=1).encode()
    return [
        Piece("job.json", lambda: document, "application/json"),
        Piece("predict.py", SCRIPT.read_bytes, "text/x-python"),
    ]
