"""What a bundle says about its model: ``bundle.json``, its format and its digest."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from automl_bridge.bundle_files import METADATA, check_name, refused
from automl_bridge.errors import BundleError
from automl_bridge.spec import ForecastSpec, Frozen, Profile
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FORMAT", "BundleFile", "BundleMetadata", "digest_of", "document_of", "read_metadata"]

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

_MAX_BYTES = 64 * 2**20  # of bundle.json; a profile of 10,000 columns takes about 2 MiB


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


def read_metadata(path: Path) -> BundleMetadata:
    """Read and check ``bundle.json``; raises `BundleError` if it is damaged, altered or of a newer format."""
    document = _parse(path)
    found = document.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise refused(path, f"its format {found!r} is not a number")
    if found > FORMAT:
        raise _newer(path, found, document.get("created_by"))
    digest = document.pop("digest", None)
    if digest != digest_of(document):
        raise refused(path, f"{METADATA} is not the one that was written")
    try:
        metadata = BundleMetadata.model_validate(document)
    except ValidationError as error:
        raise refused(
            path, f"{METADATA} does not fit: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}"
        ) from None
    for name in metadata.files:
        check_name(name, path)
    return metadata


def _parse(path: Path) -> dict[str, Any]:
    file = path / METADATA
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise refused(path, f"{METADATA} is not a plain file")
        if status.st_size > _MAX_BYTES:
            raise refused(path, f"{METADATA} is larger than {_MAX_BYTES} bytes")
        document = json.loads(file.read_bytes(), object_pairs_hook=_unique)
    except (FileNotFoundError, NotADirectoryError):
        hint = "name the folder of a bundle, or a run"
        raise BundleError(f"{path} is not a bundle: there is no {METADATA} in it", hint=hint) from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", hint="check the permissions") from error
    except (ValueError, RecursionError) as error:
        raise refused(path, f"{METADATA} is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise refused(path, f"{METADATA} is not a JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _newer(path: Path, found: int, created_by: object) -> BundleError:
    # The name goes into a command line that people copy: only a version number may get there.
    match = re.search(r"(?<!\S)\d+(?:\.\d+){0,3}(?:(?:a|b|rc|\.dev|\.post)\d+)?(?!\S)", str(created_by)[:100])
    wanted = f'pip install "automl-bridge>={match[0]}"' if match else "pip install --upgrade automl-bridge"
    maker = f", made by automl-bridge {match[0]}" if match else ""
    return BundleError(f"the bundle {path} has format {found}{maker}; this version reads up to {FORMAT}", hint=wanted)


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON: keys sorted, no spaces, ASCII."""
    return hashlib.sha256(_canonical(document)).hexdigest()


def document_of(metadata: BundleMetadata) -> bytes:
    """Return the content of ``bundle.json``."""
    document = json.loads(metadata.model_dump_json())  # writes NaN as a string, which JSON has
    document["digest"] = digest_of(document)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
