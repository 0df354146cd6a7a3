"""Pickling a fitted estimator: its bundle travels along, so that it predicts on another machine."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from automl_bridge._atomic import atomic_folder
from automl_bridge.config import load_config

if TYPE_CHECKING:
    from automl_bridge.estimator import Estimator
    from automl_bridge.session import Session

__all__ = ["restored", "session_for", "state_of"]

# Not an attribute: predicting must not change an estimator, and an open session cannot be pickled.
_sessions: WeakKeyDictionary[Estimator, Session] = WeakKeyDictionary()


def session_for(estimator: Estimator) -> Session:
    """Return the session that keeps the loaded model of ``estimator``; it closes with the estimator."""
    if estimator not in _sessions:
        from automl_bridge.session import Session

        _sessions[estimator] = Session(estimator._config())  # noqa: SLF001 - one class in two files
    return _sessions[estimator]


def state_of(state: dict[str, Any]) -> dict[str, Any]:
    """Return ``state`` with the files of the bundle in place of its path."""
    path = state.get("_bundle")
    if path is None or not Path(path).is_dir():
        return state
    return {**state, "_bundle": None, "_bundle_zip": _packed(Path(path))}


def restored(state: dict[str, Any]) -> dict[str, Any]:
    """Return ``state`` with the path of the bundle, unpacked below the configured home if need be."""
    state = dict(state)
    data = state.pop("_bundle_zip", None)
    if data is not None:
        state["_bundle"] = str(_unpacked(data, load_config().home / "unpickled"))
    return state


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                # A fixed time: the same bundle, the same bytes.
                archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return buffer.getvalue()


def _unpacked(data: bytes, below: Path) -> Path:
    target = below / hashlib.sha256(data).hexdigest()[:24]
    if not target.is_dir():
        with atomic_folder(target) as folder, zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder)  # zipfile drops ".." and roots; reading the bundle checks every digest
    return target
