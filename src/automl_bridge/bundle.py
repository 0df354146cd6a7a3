"""Bundles: a trained model as a folder that any machine can check, and that runs no code when it is opened.

::

    bundle/
    ├── bundle.json      BundleMetadata and its digest
    └── …                the backend's own files, each with its SHA-256 in bundle.json

The digests find damage and alteration: a file that was changed, added, removed or swapped for a link is refused.
They are no signature; who rewrites a file *and* ``bundle.json`` is not found out, which is why nothing in a bundle
may be of a kind that runs code when it is loaded.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.bundle_files import (
    METADATA,
    check_name,
    folder_files,
    listing,
    move_into_place,
    put,
    refused,
    sha256,
    temporary_sibling,
    write_durably,
)
from automl_bridge.bundle_metadata import FORMAT, BundleFile, BundleMetadata, document_of, read_metadata
from automl_bridge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FORMAT",
    "BundleFile",
    "BundleMetadata",
    "add_file",
    "copy_bundle",
    "folder_files",
    "is_bundle",
    "read_bundle",
    "read_bytes",
    "update_bundle",
    "write_bundle",
]


def write_bundle(
    path: Path, *, metadata: BundleMetadata, files: Mapping[str, bytes | Path], replace: bool = False
) -> BundleMetadata:
    """Write a bundle into the folder ``path``: whole, or not at all.

    Parameters
    ----------
    path
        The folder to make; its parents are made too.
    metadata
        Its `files` are filled in here.
    files
        Contents, or a file to copy them from, by relative path with forward slashes.
    replace
        Whether a bundle that is there already may be replaced; anything else there never is.

    Returns
    -------
    BundleMetadata
        With the digests of all files.

    Raises
    ------
    BundleError
        If ``path`` is taken, or a file's name leads out of the folder or is of a kind that runs code when loaded.
    StorageError
        If it cannot be written.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would write through a link at the end
    for name in files:
        check_name(name, path)
    _check_free(path, replace=replace)
    with temporary_sibling(path) as temporary:
        temporary.mkdir(parents=True)
        for name, content in files.items():
            put(temporary / name, content)
        entries = {name: _entry(temporary / name) for name in sorted(files)}
        metadata = BundleMetadata.model_validate({**dict(metadata), "files": entries})
        write_durably(temporary / METADATA, document_of(metadata))
        move_into_place(temporary, path)
    return metadata


def read_bundle(path: Path) -> BundleMetadata:
    """Check every file of the bundle at ``path`` and return its metadata. No file but ``bundle.json`` is parsed.

    Raises
    ------
    BundleError
        If it is no bundle, comes from a newer format, or was damaged or altered.
    """
    metadata = read_metadata(path)
    try:
        _check_files(path, metadata)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", hint="check the permissions") from error
    return metadata


def read_bytes(path: Path, metadata: BundleMetadata, name: str) -> bytes:
    """Return the content of one file, checked as it is read, so that nothing can change between check and use.

    Raises
    ------
    BundleError
        If the bundle has no such file, or it was altered.
    """
    if name not in metadata.files:
        raise refused(path, f'it has no file "{name}"')
    check_name(name, path)
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise refused(path, f'the file "{name}" cannot be read ({error.strerror})') from error
    if hashlib.sha256(content).hexdigest() != metadata.files[name].sha256:
        raise refused(path, f'the file "{name}" is not the one that was written')
    return content


def update_bundle(path: Path, **changes: object) -> BundleMetadata:
    """Rewrite fields of the metadata (``scores``, ``run``, …) in one step; the model's files stay as they are.

    Raises
    ------
    BundleError
        If it is no sound bundle, or ``files`` or ``format`` would be changed.
    """
    if fixed := {"files", "format"} & set(changes):
        raise BundleError(f"{', '.join(sorted(fixed))} of a bundle cannot be changed: {path}")
    metadata = BundleMetadata.model_validate({**dict(read_metadata(path)), **changes})
    # Beside the folder, not in it: a reader must never meet a file that does not belong there.
    with temporary_sibling(Path(os.path.abspath(path))) as temporary:  # noqa: PTH100
        write_durably(temporary, document_of(metadata))
        temporary.replace(path / METADATA)
    return metadata


def add_file(path: Path, name: str, content: bytes) -> BundleMetadata:
    """Add a file to a bundle that nobody reads yet: two files change, one after the other.

    Raises
    ------
    BundleError
        If it is no sound bundle, or has such a file.
    """
    metadata = read_metadata(path)
    check_name(name, path)
    if name in metadata.files:
        raise refused(path, f'it has a file "{name}" already')
    put(path / name, content)
    metadata = BundleMetadata.model_validate({**dict(metadata), "files": {**metadata.files, name: _entry(path / name)}})
    write_durably(path / METADATA, document_of(metadata))
    return metadata


def copy_bundle(source: Path, path: Path, *, replace: bool = False) -> Path:
    """Check the bundle ``source`` and copy it to the folder ``path``; returns ``path``.

    Raises
    ------
    BundleError
        If ``source`` is no sound bundle, or ``path`` is taken.
    StorageError
        If it cannot be written.
    """
    metadata = read_bundle(source)
    copied = write_bundle(path, metadata=metadata, files={n: source / n for n in metadata.files}, replace=replace)
    if copied.files != metadata.files:
        raise refused(source, "it changed while it was copied")
    return path


def is_bundle(path: Path) -> bool:
    """Whether ``path`` looks like a bundle's folder; `read_bundle` says whether it is a sound one."""
    return (path / METADATA).is_file()


def _check_files(path: Path, metadata: BundleMetadata) -> None:
    found, known = listing(path), set(metadata.files)
    if missing := sorted(known - found):
        raise refused(path, f'the file "{missing[0]}" is missing')
    if unknown := sorted(found - known):
        raise refused(path, f'the file "{unknown[0]}" does not belong to it')
    for name, entry in metadata.files.items():
        file = path / name
        if file.stat().st_size != entry.size or sha256(file) != entry.sha256:
            raise refused(path, f'the file "{name}" is not the one that was written')


def _check_free(path: Path, *, replace: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if replace and is_bundle(path) and not path.is_symlink():
        return
    raise BundleError(f"{path} is there already", hint="choose another folder, or remove it first")


def _entry(file: Path) -> BundleFile:
    return BundleFile(sha256=sha256(file), size=file.stat().st_size)
