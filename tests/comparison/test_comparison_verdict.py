"""The paragraph says what the data can support, and what it cannot."""

from __future__ import annotations

import pytest

from automl_bridge.comparison.standings import Standing
from automl_bridge.comparison.statistics import Pair
from automl_bridge.comparison.verdict import verdict_of
from automl_bridge.metrics import METRICS


def one(name, score, **more):
    return Standing(backend=name, runs=1, scored=int(score is not None), state="succeeded", score=score, **more)


def pair(a, b, difference, better=None, needed=None):
    return Pair(
        a=a, b=b, difference=difference, low=difference - 0.02, high=difference + 0.02, p=0.2, p_corrected=0.2,
        better=better, rows_needed=needed,
    )  # fmt: skip


def said(standings, pairs, metric="roc_auc", **more):
    how = {"baseline": "baseline", "holdout": 891, "seeds": 1} | more
    return verdict_of(METRICS[metric], standings, pairs, **how)


SANDBOX = "its scores, times and bills show how the tool works, and say nothing about the service."
NEAREST = "the nearest that it has to roc_auc."
CLOSE = [
    one("autokeras", 0.824, within_noise=True, versus_baseline="noise", billed_usd=0.01),
    one("baseline", 0.818, within_noise=True, billed_usd=0.0),
]


def test_within_noise_nobody_beats_the_baseline_and_the_cheapest_is_named():
    verdict = said(CLOSE, [pair("baseline", "autokeras", -0.006, needed=13_870)])
    assert verdict.headline == "No backend beats the baseline beyond noise on 891 holdout rows."
    assert "Cheapest within noise of the best: baseline, $0.00 a run." in verdict.sentences
    wanted = "To tell the 0.006 roc_auc between autokeras and baseline apart you would need about 14,000 holdout rows."
    assert wanted in verdict.sentences


def test_a_winner_is_named_with_the_interval_of_its_lead():
    standings = [
        one("vertex", 0.86, within_noise=True, versus_baseline="better", billed_usd=20.0),
        one("autokeras", 0.82, versus_baseline="noise", billed_usd=0.01),
        one("baseline", 0.81, billed_usd=0.0),
    ]
    pairs = [
        pair("vertex", "autokeras", 0.04, "vertex"),
        pair("vertex", "baseline", 0.05, "vertex"),
        pair("autokeras", "baseline", 0.01),
    ]
    headline = said(standings, pairs).headline
    assert (
        headline
        == "vertex is better than every other beyond noise on 891 holdout rows, by 0.040 roc_auc [0.020, 0.060]."
    )


def test_several_that_beat_the_baseline_and_not_each_other():
    standings = [
        one("vertex", 0.860, within_noise=True, versus_baseline="better", billed_usd=20.0),
        one("azure", 0.859, within_noise=True, versus_baseline="better", billed_usd=1.0),
        one("baseline", 0.81, billed_usd=0.0),
    ]
    pairs = [
        pair("vertex", "azure", 0.001, needed=4_000_000),
        pair("vertex", "baseline", 0.05, "vertex"),
        pair("azure", "baseline", 0.05, "azure"),
    ]
    verdict = said(standings, pairs)
    assert verdict.headline.startswith(
        "vertex and azure beat the baseline beyond noise on 891 holdout rows, and vertex and azure"
    )
    assert "Cheapest within noise of the best: azure, $1.00 a run." in verdict.sentences
    assert "about 4,000,000 holdout rows" in str(verdict)


def test_who_is_worse_than_the_baseline_is_named():
    standings = [*CLOSE, one("slow", 0.6, versus_baseline="worse", billed_usd=3.0)]
    pairs = [
        pair("autokeras", "baseline", 0.006),
        pair("autokeras", "slow", 0.2, "autokeras"),
        pair("baseline", "slow", 0.2, "baseline"),
    ]
    assert "slow is worse than the baseline beyond noise." in said(standings, pairs).sentences


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sandbox": True}, f"A SANDBOX ran autokeras: {SANDBOX}"),
        ({"billed_usd": None}, "The bill of autokeras cannot be said in full."),
        ({"exact": False, "objective": "val_loss"}, f"autokeras optimised val_loss, {NEAREST}"),
    ],
)  # fmt: skip
def test_what_limits_the_meaning_is_said(change, words):
    standings = [CLOSE[0].model_copy(update=change), CLOSE[1]]
    assert words in said(standings, [pair("baseline", "autokeras", -0.006)]).sentences


def test_a_sandbox_that_leads_is_called_one_in_the_first_sentence():
    standings = [one("vertex", 0.9, sandbox=True, within_noise=True, versus_baseline="better"), one("baseline", 0.8)]
    assert said(standings, [pair("vertex", "baseline", 0.1, "vertex")]).headline.startswith(
        "vertex (SANDBOX) is better than baseline"
    )


def test_seeds_and_few_rows_are_said():
    few = said(CLOSE, [pair("baseline", "autokeras", -0.006)], holdout=40)
    assert "40 rows are few: the intervals themselves are rough." in few.sentences
    assert any("One seed each" in sentence for sentence in few.sentences)
    many = said(CLOSE, [pair("baseline", "autokeras", -0.006)], seeds=5)
    assert any("means over 5 seeds" in sentence for sentence in many.sentences)


def test_of_errors_less_is_said_to_be_better():
    standings = [one("autokeras", 9.0, within_noise=True, versus_baseline="better"), one("baseline", 10.0)]
    headline = said(standings, [pair("baseline", "autokeras", 1.0, "autokeras")], metric="rmse").headline
    assert "by 1.000 less rmse [0.980, 1.020]" in headline


def test_without_scores_nothing_is_said_but_why():
    failed = Standing(backend="vertex", runs=1, scored=0, state="failed", reason="quota: none")
    verdict = said([failed], [])
    assert verdict.headline == "Nothing can be said: no run has a score."
    assert verdict.sentences == ("vertex has no score (failed: quota: none).",)
    assert said([CLOSE[1], failed], []).headline == "Only baseline has a score: there is nothing to compare it with."


def test_time_series_are_counted_as_such():
    verdict = said(CLOSE, [pair("baseline", "autokeras", -0.006, needed=90)], metric="mase", unit="series")
    assert "about 90 holdout series" in str(verdict)
