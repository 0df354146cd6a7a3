import time

import numpy as np
import pytest

from automl_bridge.metrics import METRICS
from automl_bridge.scoring import confidence_interval, paired_difference, score
from automl_bridge.scoring_intervals import PERCENTILE_ROWS, SUBSET_ROWS


def classified(n, classes=2, seed=0, strength=1.0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + strength * np.eye(classes)[codes]
    outputs = np.exp(logits)
    return outputs / outputs.sum(axis=1, keepdims=True), codes


@pytest.mark.parametrize("metric", [m for m in METRICS if METRICS[m].needs != "values"])
def test_the_interval_holds_the_score_and_is_the_same_twice(metric):
    outputs, codes = classified(300)
    first = confidence_interval(metric, outputs, codes, seed=3)
    assert first == confidence_interval(metric, outputs, codes, seed=3)
    assert first != confidence_interval(metric, outputs, codes, seed=4)
    assert first.low < first.value < first.high
    assert first.value == score(metric, outputs, codes)
    wide = confidence_interval(metric, outputs, codes, seed=3, level=0.99)
    assert wide.high - wide.low > first.high - first.low


def test_the_interval_of_a_share_is_the_one_that_theory_gives():
    outputs, codes = classified(2_000)
    found = confidence_interval("accuracy", outputs, codes)
    half = 1.96 * np.sqrt(found.value * (1 - found.value) / 2_000)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # The truth is the mean over all samples; 95 % of 200 intervals are 190, give or take 3 standard errors (9.2).
    samples = [classified(150, seed=seed) for seed in range(200)]
    truth = np.mean([score("roc_auc", *sample) for sample in samples])
    intervals = [confidence_interval("roc_auc", *sample, resamples=300) for sample in samples]
    assert 181 <= sum(i.low <= truth <= i.high for i in intervals) <= 199


@pytest.mark.parametrize("n", [PERCENTILE_ROWS + 1, 4 * SUBSET_ROWS])
def test_many_rows_use_the_standard_error_and_agree_with_theory(n):
    rng = np.random.default_rng(0)
    values = rng.normal(size=n)
    found = confidence_interval("mae", values + rng.normal(size=n), values)
    assert found.method == "bootstrap standard error"
    half = 1.96 * np.sqrt(1 - 2 / np.pi) / np.sqrt(n)  # standard deviation of |N(0, 1)|
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)
    assert found.low < found.value < found.high


def test_a_thousand_resamples_of_ten_thousand_rows_take_less_than_a_second():
    outputs, codes = classified(10_000)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        confidence_interval("roc_auc", outputs, codes, resamples=1_000)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_a_rare_class_does_not_break_the_interval():
    outputs, codes = classified(50)
    codes[:] = 0
    codes[0] = 1  # a third of the resamples have no row of it
    found = confidence_interval("roc_auc", outputs, codes)
    assert found.low <= found.value <= found.high


def test_what_has_no_score_has_no_interval():
    outputs, codes = classified(20)
    found = confidence_interval("roc_auc", outputs, np.zeros_like(codes))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.method == "none"
    one = confidence_interval("accuracy", outputs[:1], codes[:1])
    assert one.low == one.value == one.high


def test_zero_weights_in_a_resample_are_left_out():
    weights = np.zeros(10)
    weights[0] = 1.0
    found = confidence_interval("mae", np.ones(10), np.zeros(10), weights)
    assert found.value == found.low == found.high == 1.0


def test_paired_rows_show_what_unpaired_intervals_hide():
    rng = np.random.default_rng(0)
    values, shared = rng.normal(size=500), rng.normal(size=500)
    a, b = values + shared, values + shared * 1.05
    first, second = confidence_interval("rmse", a, values), confidence_interval("rmse", b, values)
    assert first.high > second.low  # they overlap
    found = paired_difference("rmse", a, b, values)
    assert found.value == pytest.approx(first.value - second.value)
    assert found.low < found.value < found.high < 0
    assert not found.within_noise
    assert found.better == "a"  # smaller is better
    assert paired_difference("rmse", b, a, values).better == "b"


def test_the_winner_follows_the_direction_of_the_metric():
    good, codes = classified(400, strength=3.0)
    bad, _ = classified(400, strength=0.0, seed=9)
    for metric in ("roc_auc", "log_loss", "accuracy"):
        assert paired_difference(metric, good, bad, codes).better == "a"
        assert paired_difference(metric, bad, good, codes).better == "b"


def test_equal_models_are_within_noise():
    outputs, codes = classified(100)
    same = paired_difference("roc_auc", outputs, outputs, codes)
    assert (same.value, same.low, same.high, same.within_noise, same.better) == (0, 0, 0, True, None)
    assert same.rows_needed is None
    other, _ = classified(100, seed=1)
    unknown = paired_difference("roc_auc", outputs, other * np.nan, codes)
    assert unknown.within_noise
    assert unknown.better is None


def test_the_rows_needed_do_tell_the_difference_apart():
    rng = np.random.default_rng(2)

    def pair(n):
        values = rng.normal(size=n)
        return values + rng.normal(size=n), values + 1.03 * rng.normal(size=n), values

    found = paired_difference("mae", *pair(200))
    assert found.within_noise
    assert found.rows_needed is not None
    assert found.rows_needed > 200
    half = (found.high - found.low) / 2
    assert half * np.sqrt(200 / found.rows_needed) == pytest.approx(abs(found.value), rel=0.01)
