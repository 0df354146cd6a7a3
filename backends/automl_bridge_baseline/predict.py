"""A predict job: the rows of the part ``predict``, in order, into a file of numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.backend import JobState, Outcome
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge_baseline import model

if TYPE_CHECKING:
    from automl_bridge.backend import Plan
    from automl_bridge.data.dataset import Dataset

__all__ = ["predict"]


def predict(plan: Plan, dataset: Dataset, folder: Path) -> Outcome:
    """Predict and write ``folder / "predictions.npy"``."""
    started = time.monotonic()
    loaded = model.load(Path(str(plan.request["model"])))
    np.save(folder / "predictions.npy", loaded.predict(dataset.question()), allow_pickle=False)
    hours = (time.monotonic() - started) / 3600
    return Outcome(
        state=JobState.SUCCEEDED,
        predictions=Path("predictions.npy"),
        usage=Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=hours, unit=LOCAL_UNIT, part="prediction"),)),
        versions=loaded.metadata.versions,
    )
