"""The holdout: predicted by a job of its own, scored by our one scorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.budget import Budget
from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.scoring_intervals import Interval
    from automl_bridge.spec import JobSpec, ModelRef, Profile

__all__ = ["PART", "has_holdout", "holdout_dataset", "predict_spec", "read_outputs", "scores_of"]

PART = "holdout"


def has_holdout(run: RunRecord) -> bool:
    """Whether rows were set aside."""
    return run.spec.profile.rows.get(PART, 0) > 0


def holdout_dataset(dataset: Dataset) -> Dataset:
    """Return the holdout as data to predict: features only; of time series with what lies before it."""
    from automl_bridge.data.build import build_predict_dataset

    if dataset.forecast is not None:
        from automl_bridge.data.series_context import holdout_question

        return holdout_question(dataset)
    return build_predict_dataset(dataset.parts[PART], dataset.profile, name=f"{dataset.profile.name} ({PART})")


def predict_spec(run: RunRecord, model: ModelRef, name: str, profile: Profile) -> JobSpec:
    """Return the spec of a predict job of ``run``; it counts within the run's cost cap."""
    return run.spec.model_copy(
        update={
            "name": name,
            "kind": "predict",
            # The time limit is the search's.
            "budget": Budget(max_cost_usd=run.spec.budget.max_cost_usd),
            "profile": profile,
            "model": model,
            "continues": None,
        }
    )


def read_outputs(path: Path, rows: int) -> NDArray[np.float64]:
    """Read predictions, shape (rows, outputs); runs no code.

    Raises
    ------
    BackendError
        If the file is not a table of numbers with so many rows.
    """
    import numpy as np

    try:
        outputs = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BackendError(f"the predictions in {path} cannot be read: {error}") from error
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    if outputs.ndim != 2 or len(outputs) != rows:
        raise BackendError(f"there are predictions of shape {outputs.shape} for {rows} rows")
    return np.asarray(outputs, dtype=np.float64)


def scores_of(
    run: RunRecord, outputs: NDArray[np.float64], dataset: Dataset
) -> tuple[dict[str, float], Interval, tuple[str, ...]]:
    """Score predictions of the holdout: all metrics, the interval of the run's own, and remarks for the reader."""
    from automl_bridge.scoring import all_scores, confidence_interval, remarks

    if dataset.forecast is not None:
        from automl_bridge.scoring_forecast import ForecastScorer

        scorer = ForecastScorer.of(dataset, PART)
        interval = scorer.interval(run.spec.metric, outputs, seed=run.spec.seed)
        return scorer.scores(outputs), interval, scorer.remarks(outputs)
    classes = dataset.profile.classes
    targets = dataset.target_codes(PART) if run.task.is_classification else dataset.target_values(PART)
    weights = dataset.weights(PART)
    scores = all_scores(run.task, outputs, targets, weights)
    interval = confidence_interval(run.spec.metric, outputs, targets, weights, seed=run.spec.seed)
    return scores, interval, remarks(run.task, targets, classes)
