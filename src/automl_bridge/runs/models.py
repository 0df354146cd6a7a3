"""What predicts: a run's model, or a bundle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.runs.record import RunRecord
    from automl_bridge.spec import ForecastSpec, ModelRef, Profile
    from automl_bridge.task import Task

__all__ = ["Model", "bundle_model", "is_run_id", "run_model"]

_ID = re.compile(r"(ab-)?[0-9a-fA-F]{1,12}")


class Model(NamedTuple):
    """A model with what is needed to read its outputs.

    Parameters
    ----------
    profile, task
        What it was trained on, and what it learned.
    ref
        Where it is.
    run
        Its run; None for a bundle.
    forecast
        Of a forecaster: what it forecasts.
    """

    profile: Profile
    task: Task
    ref: ModelRef
    run: RunRecord | None = None
    forecast: ForecastSpec | None = None

    def history(self) -> pa.Table | None:
        """Return the end of the data that a forecaster was trained on, sorted; None where it is not kept."""
        from automl_bridge.data.series_context import CONTEXT_FILE, read_context, tail

        if self.ref.local:
            from automl_bridge.bundle import read_bytes
            from automl_bridge.bundle_metadata import read_metadata

            folder = Path(self.ref.uri)
            metadata = read_metadata(folder)
            if CONTEXT_FILE in metadata.files:
                return read_context(read_bytes(folder, metadata, CONTEXT_FILE))
        if self.run is None or self.run.dataset_path is None or not self.run.dataset_path.is_dir():
            return None
        from automl_bridge.data.dataset import Dataset

        return tail(Dataset.open(self.run.dataset_path))


def is_run_id(model: str | Path) -> bool:
    """Whether ``model`` is a run's id or the beginning of one, and not a folder."""
    return isinstance(model, str) and bool(_ID.fullmatch(model)) and not Path(model).is_dir()


def run_model(run: RunRecord) -> Model:
    """Return the model of a run.

    Raises
    ------
    RunError
        If it has none; says why.
    """
    ref = run.raise_if_failed().model
    assert ref is not None
    return Model(run.spec.profile, run.task, ref, run, run.spec.forecast)


def bundle_model(folder: Path) -> Model:
    """Return the model in a bundle.

    Raises
    ------
    BundleError
        If it is damaged, altered or of a newer version.
    """
    from automl_bridge.bundle import read_bundle
    from automl_bridge.spec import ModelRef

    place = folder.expanduser()
    metadata = read_bundle(place)
    ref = ModelRef(backend=metadata.backend, uri=str(place), local=True)
    return Model(metadata.profile, metadata.task, ref, None, metadata.forecast)
