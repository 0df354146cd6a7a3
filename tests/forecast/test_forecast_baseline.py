"""The baseline forecasts: from a table to scores, bundles and new rows, through the Estimator and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from series_kit import after, sales

from automl_bridge import Estimator
from automl_bridge.cli.entry import invoke
from automl_bridge.errors import DataError, UnsupportedError, UsageError
from automl_bridge.runs.specs import check_windows
from automl_bridge.task import Task

TABLE = sales(6, 150)
QUANTILES = ["quantile_0.1", "quantile_0.5", "quantile_0.9"]


def learn(table: Any, home: Path, *, trials: int = 3, **options: Any) -> Estimator:
    """Return an estimator that has learned by the baseline, its files in ``home``."""
    options = {"target": "sold", "time": "day", "series": "shop", "horizon": 7, **options}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOML_BRIDGE_HOME", str(home))
        return Estimator("forecasting", "baseline", budget={"max_trials": trials}, random_state=0).fit(table, **options)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Estimator:
    """Return a forecaster that knows promotions in advance."""
    return learn(TABLE, tmp_path_factory.mktemp("fit") / "home", trials=6, known_future=["promo"])


def test_it_beats_a_seasonal_naive_forecast_and_says_so(fitted: Estimator) -> None:
    scores = fitted.run_.scores
    assert fitted.task_ is Task.FORECASTING
    assert fitted.score_ == scores["mase"] < 0.4 * scores["mase_seasonal_naive"]
    assert scores["wape"] < 0.4 * scores["wape_seasonal_naive"]
    notes = "\n".join(fitted.run_.notes)
    assert "the step is D, found from the stamps" in notes
    assert "a seasonal naive forecast (season of 7 steps) has" in notes
    assert "share of the holdout at or below each quantile" in notes
    assert fitted.leaderboard_.trials[0].id in {"boosting", "linear", "blend"}


def test_one_row_for_each_series_and_step_with_quantiles_in_order(fitted: Estimator) -> None:
    rows = after(TABLE, 7, 1.0)
    found = fitted.predict(rows)
    assert list(found.columns) == ["shop", "day", "prediction", *QUANTILES]
    assert found[["shop", "day"]].equals(rows[["shop", "day"]])
    assert (found[QUANTILES].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    quiet = fitted.predict(after(TABLE, 7, 0.0))
    level = np.repeat(20.0 * np.arange(1, 7), 7)
    assert ((found.prediction - quiet.prediction) / level).median() == pytest.approx(0.5, abs=0.1)
    assert isinstance(fitted.predict(pl.from_pandas(rows)), pl.DataFrame)


def test_too_few_rows_to_come_are_refused(fitted: Estimator) -> None:
    with pytest.raises(DataError, match='"promo", known in advance, for 2024-06-04'):
        fitted.predict(after(TABLE, 5))
    with pytest.warns(UserWarning, match="18 rows lie beyond the 7 steps"):
        assert len(fitted.predict(after(TABLE, 10))) == 42


def test_a_series_that_is_new_is_forecast(fitted: Estimator) -> None:
    fresh = sales(8, 60, seed=3).query("shop == 'shop 7'").assign(sold=lambda rows: rows.sold * 50)
    longer = sales(8, 67, seed=3).query("shop == 'shop 7'").tail(7)
    found = fitted.predict(pd.concat([fresh, after(fresh, 7).assign(promo=longer.promo.to_numpy())]))
    assert found.shop.unique().tolist() == ["shop 7"]
    assert found.prediction.mean() == pytest.approx(50 * 160 * 1.1, rel=0.25)


def test_new_data_are_scored_by_their_last_steps(fitted: Estimator) -> None:
    assert fitted.score(sales(6, 150, seed=9)) > -0.5
    assert fitted.score(TABLE) == pytest.approx(-fitted.score_, rel=0.05)


def test_a_bundle_forecasts_in_a_fresh_process_from_the_raw_table(fitted: Estimator, tmp_path: Path) -> None:
    bundle = fitted.export(tmp_path / "bundle")
    rows = after(TABLE, 7, 1.0)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    code = (
        "import sys; from automl_bridge import Estimator;"
        "Estimator.load(sys.argv[1]).predict(sys.argv[2]).to_csv(sys.argv[3], index=False)"
    )
    out = tmp_path / "out.csv"
    subprocess.run([sys.executable, "-c", code, bundle, tmp_path / "rows.csv", out], check=True)
    there = pd.read_csv(out, parse_dates=["day"])
    here = fitted.predict(rows)
    assert np.allclose(there[["prediction", *QUANTILES]], here[["prediction", *QUANTILES]])
    assert there.shop.tolist() == here.shop.tolist()


def test_windows_are_scored_from_as_many_origins(tmp_path: Path) -> None:
    table = TABLE.drop(columns="promo")
    found = learn(table, tmp_path, windows=4, quantiles=[0.25, 0.75])
    assert found.run_.spec.profile.rows["holdout"] == 6 * 28
    assert np.load(found.run_.predictions_path).shape == (6 * 28, 3)
    assert list(found.predict().columns) == ["shop", "day", "prediction", "quantile_0.25", "quantile_0.75"]


def test_windows_need_a_model_that_predicts_here() -> None:
    from automl_bridge.capabilities import Capabilities, Feature
    from automl_bridge.spec import ForecastSpec

    cloud = Capabilities(
        tasks={Task.FORECASTING: None}, features={Feature.LOCAL_PREDICTION: "its models stay at the service"}
    )
    forecast = ForecastSpec(time="day", horizon=7, freq="D")
    check_windows(forecast, cloud, "cloud")
    with pytest.raises(UnsupportedError, match=r"cloud cannot forecast from 3 origins.*its models stay"):
        check_windows(forecast.model_copy(update={"windows": 3}), cloud, "cloud")


def test_short_series_are_forecast_with_a_warning(tmp_path: Path) -> None:
    short = [sales(1, 3).assign(shop="three"), sales(1, 1).assign(shop="one")]
    found = learn(pd.concat([sales(5, 60), *short]).drop(columns="promo"), tmp_path, horizon=14)
    assert any('series "one" has 1; series "three" has 3' in note for note in found.run_.notes)
    forecasts = found.predict()
    assert forecasts.groupby("shop").size().to_dict() == dict.fromkeys(
        [*(f"shop {i}" for i in range(5)), "one", "three"], 14
    )
    assert np.isfinite(forecasts[["prediction", *QUANTILES]]).all(axis=None)


def test_series_that_never_change_are_chosen_by_mae(tmp_path: Path) -> None:
    found = learn(sales(2, 60).assign(sold=5.0).drop(columns="promo"), tmp_path)
    assert np.allclose(found.predict().prediction, 5.0)
    assert any("models were chosen by mae" in note for note in found.run_.notes)


def test_without_holdout_or_choice_there_is_a_model(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path))
        estimator = Estimator("forecasting", "baseline", holdout=0.0, validation=0.0)
        estimator.fit(TABLE, target="sold", time="day", series="shop", horizon=7)
    assert estimator.score_ is None
    assert len(estimator.predict()) == 42
    assert estimator.predict().day.min() == TABLE.day.max() + pd.Timedelta(days=1)


def test_stamps_with_a_zone_go_on_through_a_clock_change(tmp_path: Path) -> None:
    hours = pd.date_range("2024-10-01", "2024-10-26 12:00", freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"day": hours, "sold": 10 + np.sin(np.arange(len(hours)) * 2 * np.pi / 24)})
    found = learn(table, tmp_path, series=None, horizon=24).predict()
    expected = pd.date_range(hours[-1], periods=25, freq="h")[1:]
    assert found.day.tolist() == expected.tolist()
    assert list(found.columns) == ["day", "prediction", *QUANTILES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the training table, rows to come, and too few of them."""
    folder = tmp_path_factory.mktemp("cli")
    TABLE.to_csv(folder / "sales.csv", index=False)
    after(TABLE, 7).to_csv(folder / "future.csv", index=False)
    after(TABLE, 5).to_csv(folder / "few.csv", index=False)
    doubled = pd.concat([TABLE, TABLE.tail(1)])
    doubled.to_csv(folder / "doubled.csv", index=False)
    return folder


class TestCommandLine:
    """Exit codes, and one line for each step."""

    ASKED = ("--target", "sold", "--time", "day", "--series", "shop", "--horizon", "7", "--backend", "baseline")

    def test_fit_and_predict(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        assert invoke(["fit", str(folder / "sales.csv"), *self.ASKED, "--known-future", "promo", "--json"]) == 0
        document = json.loads(capfd.readouterr().out)
        assert document["score"] < 0.5
        run, out = document["run_id"], folder / "out.csv"
        assert invoke(["predict", run, str(folder / "future.csv"), "-o", str(out)]) == 0
        assert out.read_text().splitlines()[0] == "shop,day,prediction,quantile_0.1,quantile_0.5,quantile_0.9"
        assert len(out.read_text().splitlines()) == 43
        capfd.readouterr()
        assert invoke(["predict", run, str(folder / "few.csv"), "-o", str(out)]) == 2
        assert '"promo", known in advance, for 2024-06-04' in " ".join(capfd.readouterr().err.split())

    def test_what_is_wrong_is_exit_2(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        def told(*words: str) -> str:
            capfd.readouterr()
            assert invoke(["fit", *words]) == 2
            return " ".join(capfd.readouterr().err.split())

        said = told(str(folder / "doubled.csv"), *self.ASKED)
        assert 'series "shop 5" 2024-05-29 is there more than once' in said
        assert "horizon" in told(
            str(folder / "sales.csv"), "--target", "sold", "--task", "forecasting", "--time", "day"
        )
        assert '--horizon "soon" is not a whole number' in told(
            str(folder / "sales.csv"), "--target", "sold", "--time", "day", "--horizon", "soon"
        )

    def test_the_plan_says_the_step(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        assert invoke(["fit", str(folder / "sales.csv"), *self.ASKED, "--dry-run"]) == 0
        assert "the step is D, found from the stamps" in " ".join(capfd.readouterr().out.split())


def test_options_are_checked_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="horizon"):
        learn(TABLE, tmp_path, horizon=None)
    with pytest.raises(UsageError, match="forecasting has no metric accuracy"):
        Estimator("forecasting", "baseline", metric="accuracy").fit(
            TABLE, target="sold", time="day", series="shop", horizon=7
        )
