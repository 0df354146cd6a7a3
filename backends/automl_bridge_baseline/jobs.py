"""Job folders: ``<name>/outcome.json`` and what it speaks of, whole or not there.

A job is worked on in a folder beside its own, which a single rename makes it; a process that is killed before that
leaves nothing that looks like a job, and of two processes that do one job the first to finish wins.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from automl_bridge.backend import Outcome
from automl_bridge.errors import AutoMLBridgeError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from automl_bridge.backend import Plan

__all__ = ["Jobs"]

_FILE = "outcome.json"


class Jobs:
    """The jobs in a folder, by name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def digest(self, name: str) -> str | None:
        """Return the digest of the job's spec; None if there is no such job."""
        document = self._read(name)
        return None if document is None else str(document["spec"])

    def outcome(self, name: str) -> Outcome | None:
        """Return what came of the job; None if there is no such job."""
        document = self._read(name)
        if document is None:
            return None
        outcome = Outcome.model_validate_json(json.dumps(document["outcome"]))
        # Addresses are kept relative, so that the workspace can be moved.
        folder = self._root / name
        model, predictions = outcome.model, outcome.predictions
        return outcome.model_copy(
            update={
                "model": model and model.model_copy(update={"uri": str(folder / model.uri)}),
                "predictions": predictions and folder / predictions,
            }
        )

    @contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Give an empty folder to work in; whatever `finish` has not taken from it is removed at the end."""
        folder = self._root / f".{name}.{os.getpid()}-{secrets.token_hex(4)}"
        try:
            self._sweep(name)
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            if isinstance(error, AutoMLBridgeError):  # some of ours are OSErrors, too
                raise
            hint = "free some space, or set AUTOML_BRIDGE_HOME to another folder"
            raise StorageError(f"cannot write in {self._root}: {error.strerror or error}", hint=hint) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def finish(self, plan: Plan, folder: Path, outcome: Outcome) -> None:
        """Make ``folder`` the job's own."""
        document = {"spec": plan.spec.digest(), "outcome": json.loads(outcome.model_dump_json())}
        (folder / _FILE).write_text(json.dumps(document), encoding="utf-8")
        target = self._root / plan.spec.name
        try:
            folder.rename(target)
        except OSError:
            if not (target / _FILE).exists():  # else another process was faster, and its job is as good
                raise

    def _read(self, name: str) -> dict[str, object] | None:
        try:
            document: dict[str, object] = json.loads((self._root / name / _FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return document

    def _sweep(self, name: str) -> None:
        """Remove what processes that are gone have left of this job."""
        for folder in self._root.glob(f".{name}.*"):
            with suppress(ValueError):
                if not psutil.pid_exists(int(folder.suffix[1:].split("-")[0])):
                    shutil.rmtree(folder, ignore_errors=True)
