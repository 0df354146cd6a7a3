"""The data of the runs that are being driven: opened once, let go at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError
from automl_bridge.runs.database import no_space
from automl_bridge.runs.holdout import holdout_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.record import RunRecord

__all__ = ["Datasets"]


class Datasets:
    """Datasets by the run that uses them.

    Parameters
    ----------
    root
        The folder of all datasets.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[Path, Dataset] = {}
        self._holdouts: dict[Path, Dataset] = {}
        self._users: dict[Path, set[str]] = {}

    def save(self, dataset: Dataset) -> Dataset:
        """Keep a dataset, content-addressed: the same one is there once.

        Raises
        ------
        StorageError
            If there is no space left, or the folder cannot be written to.
        """
        try:
            return dataset.save(self._root)
        except StorageError:
            raise
        except OSError as error:
            raise no_space(self._root, error) from error

    def remember(self, run: RunRecord, dataset: Dataset) -> None:
        """Use ``dataset`` for ``run``: it is open already."""
        if run.dataset_path is not None:
            self._open[run.dataset_path] = dataset
            self._users.setdefault(run.dataset_path, set()).add(run.id)

    def of(self, run: RunRecord) -> Dataset:
        """Return the data of a run.

        Raises
        ------
        StorageError
            If it is gone.
        """
        path = run.dataset_path
        if path is None:
            raise StorageError(f"run {run.id} has no data in this store")
        if path not in self._open:
            self._open[path] = self._read(run, path)
        self._users.setdefault(path, set()).add(run.id)
        return self._open[path]

    def _read(self, run: RunRecord, path: Path) -> Dataset:
        from automl_bridge.data.dataset import Dataset

        # The home may have moved since.
        place = next((one for one in (path, self._root / path.name) if one.is_dir()), None)
        if place is None:
            hint = "let AUTOML_BRIDGE_HOME name the folder where it was submitted"
            raise StorageError(f"the data of run {run.id} is not in {path}", hint=hint)
        return Dataset.open(place)

    def holdout(self, run: RunRecord) -> Dataset:
        """Return the holdout of a run as data to predict."""
        dataset = self.of(run)
        assert run.dataset_path is not None
        if run.dataset_path not in self._holdouts:
            self._holdouts[run.dataset_path] = holdout_dataset(dataset)
        return self._holdouts[run.dataset_path]

    def forget(self, run: RunRecord) -> None:
        """Let go of a run's data, unless another run uses it."""
        path = run.dataset_path
        if path is None:
            return
        users = self._users.get(path, set())
        users.discard(run.id)
        if not users:
            self._users.pop(path, None)
            self._open.pop(path, None)
            self._holdouts.pop(path, None)
