"""Watched caps: a job that is looked at keeps its cap, whatever it does within what its plan allows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.costs.cap import STOP_SECONDS, Bounds, Sight, must_stop, require_guaranteed
from automl_bridge.errors import UnsupportedError

PEAK = 4.0 / 3600
"""Four dollars an hour, in a second."""


def bill(bounds: Bounds, waits: list[float], rates: list[float], stopping: float) -> tuple[float, bool]:
    """Let a job run and be looked at; return its bill, and whether it was stopped.

    Parameters
    ----------
    waits, rates
        Seconds from one look to the next, and dollars a second in between; the last ones go on.
    stopping
        Seconds that it bills after it was asked to stop.
    """
    time, spent, before = 0.0, 0.0, None
    for number in range(5_000):
        rate = rates[min(number, len(rates) - 1)]
        now = Sight(time, spent, spent)
        if must_stop(bounds, now, before):
            return spent + max(rates) * stopping, True
        wait = waits[min(number, len(waits) - 1)]
        before, time, spent = now, time + wait, spent + rate * wait
    return spent, False


@settings(deadline=None, max_examples=50)
@given(
    st.floats(1, 20),
    st.lists(st.floats(PEAK / 20, PEAK), min_size=1, max_size=20),
    st.floats(0, STOP_SECONDS),
    st.floats(1, 20),
)
def test_a_job_within_its_plan_never_bills_more_than_its_cap(cap, rates, stopping, wait):
    waits = [min(20.0, wait * 1.5**number) for number in range(8)]
    assert bill(Bounds(cap, PEAK), waits, rates, stopping)[0] <= cap


@settings(deadline=None, max_examples=50)
@given(st.floats(5, 20), st.floats(1, 5), st.floats(5, 20))
def test_nor_does_one_that_costs_steadily_more_than_its_plan_allows(cap, times, wait):
    total, stopped = bill(Bounds(cap, PEAK), [wait], [PEAK * times], STOP_SECONDS)
    assert stopped
    assert total <= cap


@settings(deadline=None, max_examples=50)
@given(st.floats(2, 20), st.floats(0, 1))
def test_what_is_reserved_for_the_prediction_remains(cap, share):
    reserve = share * cap / 2
    assert bill(Bounds(cap, PEAK, reserve), [10.0], [PEAK], STOP_SECONDS)[0] + reserve <= cap


def test_a_job_is_not_stopped_long_before_it_must_be():
    total, stopped = bill(Bounds(20.0, PEAK), [20.0], [PEAK], 0.0)
    assert stopped
    assert total >= 0.95 * 20


def test_unknown_is_not_zero():
    bounds = Bounds(1.0, PEAK, began=0.0)
    assert not must_stop(bounds, Sight(60, None))
    assert must_stop(bounds, Sight(900, None))
    assert must_stop(bounds, Sight(60, None, least=0.99))
    assert not must_stop(Bounds(1.0), Sight(900, None))


def test_a_clock_turned_fast_does_not_stop_a_job_at_once():
    assert not must_stop(Bounds(5.0, PEAK), Sight(0.2, 0.2), Sight(0.0, 0.0))
    assert must_stop(Bounds(5.0, PEAK), Sight(4.4, 4.4), Sight(4.2, 4.2))


def test_strict_takes_guaranteed_caps_only():
    require_guaranteed("a", "guaranteed", "")
    for kind in ("watched", "none"):
        with pytest.raises(UnsupportedError, match=f"would be {kind}.*hours only"):
            require_guaranteed("a", kind, "it bounds hours only")
