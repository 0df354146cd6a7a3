"""Intervals, corrections, rows needed, the front, points."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from automl_bridge.comparison.standings import pareto, points
from automl_bridge.comparison.statistics import DRAWS, compare_pairs, draws_of, holm, spread
from automl_bridge.metrics import METRICS
from automl_bridge.scoring import paired_difference, resampled_scores, score

ACCURACY, RMSE = METRICS["accuracy"], METRICS["rmse"]


def right_or_wrong(right):
    """Return probabilities of two classes that are right (class 1) where ``right`` says so."""
    likely = np.where(right, 0.9, 0.1)
    return np.column_stack([1 - likely, likely])


def drawn(outputs, targets, metric="accuracy"):
    names = list(outputs)
    flat = [one for name in names for one in outputs[name]]
    values, shrink = resampled_scores(metric, flat, targets, resamples=DRAWS, seed=0)
    found, start = {}, 0
    for number, name in enumerate(names):
        count = len(outputs[name])
        scores = [score(metric, one, targets) for one in outputs[name]]
        rng = np.random.default_rng((0, number))
        found[name] = draws_of(scores, values[start : start + count], shrink, rng)
        start += count
    return found


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    # Marcus, Peritz & Gabriel (1976): a hypothesis falls if every intersection that it is part of does.
    places = range(len(p_values))
    sets = [chosen for size in places for chosen in combinations(places, size + 1)]
    for place, corrected in zip(places, holm(p_values), strict=True):
        closed = max(len(chosen) * min(p_values[one] for one in chosen) for chosen in sets if place in chosen)
        assert corrected == pytest.approx(min(1.0, closed))


def test_two_models_differ_by_the_interval_that_fit_shows_for_them():
    rng = np.random.default_rng(0)
    targets = np.ones(500, int)
    a, b = right_or_wrong(rng.random(500) < 0.8), right_or_wrong(rng.random(500) < 0.7)
    (pair,) = compare_pairs(ACCURACY, drawn({"a": [a], "b": [b]}, targets), 500)
    other = paired_difference("accuracy", a, b, targets, resamples=4000)
    assert pair.difference == pytest.approx(other.value)
    assert (pair.low, pair.high) == pytest.approx((other.low, other.high), abs=0.01)
    assert pair.better == "a"


def test_the_p_value_is_that_of_the_normal_theory():
    rng = np.random.default_rng(1)
    targets = np.ones(2000, int)
    a, b = rng.random(2000) < 0.80, rng.random(2000) < 0.78
    (pair,) = compare_pairs(ACCURACY, drawn({"a": [right_or_wrong(a)], "b": [right_or_wrong(b)]}, targets), 2000)
    apart = a.astype(float) - b
    z = apart.mean() / (apart.std(ddof=1) / math.sqrt(2000))
    assert pair.p == pytest.approx(2 * norm.sf(abs(z)), abs=0.03)


def test_so_many_rows_as_it_says_would_show_the_difference_in_four_of_five_tries():
    rng = np.random.default_rng(2)
    rows = 300
    a, b = rng.random(rows) < 0.80, rng.random(rows) < 0.76
    targets = np.ones(rows, int)
    (pair,) = compare_pairs(ACCURACY, drawn({"a": [right_or_wrong(a)], "b": [right_or_wrong(b)]}, targets), rows)
    apart = a.astype(float) - b
    # The power of a z-test with that many rows like these.
    z = abs(apart.mean()) / (apart.std(ddof=1) / math.sqrt(pair.rows_needed))
    assert norm.cdf(z - norm.ppf(0.975)) == pytest.approx(0.8, abs=0.03)


def test_models_without_any_difference_are_seldom_told_apart():
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(60):
        targets = np.ones(200, int)
        models = {name: [right_or_wrong(rng.random(200) < 0.8)] for name in "abcd"}
        wrong += any(pair.better for pair in compare_pairs(ACCURACY, drawn(models, targets), 200))
    # 5 % of the tries at most, as all six pairs together are corrected; 9 of 60 would happen once in 300.
    assert wrong <= 9


def test_seeds_that_differ_widen_the_interval():
    rng = np.random.default_rng(4)
    targets = np.ones(400, int)
    alike = [right_or_wrong(rng.random(400) < 0.8) for _ in range(4)]
    apart = [right_or_wrong(rng.random(400) < share) for share in (0.6, 0.75, 0.85, 0.99)]
    found = drawn({"alike": alike, "apart": apart}, targets)
    widths = {name: np.subtract(*spread(one.point, one.both, 400)[::-1]) for name, one in found.items()}
    assert widths["apart"] > 2 * widths["alike"]


def test_more_rows_than_are_drawn_one_by_one_have_the_error_of_all_of_them():
    rng = np.random.default_rng(5)
    rows = 120_000
    a, b = rng.random(rows) < 0.80, rng.random(rows) < 0.79
    targets = np.ones(rows, int)
    (pair,) = compare_pairs(ACCURACY, drawn({"a": [right_or_wrong(a)], "b": [right_or_wrong(b)]}, targets), rows)
    error = (a.astype(float) - b).std(ddof=1) / math.sqrt(rows)
    assert (pair.high - pair.low) / 2 == pytest.approx(1.96 * error, rel=0.2)


def test_whole_groups_are_drawn_where_rows_belong_together():
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(40), 25)
    right = np.repeat(rng.random(40) < 0.7, 25)
    targets = np.ones(1000, int)
    rows, _ = resampled_scores("accuracy", [right_or_wrong(right)], targets, resamples=500)
    whole, _ = resampled_scores("accuracy", [right_or_wrong(right)], targets, resamples=500, clusters=groups)
    assert whole.std() == pytest.approx(math.sqrt(0.7 * 0.3 / 40), rel=0.3)
    assert whole.std() > 3 * rows.std()


def test_the_same_predictions_are_no_difference():
    targets = np.ones(100, int)
    same = right_or_wrong(np.arange(100) < 80)
    (pair,) = compare_pairs(ACCURACY, drawn({"a": [same], "b": [same]}, targets), 100)
    assert (pair.difference, pair.better, pair.rows_needed) == (0.0, None, None)


def test_of_errors_the_smaller_is_better():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(300, 1))
    near, far = values + 0.1 * rng.normal(size=(300, 1)), values + rng.normal(size=(300, 1))
    (pair,) = compare_pairs(RMSE, drawn({"near": [near], "far": [far]}, values, metric="rmse"), 300)
    assert pair.better == "near"
    assert pair.difference < 0


@given(st.dictionaries(st.text("abcdef", min_size=1), st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_the_front_is_who_nobody_beats(entries):
    front = pareto({name: (float(cost), float(good)) for name, (cost, good) in entries.items()})
    for name, (cost, good) in entries.items():
        beaten = any(c <= cost and g >= good and (c < cost or g > good) for c, g in entries.values())
        assert (name in front) is not beaten


@pytest.mark.parametrize(
    ("metric", "own", "baseline", "wanted"),
    [
        ("roc_auc", 0.824, 0.818, 0.6),
        ("rmse", 9.0, 10.0, 10.0),
        ("log_loss", 0.44, 0.40, -10.0),
        ("r2", 0.5, 0.6, -10.0),
        ("rmse", 1.0, 0.0, None),
        ("accuracy", float("nan"), 0.5, None),
    ],
)
def test_points_are_hundredths_of_scores_and_percents_of_errors(metric, own, baseline, wanted):
    assert points(METRICS[metric], own, baseline) == (None if wanted is None else pytest.approx(wanted))
