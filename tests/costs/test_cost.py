"""Cost: usage times prices, rounded as it is billed, line by line; and what is unknown."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_bridge.costs.cost import billed, cost_of
from automl_bridge.costs.prices import Price, PriceBook
from automl_bridge.costs.usage import Usage, UsageItem

PRICE = Price(
    provider="acme", service="Train", sku="big", region="eu", unit="instance-hour", usd=3.6,
    source_url="u", source_date=date(2026, 1, 1), confidence="high",
)  # fmt: skip
BOOK = PriceBook([PRICE, PRICE.model_copy(update={"sku": "disk", "unit": "GB-month", "usd": 0.1})])


def item(quantity: float, **changes: object) -> UsageItem:
    return UsageItem.model_validate(
        {"sku": "big", "quantity": quantity, "unit": "instance-hour", "region": "eu", **changes}
    )


def test_parts_are_added_up_apart_and_together():
    items = (item(1), item(0.5, part="prediction"), item(10, sku="disk", unit="GB-month", part="storage"))
    cost = cost_of(Usage(items=items), BOOK)
    assert cost.parts == pytest.approx({"training": 3.6, "prediction": 1.8, "storage": 1.0})
    assert cost.usd == pytest.approx(6.4)
    assert (cost.price_date, cost.imputed, cost.local) == ("2026-01-01", False, False)


def test_one_line_without_a_price_makes_the_sum_unknown_and_is_named():
    cost = cost_of(Usage(items=(item(1), item(1, sku="huge", part="hosting"))), BOOK)
    assert cost.usd is None
    assert cost.known_usd == pytest.approx(3.6)
    assert cost.parts == {"training": pytest.approx(3.6), "hosting": None}
    assert len(cost.unknown) == 1
    assert all(word in cost.unknown[0] for word in ("huge", "eu", "instance-hour"))


def test_nothing_used_is_zero_and_nothing_known_is_not():
    assert cost_of(Usage(), BOOK).usd == 0
    assert cost_of(Usage(known=False), BOOK).usd is None


def test_hours_are_billed_by_the_second_and_by_the_increments_and_minimum_of_the_row():
    assert billed(100.2 / 3600, PRICE) == pytest.approx(101 / 3600)
    by_half_minute = Price.model_validate({**PRICE.model_dump(), "increment": "30s", "minimum": "60s"})
    assert [round(3600 * billed(s / 3600, by_half_minute)) for s in (0, 1, 59, 61, 90, 91)] == [0, 60, 60, 90, 90, 120]


@given(st.floats(0, 1e5), st.sampled_from([None, 1 / 3600, 30 / 3600, 1.0]), st.sampled_from([0.0, 1 / 60]))
def test_what_is_billed_is_never_less_than_used_nor_an_increment_more(quantity, increment, minimum):
    price = PRICE.model_copy(update={"increment": increment, "minimum": minimum})
    amount = billed(quantity, price)
    step = price.step or 0.0
    assert amount >= quantity * (1 - 1e-9) - step * 1e-5
    assert amount <= max(quantity + step, minimum) * (1 + 1e-9)


@given(st.lists(st.integers(0, 10_000_000), max_size=20))
def test_whole_seconds_are_billed_as_they_are(seconds):
    cost = cost_of(Usage(items=tuple(item(second / 3600) for second in seconds)), BOOK)
    assert cost.usd == pytest.approx(math.fsum(seconds) * 0.001, rel=1e-9)
