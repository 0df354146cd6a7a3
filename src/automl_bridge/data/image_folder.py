"""Folders of pictures: a subfolder a class, or plain."""

from __future__ import annotations

import os
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.data.image_files import is_address
from automl_bridge.errors import UnreadableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "IMAGE_COLUMN",
    "LABEL_COLUMN",
    "ImageFolder",
    "is_image_folder",
    "is_picture_file",
    "picture_files",
    "read_image_folder",
]

IMAGE_COLUMN = "image"
"""Name of the column of pictures that come from a folder or an array."""
LABEL_COLUMN = "label"
"""Name of the column of classes that come from the names of folders."""

_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".avif"}
)
_STARTS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
_NOT_OURS = frozenset({"__macosx", "thumbs.db", "desktop.ini", "lost+found"})
_PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "holdout"})


class ImageFolder(NamedTuple):
    """What a folder holds: paths relative to it, the class of each (where asked for), sentences for the reader."""

    table: pa.Table
    notes: tuple[str, ...]


def is_image_folder(source: Any) -> bool:
    """Whether ``source`` is a folder in which pictures are looked for.

    On this machine one that holds no Parquet files; in an object store an address that ends with a slash.
    """
    if not isinstance(source, str | PathLike):
        return False
    if is_address(str(source)):
        return str(source).endswith("/")
    local = _local(source)
    return local.is_dir() and not any(name.endswith(".parquet") for _, _, names in os.walk(local) for name in names)


def is_picture_file(source: Any) -> bool:
    """Whether ``source`` names a file on this machine that is a picture by its name."""
    if not isinstance(source, str | PathLike) or is_address(str(source)):
        return False
    local = _local(source)
    return local.suffix.lower() in _SUFFIXES and local.is_file()


def read_image_folder(source: str | PathLike[str], *, classes: bool) -> ImageFolder:
    """List the pictures of a folder.

    Hidden files and what systems leave behind are passed over; other files that are no pictures by their name (or,
    without a suffix, by their first bytes) are counted in a note.

    Parameters
    ----------
    source
        The folder, or the address of one in an object store.
    classes
        Whether each subfolder is a class; pictures may lie deeper in it. Without, all pictures below count.

    Returns
    -------
    ImageFolder
        With the column ``image`` of paths relative to the folder, sorted; and ``label``.

    Raises
    ------
    UnreadableError
        If there are no pictures, or some lie beside the classes, or the subfolders are parts of a split; or if there
        is no such folder.
    """
    import pyarrow as pa

    from automl_bridge.data.tidy import mark_unnamed

    folder = str(source).rstrip("/") or "/"
    files, others, empty = _listed(source)
    _check_names(files)
    if not files:
        raise UnreadableError(
            f"{folder} is a folder without pictures and without Parquet files",
            hint="name a table (CSV, Parquet, Arrow, JSON lines), or a folder with a subfolder of pictures a class",
        )
    notes = _note(others)
    if not classes:
        return ImageFolder(mark_unnamed(pa.table({IMAGE_COLUMN: pa.array(files, pa.string())})), notes)
    labels = [file.partition("/")[0] if "/" in file else None for file in files]
    _check_classes(folder, files, labels)
    if empty:
        listed = ", ".join(empty[:12]) + (", …" if len(empty) > 12 else "")
        notes = (*notes, f"{len(empty)} of the folders hold no picture, and are no class: {listed}")
    table = pa.table({IMAGE_COLUMN: pa.array(files, pa.string()), LABEL_COLUMN: pa.array(labels, pa.string())})
    return ImageFolder(table, notes)


def picture_files(source: str | PathLike[str]) -> list[str]:
    """Return the pictures of a folder as `read_image_folder` lists them: relative paths with forward slashes."""
    return _listed(source)[0]


def _local(source: str | PathLike[str]) -> Path:
    return Path(fspath(source).removeprefix("file://")).expanduser()


class _Listing(NamedTuple):
    """Pictures and other files, sorted by path, and folders of the first level without pictures."""

    files: list[str]
    others: list[str]
    empty: list[str]


def _listed(source: str | PathLike[str]) -> _Listing:
    if is_address(str(source)):
        return _listed_store(str(source))
    return _listed_here(_local(source))


def _listed_store(address: str) -> _Listing:
    from automl_bridge.storage import open_store, split_address

    prefix = split_address(address)[1].rstrip("/")
    keys = [entry.key.removeprefix(prefix).lstrip("/") for entry in open_store(address).list(prefix) if entry.size]
    plain = [key for key in keys if not any(map(_is_left_out, key.split("/")))]
    found = [key for key in plain if Path(key).suffix.lower() in _SUFFIXES]
    return _Listing(sorted(found), sorted(set(plain) - set(found)), [])


def _listed_here(folder: Path) -> _Listing:
    """List a folder of this machine; links to folders are followed at the first level only."""
    found: list[str] = []
    others: list[str] = []
    tops = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir() and not _is_left_out(entry.name))]
    for top in tops:
        for place, inner, names in os.walk(top):
            inner[:] = [] if top is folder else [name for name in inner if not _is_left_out(name)]
            for name in names:
                if not _is_left_out(name):
                    path = Path(place, name)
                    (found if _is_picture(path) else others).append(path.relative_to(folder).as_posix())
    with_pictures = {file.partition("/")[0] for file in found}
    return _Listing(sorted(found), sorted(others), [top.name for top in tops[1:] if top.name not in with_pictures])


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name.lower() in _NOT_OURS


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() in _SUFFIXES:
        return True
    if path.suffix:
        return False
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_STARTS)
    except OSError:
        return False


def _note(others: list[str]) -> tuple[str, ...]:
    if not others:
        return ()
    listed = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
    noun = (
        "file is no picture by its name, and was"
        if len(others) == 1
        else "files are no pictures by their names, and were"
    )
    return (f"{len(others):,} {noun} left out: {listed}",)


def _check_names(files: list[str]) -> None:
    odd = [file for file in files if any("\ud800" <= sign <= "\udfff" for sign in file)]
    if odd:
        listed = ", ".join(file.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for file in odd[:12])
        raise UnreadableError(
            f"the names of {len(odd):,} pictures are not in the encoding UTF-8: {listed}",
            hint="rename them (convmv -f cp1252 -t utf-8 -r --notest FOLDER)",
        )


def _check_classes(folder: str, files: list[str], labels: list[str | None]) -> None:
    beside = [file for file, label in zip(files, labels, strict=True) if label is None]
    if len(beside) == len(files):
        raise UnreadableError(
            f"{folder} holds {len(files):,} pictures, but no subfolders: nothing says what they show",
            hint="put the pictures of each class into a subfolder of its own, or give a table with a column of paths",
        )
    if beside:
        listed = ", ".join(beside[:5]) + (", …" if len(beside) > 5 else "")
        raise UnreadableError(
            f"{len(beside):,} of the {len(files):,} pictures in {folder} lie in no class's folder: {listed}",
            hint="move them into the folder of their class, or away",
        )
    names = {str(label) for label in labels}
    if len(names) > 1 and {name.lower() for name in names} <= _PARTS:
        first = "train" if "train" in names else min(names)
        raise UnreadableError(
            f"the subfolders of {folder} are {', '.join(sorted(names))}: parts of a split, not classes",
            hint=f"name one of them: {folder}/{first}; the holdout is cut from it",
        )
