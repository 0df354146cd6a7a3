"""A folder that is there whole or not at all: a model's files on this machine."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check_new", "new_folder"]


def check_new(path: Path) -> None:
    """Raise `StorageError` if ``path`` is there and is no empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StorageError(f"{path} is there already", hint="export to a new folder")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a draft to write into, which becomes ``path`` at the end; after an error nothing of it is left.

    Raises
    ------
    StorageError
        If the folder is there and not empty, or cannot be written.
    """
    check_new(path)
    draft = path.with_name(f".{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        yield draft
        if path.exists():
            path.rmdir()
        draft.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"cannot write to {path}: {error.strerror or error}", hint="choose another folder"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
