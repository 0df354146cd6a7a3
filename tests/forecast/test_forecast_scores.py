"""Scores of forecasts, against sums by hand: each series by its own scale, beside a seasonal naive forecast."""

# ruff: noqa: PD011 - the values of a scorer are no pandas'

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from series_kit import built, sales

from automl_bridge.scoring_forecast import ForecastScorer, naive_forecast


def two(steps: int = 40) -> pd.DataFrame:
    """Return one series that rises by 1 a step and one that rises by 100."""
    days = pd.date_range("2024-01-01", periods=steps)
    return pd.concat(
        pd.DataFrame({"shop": shop, "day": days, "sold": size * np.arange(steps, dtype=float)})
        for shop, size in (("small", 1.0), ("large", 100.0))
    )


def test_each_series_counts_by_its_own_scale() -> None:
    scorer = ForecastScorer.of(built(two(), horizon=5, season=1), "holdout")
    truth = scorer.values
    assert truth[:5].tolist() == [3500.0, 3600.0, 3700.0, 3800.0, 3900.0]  # "large" comes before "small"
    off = truth + np.repeat([200.0, 3.0], 5)
    assert scorer.score("mase", off[:, None]) == pytest.approx((200 / 100 + 3 / 1) / 2)
    assert scorer.score("wape", off[:, None]) == pytest.approx(5 * 203 / truth.sum())
    assert scorer.score("mae", off[:, None]) == pytest.approx(203 / 2)
    assert scorer.score("rmse", off[:, None]) == pytest.approx(np.sqrt((200**2 + 3**2) / 2))
    assert scorer.score("mape", off[:, None]) == pytest.approx(np.mean(np.abs(off - truth) / truth))


def test_the_seasonal_naive_forecast_stands_beside_it_for_each_window() -> None:
    table = two(80)
    for windows in (1, 3):
        scorer = ForecastScorer.of(built(table, horizon=9, season=7, windows=windows), "holdout")
        expected = []
        for shop in ("large", "small"):
            values = table[table.shop == shop].sold.to_numpy()
            for window in range(windows):
                origin = 80 - 9 * (windows - window)
                expected += [values[origin - 7 + step % 7] for step in range(9)]
        assert scorer.naive.tolist() == expected
        scores = scorer.scores(scorer.values[:, None] + np.zeros(4))
        assert scores["mase"] == scores["wql"] == 0
        assert scores["mase_seasonal_naive"] == scorer.score("mase", scorer.naive[:, None]) > 0


def test_naive_forecasts_of_short_series_repeat_the_last_value() -> None:
    from automl_bridge.data.series import Panel
    from automl_bridge.spec import ForecastSpec

    dataset = built(two(), horizon=5)
    table = dataset.parts["train"].slice(0, 3)
    panel = Panel.of(table, ForecastSpec(time="day", series=("shop",), horizon=5, freq="D"), "sold")
    assert naive_forecast(panel, 4, 7).tolist() == [[200.0] * 4]
    assert naive_forecast(panel, 4, 2).tolist() == [[100.0, 200.0, 100.0, 200.0]]


def test_quantiles_by_their_loss_and_their_coverage() -> None:
    scorer = ForecastScorer.of(built(two(), horizon=5, season=1), "holdout")
    truth = scorer.values
    outputs = truth[:, None] + np.array([0.0, -10.0, 0.0, 30.0])
    loss = (2 * 0.1 * 10 + 0 + 2 * 0.1 * 30) / 3 * len(truth)
    assert scorer.score("wql", outputs) == pytest.approx(loss / truth.sum())
    assert scorer.coverage(outputs) == {0.1: 0.0, 0.5: 1.0, 0.9: 1.0}
    said = scorer.remarks(outputs)
    assert any("0.1: 0 %, 0.5: 100 %, 0.9: 100 %" in line for line in said)
    assert any("the holdout has 2 series" in line for line in said)


def test_series_that_never_change_are_left_out_of_mase_with_a_remark() -> None:
    table = two()
    flat = table.copy()
    flat.loc[flat.shop == "small", "sold"] = 7.0
    scorer = ForecastScorer.of(built(flat, horizon=5, season=1), "holdout")
    outputs = scorer.values[:, None] + np.repeat([100.0, 50.0], 5)[:, None]
    assert scorer.score("mase", outputs) == pytest.approx(1.0)
    assert any("1 of 2 series never change" in line for line in scorer.remarks(outputs))
    still = ForecastScorer.of(built(table.assign(sold=7.0), horizon=5, season=1), "holdout")
    assert np.isnan(still.score("mase", still.values[:, None]))
    assert np.isnan(still.interval("mase", still.values[:, None]).low)


def test_intervals_draw_whole_series_again() -> None:
    table = sales(30, 60)
    scorer = ForecastScorer.of(built(table), "holdout")
    rng = np.random.default_rng(0)
    # Errors that all steps of a series share: rows drawn one by one would look far surer than they are.
    shared = np.repeat(rng.normal(0, 10, 30), 7)
    interval = scorer.interval("mae", (scorer.values + shared)[:, None])
    spread = np.abs(shared[::7]).std() / np.sqrt(30)
    assert interval.low < interval.value < interval.high
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.25)
    same = scorer.difference("mae", (scorer.values + shared)[:, None], (scorer.values + shared)[:, None])
    assert same.within_noise
    worse = scorer.difference("mae", (scorer.values + shared)[:, None], (scorer.values + 2 * shared)[:, None])
    assert worse.better == "a"


def test_a_forecast_that_is_not_finite_has_no_score() -> None:
    scorer = ForecastScorer.of(built(two(), horizon=5), "holdout")
    outputs = scorer.values[:, None].copy()
    outputs[3] = np.nan
    assert np.isnan(scorer.score("mase", outputs))
