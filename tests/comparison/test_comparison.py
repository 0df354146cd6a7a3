"""One job at several backends: who is in, what comes of it, and how it goes on."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from automl_bridge import Session, compare, load_config
from automl_bridge.comparison import resume
from automl_bridge.errors import BudgetError, UnknownNameError, UnsupportedError, UsageError
from automl_bridge.scoring import score

pytestmark = pytest.mark.usefixtures("backends")


def standing(result, name):
    return next(one for one in result.standings if one.backend == name)


def started(home, name):
    log = home / "work" / name / "started.log"
    return log.read_text().split() if log.exists() else []


@pytest.fixture
def three(backends, signal_table):
    return compare(signal_table, target="label", backends=["fair", "good"], random_state=0)


def test_the_baseline_is_always_in_and_all_are_scored_on_the_same_rows(three):
    assert {row.backend for row in three.rows} == {"baseline", "fair", "good"}
    targets = three.dataset.target_codes("holdout")
    assert three.holdout_rows == len(targets) == 120
    for row in three.rows:
        assert row.score == pytest.approx(score("roc_auc", np.load(three.predictions[row.run]), targets))


def test_who_sees_more_is_better_beyond_noise_and_the_pairs_agree_with_the_standings(three):
    (pair,) = [one for one in three.pairs if {one.a, one.b} == {"good", "fair"}]
    assert pair.better == "good"
    assert pair.low <= pair.difference <= pair.high
    assert abs(pair.difference) == pytest.approx(standing(three, "good").score - standing(three, "fair").score)
    assert standing(three, "good").versus_baseline in {"noise", "better"}
    assert three.verdict.headline.endswith(".")


def test_bills_are_usage_times_price_and_the_estimate_stands_beside_them(three):
    good = standing(three, "good")
    assert good.billed_usd == pytest.approx(2.0 * (2.0 + 0.0025))
    assert good.estimate_usd == pytest.approx(4.0)
    assert good.usd_per_1000 == pytest.approx(0.005 / 120 * 1000)
    assert good.price_date == "2026-01-02"
    gained = (good.score - standing(three, "baseline").score) * 100
    assert good.points == pytest.approx(gained)
    if gained > 0:
        assert good.usd_per_point == pytest.approx(good.billed_usd / gained)


def test_models_on_this_machine_have_a_latency_and_others_none(backends, signal_table):
    result = compare(signal_table, target="label", backends=["away"])
    assert standing(result, "baseline").latency > 0
    assert standing(result, "away").latency is None
    assert standing(result, "away").score is not None


def test_a_backend_that_fails_is_a_row_with_its_reason(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair", "broken"])
    broken = standing(result, "broken")
    assert (broken.score, broken.state) == (None, "failed")
    assert "m9" in broken.reason
    assert "broken has no score" in str(result.verdict)
    assert result.complete


def test_a_failed_run_is_tried_again_when_asked_and_only_then(backends, signal_table, home):
    job = {"target": "label", "backends": ["fair", "broken"]}
    first = compare(signal_table, **job)
    again = compare(signal_table, **job)
    assert standing(again, "broken").state == "failed"
    (home / "work" / "broken" / "mended").parent.mkdir(parents=True, exist_ok=True)
    (home / "work" / "broken" / "mended").touch()
    mended = compare(signal_table, **job, retry=True)
    assert mended.id == first.id
    assert standing(mended, "broken").score is not None
    assert len(started(home, "fair")) == 1


def test_the_same_question_is_the_same_comparison_and_costs_nothing_again(backends, signal_table, home):
    first = compare(signal_table, target="label", backends=["fair"])
    second = compare(signal_table, target="label", backends=["fair"])
    assert (second.id, second.rows, second.pairs) == (first.id, first.rows, first.pairs)
    assert len(started(home, "fair")) == 1
    other = compare(signal_table, target="label", backends=["fair"], random_state=1)
    assert other.id != first.id
    fresh = compare(signal_table, target="label", backends=["fair"], fresh=True)
    assert fresh.id != first.id
    assert len(started(home, "fair")) == 3


def test_a_comparison_is_found_by_the_beginning_of_its_id(backends, signal_table):
    first = compare(signal_table, target="label", backends=["fair"])
    assert resume(first.id[:6]).standings == first.standings
    with pytest.raises(UnknownNameError, match="no comparison"):
        resume("ffffffffffff" if not first.id.startswith("f") else "000000000000")


def test_seeds_are_runs_of_their_own_and_their_mean_is_the_score(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair"], seeds=3)
    rows = [row for row in result.rows if row.backend == "fair"]
    assert [row.seed for row in rows] == [0, 1, 2]
    assert len({row.run for row in rows}) == 3
    assert standing(result, "fair").score == pytest.approx(math.fsum(row.score for row in rows) / 3)
    assert standing(result, "fair").billed_total_usd == pytest.approx(3 * standing(result, "fair").billed_usd)


def test_uploads_of_backends_do_not_wait_for_each_other(backends, signal_table):
    # Each sends its data only while the other does: one after the other they would never end.
    result = compare(signal_table, target="label", backends=["left", "right"])
    assert {row.state for row in result.rows} == {"succeeded"}


def test_a_regression_is_compared_by_its_errors(backends, signal_table):
    table = signal_table.drop(columns="label").assign(value=lambda one: one.signal + one.more)
    result = compare(table, target="value", backends=["fair", "good"], task="tabular-regression")
    assert result.best.backend == "good"
    assert standing(result, "good").score == pytest.approx(0, abs=1e-9)
    assert standing(result, "good").points == pytest.approx(100)
    assert [one.score for one in result.standings] == sorted(one.score for one in result.standings)


def test_one_cap_holds_over_all_runs(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair", "good", "watched"], max_cost_usd=4)
    caps = [row.cap_usd for row in result.rows]
    assert all(cap is not None for cap in caps)
    assert sum(caps) <= 4 + 1e-9
    assert {row.backend: row.cap for row in result.rows}["watched"] == "watched"


def test_a_cap_that_is_too_little_names_the_least_that_would_do(backends, signal_table, home):
    with pytest.raises(BudgetError, match=r"watched \$1\.5") as caught:
        compare(signal_table, target="label", backends=["watched", "fair"], max_cost_usd=0.5)
    least = float(caught.value.hint.split("$")[1].split()[0])
    assert 1.6 <= least <= 1.65
    assert not started(home, "watched")
    result = compare(signal_table, target="label", backends=["watched", "fair"], max_cost_usd=least)
    assert sum(row.cap_usd for row in result.rows) <= least


def test_a_backend_that_keeps_no_cap_is_refused_where_one_is_asked_for(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair", "capless"], max_cost_usd=4)
    refused = standing(result, "capless")
    assert (refused.state, refused.runs) == ("refused", 1)
    assert "keeps no cost cap" in refused.reason


def test_strict_takes_guaranteed_caps_only(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair", "watched"], max_cost_usd=4, cap="strict")
    assert standing(result, "watched").state == "refused"
    assert standing(result, "fair").score is not None


@pytest.mark.parametrize(
    ("job", "error", "words"),
    [
        ({"backends": ["nobody"]}, UnknownNameError, 'no backend "nobody"'),
        ({"backends": "fair"}, UsageError, "give a list"),
        ({"backends": []}, UsageError, "nothing to compare"),
        ({"backends": ["fair"], "seeds": 0}, UsageError, "seeds 0"),
        ({"backends": ["capless"], "max_cost_usd": 3}, UnsupportedError, "no backend takes this job"),
    ],
)
def test_bad_usage_is_said_before_anything_is_started(backends, signal_table, job, error, words):
    with pytest.raises(error, match=words):
        compare(signal_table, target="label", **job)
    with Session(load_config()) as session:
        assert session.list() == []


def test_a_later_prediction_by_a_job_is_on_the_bill_once(backends, signal_table):
    result = compare(signal_table, target="label", backends=["away"])
    (row,) = [one for one in result.rows if one.backend == "away"]
    with Session(load_config()) as session:
        book = session.price_book("away")
        for _ in range(2):
            assert len(session.predict(row.run, signal_table.drop(columns="label"))) == 600
            later = session.get(row.run).cost(book)
            assert later.parts["prediction"] == pytest.approx(2 * 0.005)
            assert later.usd == pytest.approx(row.billed_usd + 0.005)
    # The comparison, and what estimates learn from, are about the run alone.
    assert resume(result.id).standings == result.standings


def test_forecasts_are_compared_series_by_series(backends, tmp_path):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=90, freq="D")
    week = 8 * np.sin(np.arange(90) * 2 * np.pi / 7)
    shops = [
        pd.DataFrame({"shop": f"s{n}", "day": days, "sold": 10 * n + week + rng.normal(size=90)}) for n in range(12)
    ]
    options = {"series": "shop", "horizon": 7, "freq": "D"}
    result = compare(
        pd.concat(shops, ignore_index=True), target="sold", task="forecasting", time="day", forecast=options,
        backends=["flat"],
    )  # fmt: skip
    assert result.holdout_rows == 12 * 7
    assert result.best.backend == "baseline"
    (pair,) = result.pairs
    assert pair.better == "baseline"
    assert any("whole series" in note for note in result.notes)
    page = result.report(tmp_path / "report.html").read_text()
    assert 'data-plot="steps"' in page
    assert 'data-plot="forecast"' in page
    assert "--horizon 7" in page


def test_without_a_holdout_nothing_is_said_of_quality(backends, signal_table):
    result = compare(signal_table, target="label", backends=["fair"], holdout=0)
    assert result.verdict.headline == "Nothing can be said: there is no holdout."
    assert {row.state for row in result.rows} == {"succeeded"}
    assert result.pairs == ()


def test_a_score_that_is_not_defined_is_a_reason_and_never_a_number(backends, signal_table):
    # Sorted by time, the latest rows have one class: roc_auc needs two.
    late = signal_table.assign(when=pd.date_range("2024-01-01", periods=600, freq="h"))
    late.loc[400:, "label"] = "yes"
    result = compare(late, target="label", backends=["fair"], time="when", metric="roc_auc")
    fair = standing(result, "fair")
    assert fair.score is None
    assert fair.reason == "roc_auc is not defined on these holdout rows"
    assert result.verdict.headline.startswith("Nothing can be said")
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["best"] is None
    assert result.to_frame()["score"].isna().all()
