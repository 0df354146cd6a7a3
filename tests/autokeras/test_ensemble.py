"""Ensembles of the trials: chosen on the validation rows, joined into one network, kept only if better."""

from __future__ import annotations

import numpy as np
import pytest
from autokeras_bench import Fit

from automl_bridge.budget import Budget
from automl_bridge.bundle import read_bundle
from automl_bridge.scoring import score
from automl_bridge_autokeras.ensemble import MOST_NETWORKS, select
from automl_bridge_autokeras.judging import Judge


@pytest.fixture
def judge():
    truth = np.linspace(-1, 1, 200)[:, None]
    evaluate = lambda outputs: {"error": float(np.sqrt(np.mean((outputs - truth) ** 2)))}  # noqa: E731
    return truth, Judge(evaluate, lambda left, right: left["error"] < right["error"])


def test_errors_that_differ_average_out(judge):
    truth, judged = judge
    rng = np.random.default_rng(0)
    outputs = {str(n): truth + rng.normal(size=truth.shape) * 0.3 for n in range(6)}
    chosen, scores = select(outputs, judged)
    assert len(chosen) > 2
    assert scores["error"] < min(judged.evaluate(one)["error"] for one in outputs.values())
    average = sum(outputs[name] * count for name, count in chosen.items()) / chosen.total()
    assert judged.evaluate(average)["error"] == pytest.approx(scores["error"])


def test_one_that_is_right_stays_alone(judge):
    truth, judged = judge
    rng = np.random.default_rng(0)
    outputs = {"right": truth, **{str(n): truth + rng.normal(size=truth.shape) for n in range(3)}}
    chosen, scores = select(outputs, judged)
    assert set(chosen) == {"right"}
    assert scores["error"] == 0


def test_no_more_networks_than_can_be_asked(judge):
    truth, judged = judge
    rng = np.random.default_rng(0)
    outputs = {str(n): truth + rng.normal(size=truth.shape) for n in range(40)}
    chosen, _ = select(outputs, judged)
    assert len(chosen) <= MOST_NETWORKS


def test_a_choice_that_is_interrupted_is_one(judge):
    truth, judged = judge
    rng = np.random.default_rng(0)
    outputs = {str(n): truth + rng.normal(size=truth.shape) for n in range(5)}
    asked = iter([True, True])
    chosen, _ = select(outputs, judged, go_on=lambda: next(asked, False))
    assert 1 <= chosen.total() <= 3


@pytest.fixture(scope="module")
def joined(bench, fitted: Fit) -> Fit:
    """Three short trials, put together."""
    spec = fitted.spec.model_copy(update={"name": "joined", "budget": Budget(max_trials=3)})
    return Fit(spec, fitted.dataset, bench.run(spec, fitted.dataset, epochs=3, ensemble=True))


def test_an_ensemble_is_a_row_and_the_model(bench, joined):
    best, *trials = joined.outcome.trials
    assert best.id == "ensemble"
    assert len(trials) == 3
    assert best.score > max(trial.score for trial in trials)
    assert "average of" in best.model
    metadata = read_bundle(joined_path(joined))
    assert metadata.score == best.score
    outputs = bench.predict(joined.outcome, joined.dataset.features("validation"))
    assert score("roc_auc", outputs, joined.dataset.target_codes("validation")) == pytest.approx(best.score, abs=1e-6)


def joined_path(fit: Fit):
    from pathlib import Path

    return Path(fit.outcome.model.uri)


def test_a_search_that_goes_on_keeps_the_ensemble_unless_it_finds_better(bench, joined):
    changes = {"name": "joined-again", "continues": joined.spec.name}
    again = bench.run(joined.spec.model_copy(update=changes), joined.dataset, epochs=3, ensemble=True)
    assert again.trials == joined.outcome.trials
    changes = {"name": "joined-longer", "continues": joined.spec.name, "budget": Budget(max_trials=3)}
    longer = bench.run(joined.spec.model_copy(update=changes), joined.dataset, epochs=3, ensemble=True)
    assert longer.trials[0].score >= joined.outcome.trials[0].score
    rows = joined.dataset.features("validation")
    outputs = bench.predict(longer, rows)
    found = score("roc_auc", outputs, joined.dataset.target_codes("validation"))
    assert found == pytest.approx(longer.trials[0].score, abs=1e-6)
