"""What this machine costs: every price dated, sourced and more than 0; unknown is not zero."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.gpus import Gpus, found_gpus
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT, local_book, local_price, local_rate, machine_rows
from automl_bridge.costs.usage import Usage, UsageItem


def hours(quantity: float) -> Usage:
    return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=quantity, unit=LOCAL_UNIT),))


def test_every_row_is_priced_dated_and_sourced():
    assert machine_rows()
    for price in machine_rows():
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
    cost = cost_of(hours(0.5) + hours(1.5), local_book(0.25))
    assert cost.usd == pytest.approx(2 * 0.25)
    assert cost.local
    assert not cost.imputed
    assert "as configured" in cost.basis


def test_unknown_is_not_zero():
    assert cost_of(Usage(known=False), local_book()).usd is None
    assert cost_of(hours(1) + Usage(known=False), local_book()).usd is None
    assert cost_of(hours(1) + Usage(known=False), local_book(0.5)).known_usd == 0.5


@pytest.mark.parametrize(
    ("model", "cores", "sku"),
    [
        ("Tesla T4", 4, "g4dn.xlarge"),
        ("Tesla T4", 8, "g4dn.2xlarge"),
        ("NVIDIA A10G", 4, "g5.xlarge"),
        ("NVIDIA GeForce RTX 4090", 64, "g5.2xlarge"),
        ("Tesla V100-SXM2-16GB", 8, "p3.2xlarge"),
    ],
)
def test_a_gpu_is_counted(model, cores, sku):
    price = local_price(cores=cores, gpus=Gpus(1, model))
    assert f"≈ {sku} at" in price.note
    assert local_price(cores=2 * cores, gpus=Gpus(2, model)).usd == pytest.approx(2 * price.usd)
    assert price.usd > local_price(cores=4, gpus=Gpus()).usd


def test_a_card_that_nobody_lists_is_said_to_cost_at_least_so_much():
    price = local_price(cores=16, gpus=Gpus(1, "NVIDIA A100-SXM4-80GB"))
    assert "no such card is listed: at least" in price.note


def test_gpus_are_found_where_the_driver_tells_of_them(tmp_path: Path):
    assert found_gpus(tmp_path / "nothing") == Gpus()
    for bus in ("0000:00:1e.0", "0000:00:1f.0"):
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text("Model: \t\t Tesla T4\nIRQ:   47\n")
    assert found_gpus(tmp_path) == Gpus(2, "Tesla T4")
