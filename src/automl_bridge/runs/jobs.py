"""One job at a backend, step by step: staged, submitted, collected; to train and to predict alike.

A step may be done again at any time: staging is content-addressed, submitting asks first whether the job exists, and
collecting only reads. Nothing is written to the store here; the caller does that before and after.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.errors import BackendError, StateError, StorageError
from automl_bridge.runs.database import no_space
from automl_bridge.runs.record import JobRecord, JobStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.backend import Backend, Plan
    from automl_bridge.data.dataset import Dataset

__all__ = ["full_disk", "keep_file", "next_stage"]


def next_stage(
    job: JobRecord, plan: Plan, backend: Backend, dataset: Callable[[], Dataset], *, start: bool = True
) -> JobRecord | None:
    """Take the next step of ``job`` and return what it has become.

    Parameters
    ----------
    dataset
        Gives the data; asked only if it is needed.
    start
        Whether the job may be started if it does not exist yet; if not, None is returned in its place.
    """
    if job.stage is JobStage.PLANNED:
        return _with(job, stage=JobStage.STAGED, staged=backend.stage(plan, dataset()))
    if job.stage is JobStage.STAGED and job.staged is not None:
        ref = backend.find(plan)
        if ref is None and not start:
            return None
        return _with(job, stage=JobStage.SUBMITTED, ref=ref or backend.submit(plan, job.staged))
    if job.stage is JobStage.ENDED and job.ref is not None:
        return _with(job, stage=JobStage.COLLECTED, outcome=backend.collect(job.ref))
    raise StateError(f"job {job.name} is {job.stage}: there is no step to take")


def _with(job: JobRecord, **changes: object) -> JobRecord:
    return job.model_copy(update=changes)


def keep_file(source: Path, target: Path) -> Path:
    """Copy a file so that ``target`` is whole or not there.

    Raises
    ------
    BackendError
        If there is no such file.
    StorageError
        If there is no space left, or the folder cannot be written to.
    """
    if not source.is_file():
        raise BackendError(f"there is no file {source}, where the backend said that it is")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise no_space(target.parent, error) from error
    return target


def full_disk(error: OSError, folder: Path) -> StorageError | None:
    """Return the StorageError behind an error of the operating system; None if it is of another kind."""
    if isinstance(error, StorageError):
        return error
    if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
        return None
    return no_space(Path(error.filename).parent if error.filename else folder, error)
