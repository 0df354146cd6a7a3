"""Bills that vendors and users have published, against the prices that are shipped: within 15 %."""

from __future__ import annotations

import pytest

from automl_bridge.config import load_config
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.registry import names, price_book

pytestmark = pytest.mark.skipif("sagemaker" not in names(), reason="no sagemaker backend is declared")

# Lines of a bill for eu-west-1, December 2023:
# https://github.com/aws-samples/sagemaker-ssh-helper/blob/main/Sample_Costs.md
AWS_BILL = {
    ("Training:ml.m5.xlarge", "instance-hour"): (44.015, 11.31),
    ("Hosting:ml.m5.xlarge", "instance-hour"): (8.208, 2.11),
    ("Processing:ml.m5.xlarge", "instance-hour"): (2.382, 0.61),
    ("BatchTransform:ml.m5.xlarge", "instance-hour"): (2.126, 0.55),
    ("Training:ml.g4dn.xlarge", "instance-hour"): (14.801, 12.17),
    ("Training:ml.g5.xlarge", "instance-hour"): (2.887, 4.53),
    ("Training:ml.p3.2xlarge", "instance-hour"): (4.139, 17.10),
    ("Training:storage-volume", "GB-month"): (1.942, 0.30),
}


def usd(*lines: tuple[str, str, float], region: str) -> float | None:
    items = tuple(UsageItem(sku=sku, unit=unit, quantity=quantity, region=region) for sku, unit, quantity in lines)
    return cost_of(Usage(items=items), price_book("sagemaker", load_config())).usd


@pytest.mark.parametrize(("sku", "unit"), AWS_BILL)
def test_a_line_of_a_real_bill(sku, unit):
    quantity, paid = AWS_BILL[sku, unit]
    assert usd((sku, unit, quantity), region="eu-west-1") == pytest.approx(paid, rel=0.15)


def test_the_whole_of_that_bill():
    lines = [(sku, unit, quantity) for (sku, unit), (quantity, _) in AWS_BILL.items()]
    assert usd(*lines, region="eu-west-1") == pytest.approx(sum(paid for _, paid in AWS_BILL.values()), rel=0.15)


def test_five_jobs_of_which_four_failed_are_billed_for_all_their_seconds():
    assert usd(("Training:ml.m5.large", "instance-hour", 542 / 3600), region="us-east-1") == pytest.approx(
        0.01731, rel=0.15
    )


def test_an_idle_endpoint_bills_all_month():
    assert usd(("Hosting:ml.m5.xlarge", "instance-hour", 730), region="us-east-1") == pytest.approx(167.90, rel=0.15)
