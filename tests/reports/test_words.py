"""Numbers as a person writes them."""

from __future__ import annotations

import pytest

from automl_bridge.reports import words
from automl_bridge.reports.cost_line import dollars


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.8123, "0.812"),
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0.000"),
        (-0.5, "-0.500"),
        (0.00012, "1.200e-04"),
        (12.34567, "12.35"),
        (1234.5, "1,234"),
        (123456.7, "123,457"),
        (9_876_543.0, "9.877e+06"),
        (float("inf"), "inf"),
    ],
)
def test_a_score_keeps_the_digits_that_say_something(value, written):
    assert words.score(value) == written


def test_shares_put_the_largest_class_first_and_count_the_rest():
    assert words.shares(("bad", "good"), (28, 72)) == "good 72 %, bad 28 %"
    assert words.shares(tuple("abcdef"), (1, 2, 3, 4, 5, 85)) == "f 85 %, e 5 %, d 4 %, c 3 %, 2 more"
    assert words.shares(("rare", "usual"), (1, 999)) == "usual 100 %, rare <1 %"
    assert words.shares(("yes", "no"), (115, 85)) == "yes 58 %, no 42 %"


def test_a_long_label_is_cut_and_unknown_counts_are_not_invented():
    assert words.shares(("x" * 50, "y"), (1, 1)).startswith("x" * 23 + "… 50 %")
    assert words.shares(("a", "b", "c"), ()) == "3 classes"


def test_one_thing_is_not_many():
    assert words.plural(1, "trial") == "1 trial"
    assert words.plural(4454, "row") == "4,454 rows"


@pytest.mark.parametrize(
    ("amount", "written"),
    [(12.345, "$12.35"), (1234.5, "$1,234.50"), (0.25, "$0.25"), (0.0061, "$0.006"), (0.0001, "under $0.001")],
)
def test_dollars_are_never_rounded_to_nothing(amount, written):
    assert dollars(amount) == written
