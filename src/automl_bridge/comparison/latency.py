"""How long one prediction takes with a loaded model on this machine."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from automl_bridge.runs.experiments import Latency

if TYPE_CHECKING:
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.session import Session

__all__ = ["measure"]

_CALLS = 30
_SECONDS = 1.0


def measure(session: Session, run: str, dataset: Dataset) -> Latency:
    """Return the median time of single-row predictions with the model of ``run``; loading it does not count.

    Parameters
    ----------
    session, run
        Where the model is; it must predict on this machine.
    dataset
        Its training data; rows of the holdout are predicted.
    """
    from automl_bridge.data.build import build_predict_dataset

    holdout = dataset.parts["holdout"]
    rows = [build_predict_dataset(holdout.slice(i, 1), dataset.profile) for i in range(min(_CALLS, len(holdout)))]
    session.predict(run, rows[0])  # loads it
    session.predict(run, rows[0])
    times: list[float] = []
    began = time.perf_counter()
    for row in rows:
        start = time.perf_counter()
        session.predict(run, row)
        times.append(time.perf_counter() - start)
        if time.perf_counter() - began > _SECONDS:
            break
    return Latency(seconds=median(times), calls=len(times))
