"""Prices: dated, sourced, in enough places; worked bills of Google's own pages come out."""

from __future__ import annotations

import pytest
from vx_world import dataset, settings, train_spec

from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge_vertex.native_limits import limits_for
from automl_bridge_vertex.planning import plan_train
from automl_bridge_vertex.rates import Rates, prices


def usd(*items: tuple[str, float, str], region: str = "us-east1") -> float:
    lines = tuple(UsageItem(sku=sku, quantity=n, unit=unit, part="storage", region=region) for sku, n, unit in items)
    return cost_of(Usage(items=lines), prices()).usd


def test_googles_own_example_of_storage():
    """storage/pricing-examples: 50 GB, 10,000 class A, 50,000 class B, 1 GB out: 1.00 + 0.05 + 0.02 + 0.12."""
    bill = usd(
        ("GCS:standard-storage", 50, "GB-month"),
        ("GCS:class-A-operations", 10, "1000 operations"),
        ("GCS:class-B-operations", 50, "1000 operations"),
        ("GCS:egress", 1, "GB"),
    )
    assert bill == pytest.approx(1.19, rel=0.001)


def test_the_training_stage_of_googles_tabular_workflow():
    """tabular-workflows/pricing: an hour of training comes to 24 there; AutoML's node hour is within 15 % of that."""
    plan = plan_train(train_spec(dataset()[1]), settings())
    training = Usage(items=tuple(item for item in plan.usage.worst.items if item.part == "training"))
    assert cost_of(training, prices()).usd == pytest.approx(24, rel=0.15)


@pytest.mark.parametrize(
    ("sku", "hours", "bill"),
    [("Training:tabular", 1, 21.25), ("Training:image", 8, 27.72), ("Training:tabular", 72, 1530.14)],
)
def test_what_the_least_and_the_most_budgets_cost(sku, hours, bill):
    for region in ("us-central1", "us-east1", "europe-west4"):
        assert usd((sku, hours, "node-hour"), region=region) == pytest.approx(bill, abs=0.01)


def test_a_million_points_of_a_forecast():
    assert usd(("Batch:forecasting", 1000, "1000 points")) == pytest.approx(200)


def test_every_training_has_a_price_in_at_least_three_places():
    places: dict[str, set[str]] = {}
    for row in prices():
        assert row.usd > 0
        places.setdefault(row.sku, set()).add(row.region)
    for sku in ("Training:tabular", "Training:forecasting", "Training:image", "Batch:image", "GCS:standard-storage"):
        assert {"us-central1", "us-east1", "europe-west4"} <= places[sku]


def test_an_unknown_price_is_no_price():
    assert Rates("us-central1").usd("Inference:n1-megamem-96", "instance-hour") is None
    spec = train_spec(dataset()[1])
    from automl_bridge_vertex.expected_usage import reserve_for

    machine = settings(predict_machine="n1-megamem-96")
    reserve = reserve_for(spec, machine, Rates("us-central1"))
    assert reserve.usd is None
    assert limits_for(spec, machine, Rates("us-central1"), reserve).milli == 1000
