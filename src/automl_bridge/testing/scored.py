"""Scores: those of the leaderboard and those of the holdout, by the one scorer."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from automl_bridge.data.build import build_predict_dataset
from automl_bridge.runs.holdout import PART, holdout_dataset
from automl_bridge.scoring import all_scores, score
from automl_bridge.scoring_forecast import ForecastScorer
from automl_bridge.testing import jobs
from automl_bridge.testing.fixtures import Fixtures

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.backend import Backend, Predictor
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Scored"]


class Scored(Fixtures):
    """What a model is said to be worth is what it is worth."""

    @pytest.fixture(scope="class")
    @classmethod
    def held(cls, backend: Backend, trained: Done, dataset: Dataset) -> NDArray[np.float64]:
        """Return the outputs of a job that predicts the holdout, as the engine asks for them."""
        return jobs.outputs(jobs.predict(backend, trained, holdout_dataset(dataset), cls.patience))

    def test_the_first_score_is_that_of_the_model_on_the_validation_rows(
        self, trained: Done, dataset: Dataset, predictor: Predictor
    ) -> None:
        """By the metric that was asked for: it is the model of that score which was kept, and not another."""
        objective, trials = trained.plan.objective, trained.outcome.trials
        if self.own_validation or objective is None or not objective.exact or not trials:
            pytest.skip("its scores come of other rows, or it has none by this metric")
        outputs = predictor.predict(_validation(dataset))
        assert trials[0].score is not None
        found = _score(trained.plan.spec.metric, dataset, "validation", outputs)
        assert trials[0].score == pytest.approx(found, rel=1e-4, abs=1e-6)

    def test_the_holdout_has_scores(self, trained: Done, dataset: Dataset, held: NDArray[np.float64]) -> None:
        """By the metric that was asked for and by all others."""
        spec = trained.plan.spec
        if spec.forecast is None:
            found = all_scores(spec.task, held, _truth(dataset, PART))
        else:
            found = ForecastScorer.of(dataset, PART).scores(held)
        assert spec.metric in found
        assert all(math.isfinite(value) for value in found.values()), found

    def test_it_knows_no_less_than_nothing(self, trained: Done, dataset: Dataset, held: NDArray[np.float64]) -> None:
        """The frequencies of the classes, the mean or the last season would not have been better by much."""
        plain = _plain(dataset, len(held))
        metric = "wape" if trained.plan.spec.forecast else "log_loss" if dataset.profile.classes else "rmse"
        found, known = (_score(metric, dataset, PART, outputs) for outputs in (held, plain))
        assert found < 1.1 * known + 0.05

    def test_probabilities_stand_in_the_order_of_the_classes(self, dataset: Dataset, held: NDArray[np.float64]) -> None:
        """In any other order they would be worse; the classes are of different sizes."""
        if not dataset.profile.classes:
            pytest.skip("no classes")
        codes = _truth(dataset, PART)
        found = {
            order: score("log_loss", held[:, list(order)], codes)
            for order in itertools.permutations(range(held.shape[1]))
        }
        best = min(found, key=lambda order: found[order])
        assert best == tuple(range(held.shape[1])), [dataset.profile.classes[code] for code in best]


def _truth(dataset: Dataset, part: str) -> NDArray[Any]:
    return dataset.target_codes(part) if dataset.profile.classes else dataset.target_values(part)


def _score(metric: str, dataset: Dataset, part: str, outputs: NDArray[np.float64]) -> float:
    if dataset.forecast is not None:
        return ForecastScorer.of(dataset, part).score(metric, outputs)
    return score(metric, outputs, _truth(dataset, part))


def _validation(dataset: Dataset) -> pa.Table:
    """Return what a model is asked about the validation part."""
    if dataset.forecast is None:
        return build_predict_dataset(dataset.parts["validation"], dataset.profile).question()
    from automl_bridge.data.series_context import validation_question

    return validation_question(dataset)


def _plain(dataset: Dataset, rows: int) -> NDArray[np.float64]:
    """Return what can be answered to the holdout without its features."""
    if dataset.forecast is not None:
        return np.repeat(ForecastScorer.of(dataset, PART).naive[:, None], 1 + len(dataset.forecast.quantiles), axis=1)
    if dataset.profile.classes:
        counts = np.bincount(dataset.target_codes("train"), minlength=len(dataset.profile.classes))
        return np.tile(counts / counts.sum(), (rows, 1))
    return np.tile(dataset.target_values("train").mean(axis=0), (rows, 1))
