"""What runs in the worker process. Importing it is light; the first job loads TensorFlow."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Outcome
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.local.job import Job
    from automl_bridge_autokeras.model_io import LoadedModel

__all__ = ["handle", "serve"]

_loaded: dict[tuple[str, float], LoadedModel] = {}
_KEPT = 4  # models that the worker keeps ready


def handle(job: Job) -> Outcome:
    """Work on one job: the handler of the queue."""
    _quiet()
    if job.request["kind"] == "predict":
        return _predict(job)
    from automl_bridge_autokeras.train import train

    return train(job)


def serve(argument: dict[str, Any]) -> Callable[[pa.Table], NDArray[np.float64]]:
    """Load the bundle ``argument["path"]`` and return what predicts with it: the target of a `Child`."""
    _quiet()
    from automl_bridge_autokeras.model_io import LoadedModel, has_network

    if has_network(Path(argument["path"])):
        _import_keras()
    return LoadedModel(Path(argument["path"])).predict


def _import_keras() -> None:
    """Import Keras for a process that only predicts.

    It imports these if they are installed, for dataframes, wrappers and drawings that nobody asks for here: a third
    of the time that it takes.
    """
    from importlib import import_module

    from automl_bridge._absent import absent

    with absent("pandas", "sklearn", "matplotlib", "IPython"):
        import_module("keras")


def _predict(job: Job) -> Outcome:
    import numpy as np

    from automl_bridge.data.dataset import Dataset

    started = time.monotonic()
    model = _model(Path(job.request["model"]))
    dataset = Dataset.open(Path(job.request["data"]["predict"]))
    outputs = model.predict(dataset.question())
    path = job.folder / "predictions.npy"
    np.save(path, outputs, allow_pickle=False)
    hours = (time.monotonic() - started) / 3600
    item = UsageItem(sku=LOCAL_SKU, quantity=hours, unit=LOCAL_UNIT, part="prediction")
    return Outcome(
        state=JobState.SUCCEEDED, predictions=path, usage=Usage(items=(item,)), versions=model.metadata.versions
    )


def _model(path: Path) -> LoadedModel:
    from automl_bridge_autokeras.model_io import LoadedModel

    key = (str(path), (path / "bundle.json").stat().st_mtime) if (path / "bundle.json").exists() else (str(path), 0.0)
    if key not in _loaded:
        while len(_loaded) >= _KEPT:
            del _loaded[next(iter(_loaded))]
        _loaded[key] = LoadedModel(path)
    return _loaded[key]


def _quiet() -> None:
    # AutoKeras, Keras Tuner and TensorFlow warn of things that their users cannot change.
    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("automl_bridge_autokeras").setLevel(logging.INFO)
