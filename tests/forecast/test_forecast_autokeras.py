"""Networks forecast: what goes in and comes out of them without TensorFlow, and one small search from end to end."""

# ruff: noqa: PD011 - the values of a scorer are no pandas'

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from series_kit import after, built, sales

from automl_bridge import Estimator
from automl_bridge.data.series_context import holdout_question
from automl_bridge.errors import DataError
from automl_bridge.runs.specs import make_spec
from automl_bridge.spec import JobSpec
from automl_bridge.task import Task
from automl_bridge_autokeras.inputs_forecast import ForecastInputs
from automl_bridge_autokeras.prepared_forecast import ForecastPrepared, prepare_forecast

TABLE = sales(6, 150)
QUANTILES = ["quantile_0.1", "quantile_0.5", "quantile_0.9"]


def spec_of(dataset: Any, metric: str = "mase") -> JobSpec:
    """Return the spec of a training job."""
    asked = {"task": Task.FORECASTING, "target": None, "metric": metric, "forecast": dataset.forecast}
    return make_spec("ab-1", dataset.profile, **asked)


@pytest.fixture(scope="module")
def prepared() -> ForecastPrepared:
    """Return the arrays of six series."""
    dataset = built(TABLE, known_future=["promo"])
    return prepare_forecast(dataset, spec_of(dataset), "mase")


class TestArrays:
    """Between tables and networks."""

    def test_a_network_that_answers_nothing_forecasts_the_base(self, prepared: ForecastPrepared) -> None:
        outputs = np.zeros((len(prepared.scored.rows.base), 7 * 4))
        values = prepared.scored.rows.up(outputs)
        assert np.allclose(values[:, 0], prepared.scored.rows.base.reshape(-1))
        assert prepared.judge.evaluate(outputs)["mase"] < 1.1

    def test_the_truth_scaled_and_back_has_no_error(self, prepared: ForecastPrepared) -> None:
        truth = np.tile(prepared.validation.arrays.target, (1, 4)).astype(float)
        scores = prepared.judge.evaluate(truth)
        assert scores["mase"] == pytest.approx(0, abs=1e-5)
        assert scores["val_loss"] == pytest.approx(0, abs=1e-6)

    def test_quantiles_that_cross_are_put_in_order(self, prepared: ForecastPrepared) -> None:
        outputs = np.random.default_rng(0).normal(size=(len(prepared.scored.rows.base), 7 * 4))
        values = prepared.scored.rows.up(outputs)
        assert (np.diff(values[:, 1:], axis=1) >= 0).all()

    def test_what_is_learned_from_lies_before_all_that_is_scored(self, prepared: ForecastPrepared) -> None:
        # Six series are few: the horizon before the validation rows is scored, too.
        assert len(prepared.scored.scorer.values) == 2 * 6 * 7
        dataset = built(sales(12, 80))
        many = prepare_forecast(dataset, spec_of(dataset), "mase")
        assert len(many.scored.scorer.values) == 12 * 7

    def test_inputs_travel_as_json(self, prepared: ForecastPrepared) -> None:
        dataset = built(TABLE, known_future=["promo"])
        assert isinstance(prepared.inputs, ForecastInputs)
        again = ForecastInputs.from_json(json.loads(json.dumps(prepared.inputs.to_json())))
        rows = holdout_question(dataset).question()
        for ours, theirs in zip(prepared.inputs.transform(rows), again.transform(rows), strict=True):
            assert np.array_equal(ours, theirs)

    def test_the_linear_model_before_any_network_has_quantiles(self, prepared: ForecastPrepared) -> None:
        guard, scores = prepared.guard()
        outputs = np.zeros((len(prepared.scored.rows.base), 7 * 4))
        assert scores["mase"] <= prepared.judge.evaluate(outputs)["mase"]
        assert scores["mase"] < 0.6
        assert isinstance(prepared.inputs, ForecastInputs)
        arrays = prepared.inputs.linear(prepared.validation.arrays.inputs)
        values = prepared.scored.rows.up(guard.predict(arrays))
        inside = (values[:, 1] <= prepared.scored.scorer.values) & (prepared.scored.scorer.values <= values[:, 3])
        assert 0.5 < inside.mean() <= 1

    def test_shifts_let_quantiles_cover_what_they_should(self, prepared: ForecastPrepared) -> None:
        guard, _ = prepared.guard()
        narrow = guard.weights.copy()
        narrow[-1, 7:] = np.tile(narrow[-1, :7], 3)  # all quantiles are the point forecast
        from dataclasses import replace

        inputs = prepared.finished(prepared.inputs, replace(guard, weights=narrow))
        assert isinstance(inputs, ForecastInputs)
        rows = replace(prepared.scored.rows, shifts=inputs.shifts)
        values = rows.up(replace(guard, weights=narrow).predict(inputs.linear(prepared.validation.arrays.inputs)))
        covered = prepared.scored.scorer.coverage(values)
        assert covered == pytest.approx({0.1: 0.1, 0.5: 0.5, 0.9: 0.9}, abs=0.05)

    def test_series_without_calendar_and_covariates_have_no_steps_to_read(self) -> None:
        table = sales(2, 90).drop(columns="promo").assign(day=np.tile(np.arange(90), 2))
        dataset = built(table, season=7)
        found = prepare_forecast(dataset, spec_of(dataset), "mase")
        assert found.inputs.names == ("window", "seasons", "still", "linear")
        assert len(found.train.arrays.inputs) == 4


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Estimator:
    """Return a forecaster after one trial."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path_factory.mktemp("autokeras") / "home"))
        estimator = Estimator(
            "forecasting", "autokeras", budget={"max_trials": 1}, settings={"epochs": 25, "linger": 5.0}, random_state=0
        )
        return estimator.fit(TABLE, target="sold", time="day", series="shop", horizon=7, known_future=["promo"])


def test_one_trial_beats_a_seasonal_naive_forecast(fitted: Estimator) -> None:
    scores = fitted.run_.scores
    assert scores["mase"] < 0.5 * scores["mase_seasonal_naive"]
    assert fitted.run_.model is not None
    assert [trial.state for trial in fitted.leaderboard_.trials] == ["succeeded"]


def test_forecasts_are_in_order_use_what_is_known_and_serve_new_series(fitted: Estimator) -> None:
    rows = after(TABLE, 7, 1.0)
    found = fitted.predict(rows)
    assert found[["shop", "day"]].equals(rows[["shop", "day"]])
    assert (found[QUANTILES].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    quiet = fitted.predict(after(TABLE, 7, 0.0))
    level = np.repeat(20.0 * np.arange(1, 7), 7)
    assert ((found.prediction - quiet.prediction) / level).median() == pytest.approx(0.5, abs=0.15)
    fresh = TABLE[TABLE.shop == "shop 1"].assign(shop="new")
    assert np.allclose(
        fitted.predict(pd.concat([fresh, after(fresh, 7)])).prediction,
        quiet[quiet.shop == "shop 1"].prediction,
        rtol=1e-4,
    )
    with pytest.raises(DataError, match='"promo", known in advance, for 2024-06-04'):
        fitted.predict(after(TABLE, 5))


@pytest.mark.slow
def test_a_bundle_forecasts_in_a_fresh_process_from_the_raw_table(fitted: Estimator, tmp_path: Path) -> None:
    bundle = fitted.export(tmp_path / "bundle")
    rows = after(TABLE, 7, 1.0)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    words = ["predict", bundle, tmp_path / "rows.csv", "-o", tmp_path / "out.csv"]
    subprocess.run([sys.executable, "-m", "automl_bridge.cli", *words], check=True)
    there = pd.read_csv(tmp_path / "out.csv")
    assert np.allclose(there[QUANTILES], fitted.predict(rows)[QUANTILES], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "horizon", "options"), [("elec_equip", 12, {}), ("co2", 13, {"gaps": "fill"})])
def test_a_real_seasonal_set_in_a_minute(name: str, horizon: int, options: dict[str, Any]) -> None:
    """Within a minute it is ahead of the seasonal naive forecast on three windows."""
    import importlib

    data = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data
    if name == "elec_equip":
        data.index = pd.to_datetime(data.index, format="mixed")
    table = data.set_axis(["value"], axis=1).rename_axis("day").reset_index()
    estimator = Estimator("forecasting", "autokeras", budget={"max_time": "60s"}, random_state=0)
    estimator.fit(table, target="value", time="day", horizon=horizon, windows=3, **options)
    assert estimator.run_.scores["mase"] < estimator.run_.scores["mase_seasonal_naive"]


@pytest.mark.slow
def test_a_search_goes_on_from_finished_trials(tmp_path: Path) -> None:
    from automl_bridge.budget import Budget
    from automl_bridge.config import load_config
    from automl_bridge.session import Session

    settings = {"epochs": 2, "linger": 5.0}
    estimator = Estimator("forecasting", "autokeras", budget={"max_trials": 1}, settings=settings, random_state=0)
    estimator.fit(TABLE, target="sold", time="day", series="shop", horizon=7)
    config = load_config(overrides={"backend": "autokeras"})
    config = config.model_copy(update={"backends": {"autokeras": settings}})
    with Session(config) as session:
        run = session.wait(session.resume(estimator.run_.id, Budget(max_trials=2)).id)
    assert run.outcome is not None
    assert {"0", "1"} <= {trial.id for trial in run.outcome.trials}
    assert any("goes on from the finished trials" in note for note in run.outcome.notes)
