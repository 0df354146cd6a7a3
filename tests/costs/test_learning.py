"""Learning: past runs correct the next estimate, its error is told, and it stays within its worst case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_bridge.costs.learning import LEAST_RUNS, Lesson, Past, corrected, learn
from automl_bridge.costs.usage import Usage, UsageItem, UsageRange


def hours(quantity: float) -> Usage:
    return Usage(items=(UsageItem(sku="m", quantity=quantity, unit="machine-hour"),))


def price(usage: Usage) -> float | None:
    return sum(2 * item.quantity for item in usage.items) if usage.known else None


def guess(likely: float, worst: float | None = None, correction: float = 1.0) -> UsageRange:
    low, high = hours(likely / 2), hours(likely * 2)
    bound = hours(worst) if worst is not None else None
    return UsageRange(low=low, likely=hours(likely), high=high, worst=bound, correction=correction)


def test_the_median_of_past_runs_corrects_and_their_error_is_told():
    lesson = learn([Past(guess(1), hours(actual)) for actual in (1.5, 2, 10)], price)
    assert lesson == Lesson(runs=3, factor=2, error=1, sandbox=False)
    better = corrected(guess(1, worst=100), lesson, price)
    assert price(better.likely) == 4
    assert (better.correction, better.learned_from) == (2, 3)
    assert better.worst == hours(100)


def test_what_was_corrected_once_is_not_corrected_twice():
    lesson = learn([Past(guess(2, correction=2), hours(2))] * 3, price)
    assert (lesson.factor, lesson.error) == (2, 0)


def test_few_runs_correct_nothing_and_are_told():
    lesson = learn([Past(guess(1), hours(3))] * (LEAST_RUNS - 1), price)
    assert (lesson.runs, lesson.factor, lesson.error) == (LEAST_RUNS - 1, 1, 2)
    assert corrected(guess(1), lesson, price) == guess(1)


def test_unknown_bills_teach_nothing_and_live_runs_go_before_those_of_a_sandbox():
    sandbox = [Past(guess(1), hours(5), sandbox=True)] * 4
    unknown = [Past(guess(1), Usage(known=False)), Past(guess(1), hours(0))]
    assert learn(unknown, price) == Lesson()
    assert learn([*sandbox, *unknown], price).sandbox
    assert learn([*sandbox, Past(guess(1), hours(2))], price) == Lesson(1, 1.0, 1.0, False)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(1, 50))
def test_a_corrected_estimate_stays_in_order_and_within_the_worst_case(likely, factor, room):
    worst = likely * 2 * room
    usage = corrected(guess(likely, worst=worst), Lesson(5, factor, 0.1), price)
    low, middle, high = (price(part) or 0 for part in (usage.low, usage.likely, usage.high))
    assert low <= middle * (1 + 1e-9)
    assert middle <= high * (1 + 1e-9)
    assert high <= 2 * worst * (1 + 1e-9)
    assert middle == pytest.approx(2 * likely * usage.correction)
