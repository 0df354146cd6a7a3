"""Files that are whole or not there, also after a power cut and on a full disk."""

from __future__ import annotations

import errno
import itertools
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import StorageError
from automl_bridge.local.words import size

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["claim_text", "free_space", "is_storage", "read_json", "storage_error", "write_reserved", "write_text"]

_STORAGE = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
_counter = itertools.count()


def free_space(folder: Path) -> str:
    """Say how much room is left where ``folder`` is or would be, as ``1.25 GB``."""
    for place in (folder, *folder.parents):
        try:
            stat = os.statvfs(place)
        except OSError:
            continue
        return size(stat.f_bavail * stat.f_frsize)
    return "unknown space"


def is_storage(error: BaseException) -> bool:
    """Whether ``error``, or what caused it, is a full or read-only disk."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, StorageError) or (isinstance(current, OSError) and current.errno in _STORAGE):
            return True
        # TensorFlow and HDF5 put the system's words in errors of their own.
        if os.strerror(errno.ENOSPC) in str(current):
            return True
        current = current.__cause__ or current.__context__
    return False


def storage_error(error: BaseException, folder: Path) -> StorageError:
    """Return the error that names the folder, the free space and the setting that moves it."""
    if isinstance(error, StorageError):
        return error
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    told = StorageError(
        f"cannot write in {folder}: {reason} ({free_space(folder)} free)",
        hint="make room there, or set AUTOML_BRIDGE_HOME to a folder on another disk",
    )
    told.errno = error.errno if isinstance(error, OSError) else errno.ENOSPC
    return told


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None if there is none, or it is not whole (a disk that lied about a write)."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace ``path`` by ``text``, atomically; ``durable`` also waits until it would survive a power cut.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, text, durable=durable)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise storage_error(error, path.parent) from error


def claim_text(path: Path, text: str) -> bool:
    """Write ``path`` if it is not there yet, atomically and durably; whether it was this call that did.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, text, durable=True)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # A file system without hard links: the last of two simultaneous writers wins, both are whole.
            if path.exists():
                return False
            temporary.replace(path)
    except OSError as error:
        raise storage_error(error, path.parent) from error
    else:
        return True
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_reserved(path: Path, text: str, reserve: Path) -> None:
    """Write ``path`` like `write_text`; on a full disk, into the blocks of ``reserve``, a file made for that.

    Raises
    ------
    StorageError
        If it cannot be written there either.
    """
    try:
        write_text(path, text)
    except StorageError as error:
        try:
            with reserve.open("r+b") as file:
                file.write(text.encode())
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            reserve.replace(path)
        except OSError:
            raise error from None
    with suppress(OSError):
        reserve.unlink()


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{next(_counter)}")


def _write(path: Path, text: str, *, durable: bool) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
