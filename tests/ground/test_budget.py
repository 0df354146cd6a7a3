"""Budget and durations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_bridge.budget import Budget, format_duration, parse_duration
from automl_bridge.errors import BudgetError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("1.5h", 5400), ("2d", 172800), ("250ms", 0.25)]
    + [("45", 45), (45, 45), (0.5, 0.5), (timedelta(minutes=2), 120), (" 10M ", 600)],
)
def test_durations_as_people_write_them(written, seconds):
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["", "soon", "-5m", "0s", 0, -1, "10x", "m", "nan", "inf", True, float("nan"), "1h-5m"]
)
def test_what_is_no_duration_is_named(written):
    with pytest.raises(BudgetError) as caught:
        Budget(max_time=written)
    assert repr(written).strip("'") in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("cost", ["-1", 0, "five", float("inf"), True])
def test_what_is_no_cost_is_named(cost):
    with pytest.raises(BudgetError, match="max_cost_usd"):
        Budget(max_cost_usd=cost)


@pytest.mark.parametrize("trials", [0, -3, 1.5, "many"])
def test_what_is_no_number_of_trials_is_named(trials):
    with pytest.raises(BudgetError, match="max_trials"):
        Budget(max_trials=trials)


def test_a_budget_is_a_value():
    budget = Budget(max_time="10m", max_cost_usd="$2.50", max_trials="4")
    assert budget == Budget(max_time=600, max_cost_usd=2.5, max_trials=4)
    assert Budget.model_validate_json(budget.model_dump_json()) == budget
    assert str(budget) == "10m 00s, $2.50, 4 trials"
    assert Budget().is_empty
    with pytest.raises(BudgetError, match="max_tme"):
        Budget(max_tme=3)


@given(st.floats(min_value=0.01, max_value=360_000))
def test_a_written_duration_is_near_what_it_was(seconds):
    text = format_duration(seconds).replace(" s", "s")
    assert parse_duration(text) == pytest.approx(seconds, rel=0.02, abs=30 if seconds > 3600 else 0.6)
