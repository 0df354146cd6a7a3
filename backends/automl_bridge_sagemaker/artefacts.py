"""A model's files on this machine: downloaded and unpacked so that nothing outside the folder is touched.

An archive from a service is data like any other: its members are written one by one, and only if each is a plain
file or folder under the target, and all of them together stay within a size.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from automl_bridge.cloud.exports import new_folder
from automl_bridge.cloud.layout import split_uri
from automl_bridge.errors import BundleError, StorageError
from automl_bridge_sagemaker.errors import translated

if TYPE_CHECKING:
    from automl_bridge.spec import ModelRef
    from automl_bridge_sagemaker.objects import Objects

__all__ = ["MOST_BYTES", "MOST_FILES", "export", "unpack"]

MOST_BYTES = 20 * 2**30
"""Unpacked size of one archive, in bytes; Autopilot's are far below."""
MOST_FILES = 100_000
_CHUNK = 2**20


def export(model: ModelRef, path: Path, objects: Objects) -> Path:
    """Write the artefacts of a model into the folder ``path``: one folder a container, and ``model.json``.

    Raises
    ------
    StorageError
        If the folder is there and not empty, or cannot be written.
    BundleError
        If an archive holds what may not be unpacked.
    """
    containers: list[dict[str, Any]] = model.details["containers"]  # type: ignore[assignment]
    with new_folder(path) as draft:
        for number, container in enumerate(containers):
            place = split_uri(container["ModelDataUrl"])
            with translated(f"downloading {container['ModelDataUrl']}"):
                unpack(objects.stream(place), draft / f"container-{number}")
        document = {"uri": model.uri, **model.details}
        (draft / "model.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def unpack(source: IO[bytes], target: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
    """Unpack a ``.tar.gz`` that is read as a stream into the folder ``target``.

    Raises
    ------
    BundleError
        For a member outside the folder, a link, a device, or more than fits; nothing of that member is written.
    """
    target.mkdir(parents=True, exist_ok=True)
    left = most_bytes
    try:
        with tarfile.open(fileobj=source, mode="r|gz") as archive:
            for number, member in enumerate(archive):
                if number >= most_files:
                    raise BundleError(f"the archive holds more than {most_files:,} files")
                place = _place(member, target)
                if member.isdir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                # The size in the header is what is read: a stream cannot give more for a member than that.
                left -= member.size
                if left < 0:
                    raise BundleError(f"the archive unpacks to more than {most_bytes:,} bytes")
                _write(archive, member, place)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, (BundleError, StorageError)):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BundleError(f"the model's archive cannot be read: {error}") from error


def _place(member: tarfile.TarInfo, target: Path) -> Path:
    """Return where a member goes; refuses what is not a plain file or folder below ``target``."""
    if not (member.isreg() or member.isdir()):
        raise BundleError(f"the archive holds {member.name!r}, which is neither a file nor a folder")
    name = member.name.replace("\\", "/")
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\x00" in name or (pure.parts and ":" in pure.parts[0]):
        raise BundleError(f"the archive holds {member.name!r}, which lies outside the folder")
    place = target / pure
    # Nothing here makes links; should the folder hold one already, it is not followed.
    if not place.resolve().is_relative_to(target.resolve()):
        raise BundleError(f"the archive holds {member.name!r}, which lies outside the folder")
    return place


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    content = archive.extractfile(member)
    assert content is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        raise BundleError(f"the archive holds {member.name!r} as a folder and as a file")
    # Plain files of the reader's own rights: no owner, no mode, no time of the archive.
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
