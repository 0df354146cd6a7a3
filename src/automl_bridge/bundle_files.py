"""The files of a bundle: which names they may have, that nothing else is there, and that they are unchanged."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from automl_bridge.errors import BundleError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "METADATA",
    "check_name",
    "folder_files",
    "listing",
    "move_into_place",
    "put",
    "refused",
    "sha256",
    "temporary_sibling",
    "write_durably",
]

METADATA = "bundle.json"
"""The one file that every bundle has."""

_RUNS_CODE = frozenset(
    {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".py", ".pyc", ".so", ".dll", ".dylib"}
)


def folder_files(folder: Path) -> dict[str, Path]:
    """Return the regular files under ``folder`` by their relative path, for `write_bundle`."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def listing(path: Path) -> set[str]:
    """Return the relative names of all files, refusing links and devices anywhere in the folder."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as scanned:
            entries = list(scanned)
        for entry in entries:
            name = Path(entry.path).relative_to(path).as_posix()
            if entry.is_symlink():
                raise refused(path, f'"{name}" is a link')
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif not entry.is_file(follow_symlinks=False):
                raise refused(path, f'"{name}" is not a plain file')
            elif name != METADATA:
                found.add(name)
    return found


def check_name(name: str, path: Path) -> None:
    """Raise `BundleError` if a file's name leads out of the folder, or is of a kind that runs code when loaded."""
    parts = PurePosixPath(name).parts
    if (
        not parts
        or PurePosixPath(*parts).as_posix() != name
        or ".." in parts
        or PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).drive
        or "\\" in name
        or "\0" in name
    ):
        raise refused(path, f'the name "{name}" leads out of the folder')
    if name == METADATA:
        raise refused(path, f"{METADATA} cannot be a file of the model")
    if kind := next((s for s in PurePosixPath(name).suffixes if s.lower() in _RUNS_CODE), None):
        raise refused(path, f'files like "{name}" ({kind}) may run code when they are loaded')


def refused(path: Path, why: str) -> BundleError:
    """Return the error that says why the bundle at ``path`` is not opened."""
    hint = "export the model again from its run, or get an unchanged copy"
    return BundleError(f"the bundle {path} is refused: {why}", hint=hint)


def put(file: Path, content: bytes | Path) -> None:
    """Write contents, or copy them from another file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        shutil.copyfile(content, file)


def sha256(file: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_durably(file: Path, content: bytes) -> None:
    """Write a file and wait until it would survive a loss of power."""
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def move_into_place(temporary: Path, path: Path) -> None:
    """Rename a folder; what stands in its place is removed afterwards."""
    if path.exists():
        aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.old")
        path.rename(aside)
        temporary.rename(path)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        temporary.rename(path)


@contextmanager
def temporary_sibling(path: Path) -> Iterator[Path]:
    """Give a name beside ``path``, on the same disk; whatever is left there at the end is removed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise StorageError(message, hint="free some space, or choose another folder (AUTOML_BRIDGE_HOME)") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
