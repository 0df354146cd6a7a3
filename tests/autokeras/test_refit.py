"""The chosen networks are trained once more, on all rows; scores stay those of rows that were not learned from."""

from __future__ import annotations

import numpy as np
import pytest
from autokeras_bench import Fit, mixed_table

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.scoring import score


@pytest.fixture(scope="module")
def asked(bench):
    task, dataset = build_dataset(mixed_table(240), target="outcome")
    return bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=4)), dataset


@pytest.fixture(scope="module")
def pair(bench, asked):
    """The same search without and with training again."""
    spec, dataset = asked
    named = {refit: spec.model_copy(update={"name": f"refit-{refit}".lower()}) for refit in (False, True)}
    return [Fit(spec, dataset, bench.run(named[refit], dataset, epochs=16, refit=refit)) for refit in named]


def test_the_best_trial_is_trained_again(pair):
    once, again = (fit.outcome for fit in pair)
    refitted, *trials = again.trials
    assert refitted.id == "refit"
    assert refitted.model.endswith("trained again on all rows")
    assert refitted.combines == (trials[0].id,)
    assert [trial.score for trial in trials] == [trial.score for trial in once.trials]
    assert refitted.score == trials[0].score


def test_it_knows_the_validation_rows_now(bench, pair):
    known = []
    for fit in pair:
        outputs = bench.predict(fit.outcome, fit.dataset.features("validation"))
        known.append(score("log_loss", outputs, fit.dataset.target_codes("validation")))
    assert known[1] < known[0]


def test_the_same_seed_trains_the_same_again(bench, asked, pair):
    spec, dataset = asked
    other = bench.run(spec.model_copy(update={"name": "refit-once-more"}), dataset, epochs=16, refit=True)
    rows = dataset.features("holdout")
    assert np.array_equal(bench.predict(other, rows), bench.predict(pair[1].outcome, rows))


def test_networks_of_an_ensemble_too(bench, asked):
    spec, dataset = asked
    named = spec.model_copy(update={"name": "refit-both"})
    outcome = bench.run(named, dataset, epochs=16, refit=True, ensemble=True)
    best = outcome.trials[0]
    assert best.id in {"ensemble", "refit"}
    assert "trained again" in best.model
    assert set(best.params["refitted"]) <= set(best.combines)


def test_one_trial_alone_is_not_trained_twice(bench, asked):
    spec, dataset = asked
    alone = spec.model_copy(update={"name": "refit-alone", "budget": Budget(max_trials=1)})
    outcome = bench.run(alone, dataset, epochs=3, refit=True, ensemble=True)
    assert [trial.id for trial in outcome.trials] == ["0"]
