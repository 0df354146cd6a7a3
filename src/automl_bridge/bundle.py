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
import json
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from automl_bridge.errors import BundleError, StorageError
from automl_bridge.spec import ForecastSpec, Frozen, Profile
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "FORMAT",
    "BundleFile",
    "BundleMetadata",
    "copy_bundle",
    "folder_files",
    "is_bundle",
    "read_bundle",
    "read_bytes",
    "update_bundle",
    "write_bundle",
]

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

_NAME = "bundle.json"
_MAX_METADATA = 64 * 2**20  # bytes; a profile of 10,000 columns takes about 2 MiB
_RUNS_CODE = frozenset(
    {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".py", ".pyc", ".so", ".dll", ".dylib"}
)


def _created_by() -> str:
    try:
        return f"automl-bridge {version('automl-bridge')}"
    except PackageNotFoundError:
        return "automl-bridge 0"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class BundleFile(Frozen):
    """What one file must be: SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class BundleMetadata(Frozen):
    """Everything about a saved model but its weights.

    Parameters
    ----------
    format
        Version of the layout.
    created_by, created_at
        The version that wrote it, and when (ISO 8601, UTC).
    backend, task, target, metric, profile, forecast, seed
        As in the JobSpec that it was trained by. The profile holds columns with their types, and the classes in the
        order of the probabilities.
    objective
        What the backend optimised.
    model
        What the model is, in words.
    score
        Score of this very model in the search, by `objective`; None if it has none.
    scores
        Scores on the holdout, by our metrics' names, added once they are known.
    params
        What the backend needs to load it again; JSON.
    versions
        Packages and services that made it.
    sandbox
        Whether a sandbox made it, not the live service.
    run
        The run that made it.
    files
        Digest and size of each file, by its path relative to the folder, with forward slashes.
    """

    format: int = FORMAT
    created_by: str = Field(default_factory=_created_by)
    created_at: str = Field(default_factory=_now)
    backend: str
    task: Task
    target: tuple[str, ...]
    metric: str
    profile: Profile
    forecast: ForecastSpec | None = None
    seed: int = 0
    objective: str | None = None
    model: str = ""
    score: float | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    params: dict[str, object] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    sandbox: bool = False
    run: str | None = None
    notes: tuple[str, ...] = ()
    files: dict[str, BundleFile] = Field(default_factory=dict)


def folder_files(folder: Path) -> dict[str, Path]:
    """Return the regular files under ``folder`` by their relative path, for `write_bundle`."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


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
        _check_name(name, path)
    _check_free(path, replace=replace)
    with _temporary_sibling(path) as temporary:
        temporary.mkdir(parents=True)
        for name, content in files.items():
            _put(temporary / name, content)
        entries = {name: _entry(temporary / name) for name in sorted(files)}
        metadata = BundleMetadata.model_validate({**dict(metadata), "files": entries})
        _write_durably(temporary / _NAME, _document(metadata))
        _move_into_place(temporary, path)
    return metadata


def read_bundle(path: Path) -> BundleMetadata:
    """Check every file of the bundle at ``path`` and return its metadata. No file but ``bundle.json`` is parsed.

    Raises
    ------
    BundleError
        If it is no bundle, comes from a newer format, or was damaged or altered.
    """
    metadata = _read_metadata(path)
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
        raise _refused(path, f'it has no file "{name}"')
    _check_name(name, path)
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise _refused(path, f'the file "{name}" cannot be read ({error.strerror})') from error
    if hashlib.sha256(content).hexdigest() != metadata.files[name].sha256:
        raise _refused(path, f'the file "{name}" is not the one that was written')
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
    metadata = BundleMetadata.model_validate({**dict(_read_metadata(path)), **changes})
    # Beside the folder, not in it: a reader must never meet a file that does not belong there.
    with _temporary_sibling(Path(os.path.abspath(path))) as temporary:  # noqa: PTH100
        _write_durably(temporary, _document(metadata))
        temporary.replace(path / _NAME)
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
        raise _refused(source, "it changed while it was copied")
    return path


def is_bundle(path: Path) -> bool:
    """Whether ``path`` looks like a bundle's folder; `read_bundle` says whether it is a sound one."""
    return (path / _NAME).is_file()


def _read_metadata(path: Path) -> BundleMetadata:
    document = _parse(path)
    found = document.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise _refused(path, f"its format {found!r} is not a number")
    if found > FORMAT:
        raise _newer(path, found, document.get("created_by"))
    digest = document.pop("digest", None)
    if digest != _digest(document):
        raise _refused(path, f"{_NAME} is not the one that was written")
    try:
        metadata = BundleMetadata.model_validate(document)
    except ValidationError as error:
        raise _refused(path, f"{_NAME} does not fit: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from None
    for name in metadata.files:
        _check_name(name, path)
    return metadata


def _parse(path: Path) -> dict[str, Any]:
    file = path / _NAME
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path, f"{_NAME} is not a plain file")
        if status.st_size > _MAX_METADATA:
            raise _refused(path, f"{_NAME} is larger than {_MAX_METADATA} bytes")
        document = json.loads(file.read_bytes(), object_pairs_hook=_unique)
    except (FileNotFoundError, NotADirectoryError):
        hint = "name the folder of a bundle, or a run"
        raise BundleError(f"{path} is not a bundle: there is no {_NAME} in it", hint=hint) from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", hint="check the permissions") from error
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"{_NAME} is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise _refused(path, f"{_NAME} is not a JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _check_files(path: Path, metadata: BundleMetadata) -> None:
    found, known = _walk(path), set(metadata.files)
    if missing := sorted(known - found):
        raise _refused(path, f'the file "{missing[0]}" is missing')
    if unknown := sorted(found - known):
        raise _refused(path, f'the file "{unknown[0]}" does not belong to it')
    for name, entry in metadata.files.items():
        file = path / name
        if file.stat().st_size != entry.size or _sha256(file) != entry.sha256:
            raise _refused(path, f'the file "{name}" is not the one that was written')


def _walk(path: Path) -> set[str]:
    """Return the relative names of all files, refusing links and devices anywhere in the folder."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as scanned:
            entries = list(scanned)
        for entry in entries:
            name = Path(entry.path).relative_to(path).as_posix()
            if entry.is_symlink():
                raise _refused(path, f'"{name}" is a link')
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif not entry.is_file(follow_symlinks=False):
                raise _refused(path, f'"{name}" is not a plain file')
            elif name != _NAME:
                found.add(name)
    return found


def _check_name(name: str, path: Path) -> None:
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
        raise _refused(path, f'the name "{name}" leads out of the folder')
    if name == _NAME:
        raise _refused(path, f"{_NAME} cannot be a file of the model")
    if kind := next((s for s in PurePosixPath(name).suffixes if s.lower() in _RUNS_CODE), None):
        raise _refused(path, f'files like "{name}" ({kind}) may run code when they are loaded')


def _refused(path: Path, why: str) -> BundleError:
    hint = "export the model again from its run, or get an unchanged copy"
    return BundleError(f"the bundle {path} is refused: {why}", hint=hint)


def _newer(path: Path, found: int, created_by: object) -> BundleError:
    # The name goes into a command line that people copy: only a version number may get there.
    match = re.search(r"(?<!\S)\d+(?:\.\d+){0,3}(?:(?:a|b|rc|\.dev|\.post)\d+)?(?!\S)", str(created_by)[:100])
    wanted = f'pip install "automl-bridge>={match[0]}"' if match else "pip install --upgrade automl-bridge"
    maker = f", made by automl-bridge {match[0]}" if match else ""
    return BundleError(f"the bundle {path} has format {found}{maker}; this version reads up to {FORMAT}", hint=wanted)


def _check_free(path: Path, *, replace: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if replace and is_bundle(path) and not path.is_symlink():
        return
    raise BundleError(f"{path} is there already", hint="choose another folder, or remove it first")


def _put(file: Path, content: bytes | Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        shutil.copyfile(content, file)


def _entry(file: Path) -> BundleFile:
    return BundleFile(sha256=_sha256(file), size=file.stat().st_size)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _document(metadata: BundleMetadata) -> bytes:
    document = json.loads(metadata.model_dump_json())  # writes NaN as a string, which JSON has
    document["digest"] = _digest(document)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()


def _write_durably(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _move_into_place(temporary: Path, path: Path) -> None:
    if path.exists():
        aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.old")
        path.rename(aside)
        temporary.rename(path)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        temporary.rename(path)


@contextmanager
def _temporary_sibling(path: Path) -> Iterator[Path]:
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
