"""A model's files on this machine: downloaded so that nothing outside the folder is touched.

Names in a container are data like any other: each is written only if it is a plain file below the target, and all of
them together stay within a size.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from automl_bridge.cloud.exports import new_folder
from automl_bridge.errors import BundleError
from automl_bridge_azure.layout import artifacts_of
from automl_bridge_azure.requests import MODEL_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl_bridge.spec import ModelRef
    from automl_bridge_azure.objects import Objects

__all__ = ["MOST_BYTES", "MOST_FILES", "export"]

MOST_BYTES = 20 * 2**30
"""Size of one model, in bytes; those of the service are far below."""
MOST_FILES = 100_000


def export(model: ModelRef, path: Path, objects: Objects) -> Path:
    """Write the MLflow model of the best trial into ``path / mlflow-model``, and ``model.json`` beside it.

    Raises
    ------
    StorageError
        If the folder is there and not empty, or cannot be written.
    BundleError
        If there is no model, or it holds what may not be written here.
    """
    with new_folder(path) as draft:
        _download(model, draft / "mlflow-model", objects)
        document = {"uri": model.uri, **model.details}
        (draft / "model.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def _download(model: ModelRef, target: Path, objects: Objects) -> None:
    place = artifacts_of(str(model.details["run"])) / MODEL_FOLDER.rstrip("/")
    left, files = MOST_BYTES, 0
    for stored in objects.listed(place):
        files += 1
        left -= stored.size
        if files > MOST_FILES or left < 0:
            raise BundleError(f"the model holds more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes")
        name = stored.key.removeprefix(place.key)
        file = below(target, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, name, objects.chunks(place.bucket, stored.key), stored.size)
    if not files:
        raise BundleError(f"there is no model in {model.uri} any more", hint="train again")


def below(target: Path, name: str) -> Path:
    """Return where a file of that name goes; refuses what is not below ``target``.

    Raises
    ------
    BundleError
        For an absolute name, one that climbs out, or one with a drive.
    """
    plain = name.replace("\\", "/")
    pure = PurePosixPath(plain)
    if not plain or plain.endswith("/") or pure.is_absolute() or ".." in pure.parts or "\x00" in plain:
        raise BundleError(f"the model holds {name!r}, which lies outside the folder")
    if ":" in pure.parts[0]:
        raise BundleError(f"the model holds {name!r}, which lies outside the folder")
    return target / pure


def _write(file: Path, name: str, chunks: Iterable[bytes], size: int) -> None:
    if file.exists():
        raise BundleError(f"the model holds {name!r} twice")
    written = 0
    with file.open("wb") as sink:
        for chunk in chunks:
            written += len(chunk)
            if written > size:
                raise BundleError(f"{name!r} is larger than it was listed")
            sink.write(chunk)
