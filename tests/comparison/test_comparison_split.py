"""One cap over several runs."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_bridge.comparison.split import Need, least_cap, shares
from automl_bridge.errors import BudgetError

needs = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 50_000), st.booleans()).map(
        lambda one: Need(one[0] / 1000, (one[0] + one[1]) / 1000, one[2])
    ),
    min_size=1,
    max_size=8,
)


@given(needs, st.integers(1, 200_000), st.integers(0, 1000))
def test_shares_keep_the_cap_give_everybody_the_least_and_no_bounded_run_more_than_its_worst(found, total, spent):
    total, spent = total / 1000, spent / 1000
    least = math.fsum(need.least for need in found)
    names = [f"b{place}" for place in range(len(found))]
    if least > total - spent + 1e-9:
        with pytest.raises(BudgetError) as caught:
            shares(total, found, names, spent=spent)
        enough = float(re.search(r"give \$([\d,.]+) or", caught.value.hint)[1].replace(",", ""))
        assert len(shares(enough, found, names, spent=spent)) == len(found)
        return
    given_out = shares(total, found, names, spent=spent)
    assert math.fsum(given_out) <= total - spent + 1e-6
    for share, need in zip(given_out, found, strict=True):
        assert share >= need.least - 1e-9
        if need.bounded:
            assert share <= need.most + 1e-9


def test_what_is_cheap_gets_all_it_needs_before_the_dear_ones_share():
    assert shares(10, [Need(0, 1), Need(0, 100), Need(0, 100)], ["a", "b", "c"]) == [1, 4.5, 4.5]


def test_what_nobody_needs_helps_those_whose_worst_case_is_a_guess():
    assert shares(10, [Need(0, 1), Need(0, 2, bounded=False)], ["a", "b"]) == [1, 9]


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_the_least_cap_is_found_from_wherever_one_looks(least, start):
    assert least_cap(lambda cap: cap >= least / 1000, start / 1000) == least / 1000


def test_a_backend_that_takes_no_cap_has_no_least():
    assert least_cap(lambda _: False, 1.0) == math.inf
    with pytest.raises(BudgetError, match="no cost cap is large enough for b"):
        shares(5, [Need(0, 1), Need(math.inf, math.inf)], ["a", "b"])
