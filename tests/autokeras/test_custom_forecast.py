"""Search spaces of the user's that forecast: the window of the past, our own arrays, and bundles that predict anew."""

from __future__ import annotations

import numpy as np
import pytest

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs
from automl_bridge.testing.elsewhere import Elsewhere


@pytest.fixture(scope="module")
def dataset():
    return data.dataset(Task.FORECASTING, 800)


def searched(bench, dataset, space, trials=1, **settings):
    backend = bench.backend(search_space=f"autokeras_spaces:{space}", epochs=12, **settings)
    spec = jobs.train_spec(Task.FORECASTING, dataset, Budget(max_trials=trials))
    return backend, jobs.train(backend, spec, dataset, 300.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "block", "trials"), [("window_net", "dense_block", 3), ("steps_net", "rnn_block", 1)]
)
def test_a_space_of_the_users_forecasts(bench, dataset, space, block, trials, tmp_path):
    backend, done = searched(bench, dataset, space, trials, ensemble=trials > 1)
    assert done.outcome.state is JobState.SUCCEEDED, done.outcome.failure
    trial = next(trial for trial in done.outcome.trials if trial.id == "0")
    assert [each.id for each in done.outcome.trials if each.combines] == ["ensemble"] * (trials > 1)
    assert block in trial.model
    assert trial.score < 1.5
    new = data.sample(Task.FORECASTING, 5, seed=3)
    found = jobs.outputs(jobs.predict(backend, done, jobs.question(done, new), 300.0))
    assert found.shape == (5 * new.steps, 4)
    assert (np.diff(found[:, 1:], axis=1) >= 0).all()
    process = Elsewhere(backend)
    try:
        again = process.predict(done.model, new.written(tmp_path), tmp_path / "outputs.npy")
    finally:
        process.close()
    np.testing.assert_allclose(again, found, rtol=1e-4, atol=1e-6)


def test_what_series_have_not_is_refused_in_words(bench, dataset):
    _, done = searched(bench, dataset, "wrong_modality")
    assert done.outcome.state is JobState.FAILED
    assert done.outcome.failure.kind == "data"
    assert "ImageInput" in done.outcome.failure.message
    assert "window (" in done.outcome.failure.message
