"""A model's files on this machine: the service writes them to the bucket, from where they are downloaded.

Tables and forecasts: a folder with Google's SavedModel, which its own container serves; forecasts and image models of
type CLOUD cannot be exported, which the model itself says by the formats that it supports.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.exports import check_new, new_folder
from automl_bridge.errors import BundleError, RejectedError, UnsupportedError
from automl_bridge_vertex.layout import job_location
from automl_bridge_vertex.made import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.cloud.layout import Location
    from automl_bridge.spec import ModelRef
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["export"]

_PATIENCE = 3600.0
_PREFERRED = ("tf-saved-model", "custom-trained", "tflite")


def export(model: ModelRef, path: Path, clients: Clients, objects: Objects, settings: VertexSettings) -> Path:
    """Write the files of a model into the folder ``path``, with ``model.json``.

    Raises
    ------
    UnsupportedError
        If this kind of model cannot be exported.
    StorageError
        If the folder is there and not empty, or cannot be written.
    """
    check_new(path)
    details: dict[str, Any] = model.details
    place = job_location(str(details["job"]), settings) / "export"
    # What an export that broke off has left would be taken for this one's.
    objects.delete_under(place)
    _exported(str(details["model"]), place, clients)
    with new_folder(path) as draft:
        _download(place, draft, objects)
        document = {"uri": model.uri, **details}
        (draft / "model.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    objects.delete_under(place)
    return path


def _exported(name: str, place: Location, clients: Clients) -> None:
    """Let the service write the model's files, and wait for it."""
    found = clients.found(f"reading the model {name}", clients.models.get_model, name)
    if found is None:
        raise RejectedError(f"the project has no model {name} any more")
    formats = [one.id for one in found.supported_export_formats]
    if not formats:
        raise UnsupportedError(
            f"Vertex AI does not export this model ({name})",
            hint="tables can be exported, and image models whose model_type is a mobile one; forecasts cannot",
        )
    chosen = next((form for form in _PREFERRED if form in formats), formats[0])
    config = {"export_format_id": chosen, "artifact_destination": {"output_uri_prefix": place.uri}}
    doing = f"exporting the model {name}"
    made = clients.tell(doing, clients.models.export_model, {"name": name, "output_config": config})
    wait_for(str(made.operation.name), clients, clients.models, doing, _PATIENCE)


def _download(place: Location, target: Path, objects: Objects) -> None:
    held = list(objects.listed(place))
    if not held:
        raise RejectedError(f"the service exported the model, but there is nothing in {place.uri}")
    for stored in held:
        name = stored.key.removeprefix(place.key)
        pure = PurePosixPath(name)
        if name.endswith("/"):
            continue
        if pure.is_absolute() or ".." in pure.parts:
            raise BundleError(f"the service wrote {name!r}, which lies outside the folder")
        body = objects.read(place._replace(key=stored.key))
        file = target / pure
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body or b"")
