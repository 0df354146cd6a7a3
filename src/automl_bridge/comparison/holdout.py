"""The rows that everybody is scored on: targets, weights, and which rows belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.scoring_forecast import ForecastScorer
    from automl_bridge.spec import JobSpec

__all__ = ["LEAST_CLUSTERS", "Judge", "judge_of"]

PART = "holdout"
LEAST_CLUSTERS = 10
"""Fewer groups than this cannot be drawn again with any sense; rows are drawn then, and the reader told."""


class Judge(NamedTuple):
    """The holdout of a table, of pictures or of texts, and the metric.

    Parameters
    ----------
    metric
        Its name.
    targets
        Codes of the classes, shape (rows,), or values, shape (rows, targets).
    weights
        Of the rows, or None.
    units
        Rows of the holdout: what is drawn again.
    clusters
        Which rows belong together, as integers from 0; None where each row stands alone.
    note
        What the reader must know about all this; empty if nothing.
    unit
        What a unit is called.
    """

    metric: str
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    units: int
    clusters: NDArray[np.int64] | None = None
    note: str = ""
    unit: str = "row"

    def resampled(
        self, outputs: Sequence[NDArray[np.float64]], *, draws: int, seed: int
    ) -> tuple[NDArray[np.float64], float]:
        """Score models on the same draws of the rows; see `scoring.resampled_scores`."""
        from automl_bridge.scoring import resampled_scores

        return resampled_scores(
            self.metric, outputs, self.targets, self.weights, resamples=draws, seed=seed, clusters=self.clusters
        )


class ForecastJudge(NamedTuple):
    """The same of time series: whole series are drawn again where there are enough."""

    metric: str
    scorer: ForecastScorer
    units: int
    note: str = ""
    unit: str = "step"

    def resampled(
        self, outputs: Sequence[NDArray[np.float64]], *, draws: int, seed: int
    ) -> tuple[NDArray[np.float64], float]:
        """Score forecasts on the same draws; see `scoring_intervals.resampled`."""
        return self.scorer.resampled(self.metric, outputs, draws=draws, seed=seed)


def judge_of(dataset: Dataset, spec: JobSpec) -> Judge | ForecastJudge:
    """Return what scores models on the holdout of ``dataset``."""
    if dataset.forecast is not None:
        return _forecast_judge(dataset, spec)
    classification = spec.task.is_classification
    targets = dataset.target_codes(PART) if classification else dataset.target_values(PART)
    clusters, note = _clusters(dataset)
    return Judge(spec.metric, targets, dataset.weights(PART), len(targets), clusters, note)


def _forecast_judge(dataset: Dataset, spec: JobSpec) -> ForecastJudge:
    from automl_bridge.scoring_forecast import LEAST_SERIES, ForecastScorer

    scorer = ForecastScorer.of(dataset, PART)
    series, steps = len(scorer.scales), len(scorer.values)
    if series >= LEAST_SERIES:
        note = f"intervals draw whole series again ({series}), as the steps of one are alike"
        return ForecastJudge(spec.metric, scorer, series, note, "series")
    note = f"the holdout has {series} series only: intervals take its steps for independent, and are too narrow"
    return ForecastJudge(spec.metric, scorer, steps, note)


def _clusters(dataset: Dataset) -> tuple[NDArray[np.int64] | None, str]:
    """Rows of one group are alike: drawn one by one they would look surer than they are."""
    import numpy as np

    names = [column.name for column in dataset.profile.with_role(Role.GROUP)]
    if not names:
        return None, ""
    column = dataset.parts[PART][names[0]].combine_chunks().dictionary_encode()
    own = np.asarray(column.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    found, codes = np.unique(own, return_inverse=True)
    if len(found) >= LEAST_CLUSTERS:
        return codes.reshape(-1), f"intervals draw whole groups again ({len(found)}), as rows of one are alike"
    few = f"the holdout has {len(found)} group{'' if len(found) == 1 else 's'} only"
    return None, f"{few}: intervals take its rows for independent, and are too narrow"
