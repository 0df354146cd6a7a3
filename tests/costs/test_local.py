"""What this machine costs: every price dated, sourced and more than 0; unknown is not zero."""

from __future__ import annotations

from datetime import date

import pytest

from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT, _machines, local_cost, local_rate
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import UnknownNameError


def hours(quantity: float) -> Usage:
    return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=quantity, unit=LOCAL_UNIT),))


def test_every_row_is_priced_dated_and_sourced():
    assert len(_machines()) > 0
    for price in _machines():
        assert price.usd > 0
        assert price.source_url.startswith("https://")
        assert date(2025, 1, 1) <= price.source_date <= date.today()  # noqa: DTZ011 - a date without a time


def test_prices_rise_with_the_size():
    rates = [local_rate(cores=cores)[0] for cores in (1, 2, 3, 4, 8, 16, 32, 64)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(2 * rates[-2])


def test_a_configured_rate_wins_and_is_not_called_imputed():
    assert local_rate(0.5)[0::2] == (0.5, False)
    assert local_rate()[2]


def test_cost_is_hours_times_rate_over_all_parts():
    cost = local_cost(hours(0.5) + hours(1.5), configured=0.25)
    assert cost is not None
    assert cost.usd == pytest.approx(2 * 0.25)


def test_unknown_is_not_zero():
    assert local_cost(Usage(known=False)) is None
    assert local_cost(hours(1) + Usage(known=False)) is None
    with pytest.raises(UnknownNameError, match="m9z"):
        _machines().price("m9z.large", "us-east-1", "instance-hour")
