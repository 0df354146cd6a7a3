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
_SECONDS = 0.5
"""After so long it is enough, however few calls that were: the comparison waits for it."""


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
    times: list[float] = []
    session.predict(run, build_predict_dataset(holdout.slice(0, 1), dataset.profile))  # loads it
    began = time.perf_counter()
    for number in range(min(_CALLS, len(holdout))):
        row = build_predict_dataset(holdout.slice(number, 1), dataset.profile)
        start = time.perf_counter()
        session.predict(run, row)
        times.append(time.perf_counter() - start)
        if time.perf_counter() - began > _SECONDS:
            break
    return Latency(seconds=median(times), calls=len(times))
