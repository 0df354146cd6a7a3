"""What this machine costs: by configuration, else imputed from the nearest rented machine.

Local is not free: the time could have been rented, or used for something else.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.costs.prices import PriceBook
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from automl_bridge.costs.usage import Usage

__all__ = ["LOCAL_SKU", "LOCAL_UNIT", "LocalCost", "local_cost", "local_rate"]

LOCAL_SKU = "local-machine"
LOCAL_UNIT = "machine-hour"

# EC2 m7i general purpose: 2 vCPUs for each step of size (https://aws.amazon.com/ec2/instance-types/m7i/).
_VCPUS = {"m7i.large": 2, "m7i.xlarge": 4, "m7i.2xlarge": 8, "m7i.4xlarge": 16}


class LocalCost(Frozen):
    """Cost of a usage of this machine.

    Parameters
    ----------
    usd
        US dollars.
    usd_per_hour
        The rate behind it.
    basis
        Where the rate comes from, in words that can be printed.
    imputed
        Whether the rate is that of a rented machine like this one.
    """

    usd: float
    usd_per_hour: float
    basis: str
    imputed: bool


@cache
def _machines() -> PriceBook:
    return PriceBook.read(Path(__file__).with_name("machines.csv"))


def local_rate(configured: float | None = None, cores: int | None = None) -> tuple[float, str, bool]:
    """Return dollars per hour of this machine, the basis in words, and whether it was imputed.

    Parameters
    ----------
    configured
        ``machine_usd_per_hour`` of the configuration; wins.
    cores
        Cores of the machine; counted where None. The nearest rented machine is the smallest with as many
        vCPUs; above the largest that is listed its price is scaled by cores.
    """
    if configured is not None:
        return configured, f"this machine at ${configured:g}/h, as configured", False
    count = cores or os.cpu_count() or 1
    sku = next((name for name, vcpus in _VCPUS.items() if vcpus >= count), "m7i.4xlarge")
    price = _machines().price(sku, "us-east-1", "instance-hour")
    scale = max(1.0, count / _VCPUS[sku])
    times = f"{scale:g} × " if scale > 1 else ""
    basis = f"imputed: {count} cores ≈ {times}{sku} at ${price.usd:g}/h, price of {price.source_date}"
    return price.usd * scale, basis, True


def local_cost(usage: Usage, configured: float | None = None) -> LocalCost | None:
    """Price the hours of this machine in ``usage``; None if it has none, or if they are unknown."""
    hours = [item.quantity for item in usage.items if item.sku == LOCAL_SKU and item.unit == LOCAL_UNIT]
    if not hours or not usage.known:
        return None
    rate, basis, imputed = local_rate(configured)
    return LocalCost(usd=rate * sum(hours), usd_per_hour=rate, basis=basis, imputed=imputed)
