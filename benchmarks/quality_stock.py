"""AutoKeras as it is shipped, with only what it needs to run: plain integers for shapes, and an end to its time."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stock_mended import mend

if TYPE_CHECKING:
    from quality_systems import Job

LONGEST = 4000
"""Characters of a text: it reads 100 words, and an array of NumPy's strings is as wide as the longest."""


def stock(job: Job) -> np.ndarray:
    """Search until time is up, and predict with the best trial that ended.

    The trial under way ends with its epoch cut short; the fit on all rows that follows a search has no time left.
    The best weights go with the pipeline that they were trained with: `predict` may take another one.
    """
    import keras

    x, new = _inputs(job)
    y = np.array([job.classes.index(str(label)) for label in job.target]) if job.classes else None
    y = np.asarray(job.target, float) if y is None else np.array([f"{code:03}" for code in y])
    model = _model(job)
    # Three trials that fail end the search with a RuntimeError; what they failed of is told by `_predict`.
    with job.fitting(), contextlib.suppress(KeyboardInterrupt, RuntimeError):
        deadline = _deadline(time.monotonic() + job.seconds)
        keras.utils.set_random_seed(0)
        model.fit(x, y, verbose=0, callbacks=[deadline])
    job.told["trials"] = len(model.tuner.oracle.trials)
    outputs = _predict(model, new)
    return np.hstack([1 - outputs, outputs]) if len(job.classes) == 2 else outputs


def _model(job: Job):
    import autokeras as ak

    mend()
    kind = {
        "table": ak.StructuredDataClassifier if job.classes else ak.StructuredDataRegressor,
        "image": ak.ImageClassifier,
        "text": ak.TextClassifier,
    }[job.kind]
    return kind(max_trials=1000, directory=job.folder / "stock", seed=0, overwrite=True)


def _inputs(job: Job) -> tuple[np.ndarray, np.ndarray]:
    if job.kind == "image":
        return job.train, job.holdout
    if job.kind == "text":
        return tuple(np.array([text[:LONGEST] for text in part["text"]]) for part in (job.train, job.holdout))
    return _columns(job.train.drop(columns="target")), _columns(job.holdout)


def _columns(frame) -> np.ndarray:
    """Return numbers as floats and all else as words, a missing one as a word too: it takes nothing else."""
    import pandas as pd

    made = []
    for name in frame:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.astype("int64")
        if pd.api.types.is_numeric_dtype(column):
            made.append(column.astype("float64").to_numpy().astype(object))
        else:
            made.append(column.astype(object).where(column.notna(), "missing").astype(str).to_numpy().astype(object))
    return np.column_stack(made)


def _deadline(end: float):
    import keras

    class Deadline(keras.callbacks.Callback):
        """Ends the trial under way, so that it counts, and the search when the next one begins."""

        def on_train_begin(self, logs=None):  # noqa: ARG002 - Keras passes them by name
            if time.monotonic() > end:
                raise KeyboardInterrupt

        def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
            if time.monotonic() > end:
                self.model.stop_training = True

    return Deadline()


def _predict(model, new: np.ndarray) -> np.ndarray:
    from autokeras.pipeline import load_pipeline

    tuner = model.tuner
    # Where none is completed, it answers with others.
    done = [trial for trial in tuner.oracle.get_best_trials(1) if trial.status == "COMPLETED"]
    if not done:
        failed = [trial.message for trial in tuner.oracle.trials.values() if trial.message]
        raise RuntimeError(f"no trial ended with a model: {failed[-1].splitlines()[-1] if failed else 'time was up'}")
    pipeline = load_pipeline(str(Path(tuner.get_trial_dir(done[0].trial_id)) / "pipeline"))
    return np.asarray(tuner.get_best_model().predict(pipeline.transform_x(new), verbose=0), float)
