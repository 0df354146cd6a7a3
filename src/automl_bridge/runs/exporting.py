"""Writing a model's folder so that it is whole or not there."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError, UsageError
from automl_bridge.runs.database import no_space

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["export_whole"]


def export_whole(write: Callable[[Path], object], path: Path) -> Path:
    """Let ``write`` fill a folder beside ``path`` and move it there when it is whole.

    Raises
    ------
    UsageError
        If there is something at ``path``.
    StorageError
        If there is no space left, or the folder cannot be written to.
    """
    path = path.absolute()
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"there is something at {path} already", hint="name a new folder, or an empty one")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        if path.exists():
            path.rmdir()
        partial.rename(path)
    except StorageError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise no_space(path.parent, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return path
