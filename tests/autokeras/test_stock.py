"""What stock AutoKeras does where ours is right. Our side of each is here or named beside it."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from automl_bridge.scoring import score

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow, Keras and Keras Tuner, about themselves


@pytest.fixture(scope="module", autouse=True)
def _tensorflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import autokeras  # noqa: F401


@pytest.fixture
def stock(monkeypatch, tmp_path):
    """Return a maker of stock classifiers with the one fix that lets them run at all."""
    from autokeras.graph import Graph

    import autokeras as ak
    from automl_bridge_autokeras.compat import SoundGraph

    monkeypatch.setattr(Graph, "set_io_shapes", SoundGraph.set_io_shapes)
    return lambda **options: ak.StructuredDataClassifier(
        **{"max_trials": 1, "directory": tmp_path, "seed": 7, **options}
    )


def late_categories(rows: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return a table whose class follows from a category; five rare ones come in the last rows only."""
    rng = np.random.default_rng(0)
    names = np.array(["a0", "b1", "c2", "d3", "e4", "f5"])
    city = names[rng.integers(1, 6, rows)].astype(object)
    city[-10:] = np.repeat([f"a{i}late" for i in range(5)], 2)
    city = np.where(city == "a0", "b1", city)
    noise = rng.normal(size=rows)
    x = np.column_stack([city.astype("<U8"), noise.astype("<U8")])
    return x, np.isin(city, ["b1", "d3", "f5"]).astype(int)


def test_stock_cannot_take_a_gap_in_a_column_of_strings(stock):
    """Ours: `test_a_table_with_every_kind_of_column` of test_backend."""
    x = np.array([["a", 1.0], [np.nan, 2.0], ["b", 3.0], ["a", 4.0]] * 5, dtype=object)
    with pytest.raises(TypeError, match="not supported between"):
        stock().fit(x, np.arange(20) % 2, epochs=1, verbose=0)


def test_stock_takes_no_dataframe(stock):
    table = pd.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(ValueError, match="numpy array"):
        stock().fit(table, np.arange(20) % 2, epochs=1, verbose=0)


def test_stock_ends_well_though_every_trial_failed(stock, monkeypatch):
    """It comes to light when one predicts. Ours: `test_if_all_trials_fail_so_does_the_job` of test_backend."""
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)  # as where TensorBoard is not installed
    x, y = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32), np.arange(40) % 2
    model = stock()
    model.fit(x, y, epochs=1, verbose=0)
    assert [trial.status for trial in model.tuner.oracle.trials.values()] == ["FAILED"]
    with pytest.raises(FileNotFoundError, match="checkpoint"):
        model.predict(x, verbose=0)


@pytest.mark.slow
def test_stock_predicts_with_another_pipeline_than_the_weights_were_trained_with(stock):
    """Weights of the best trial, codes of a pipeline that was refitted with the validation rows."""
    x, y = late_categories()
    model = stock()
    model.fit(x, y, epochs=30, verbose=0)
    head, wanted = x[:800], y[:800]
    stocks_answer = np.asarray(model.predict(head, verbose=0)).astype(float).ravel()
    from autokeras import pipeline

    best = model.tuner.oracle.get_best_trials(1)[0]
    right = pipeline.load_pipeline(model.tuner._pipeline_path(best.trial_id))
    outputs = model.export_model().predict(right.transform_x(head), verbose=0).ravel()
    assert np.mean((outputs > 0.5) == wanted) > 0.95
    assert np.mean(stocks_answer == wanted) < 0.8


@pytest.mark.slow
def test_ours_predicts_with_the_one_that_earned_the_score(bench):
    x, y = late_categories()
    table = pd.DataFrame({"city": x[:, 0], "noise": x[:, 1].astype(float), "y": y, "when": np.arange(1000)})
    # By time, the late categories are in the validation part, as they are with stock.
    fit = bench.fit(table, "y", "accuracy", data={"time": "when", "holdout": 0.0}, epochs=20)
    outputs = bench.predict(fit.outcome, fit.dataset.features("train"))
    assert score("accuracy", outputs, fit.dataset.target_codes("train")) > 0.98
    validation = bench.predict(fit.outcome, fit.dataset.features("validation"))
    assert score("accuracy", validation, fit.dataset.target_codes("validation")) == pytest.approx(
        fit.outcome.trials[0].score, abs=1e-9
    )
