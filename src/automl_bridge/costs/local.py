"""What this machine costs: by configuration, else imputed from the nearest rented machine.

Local is not free: the time could have been rented, or used for something else.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from automl_bridge.costs.cost import LOCAL_REGION
from automl_bridge.costs.gpus import Gpus, found_gpus
from automl_bridge.costs.prices import Price, PriceBook, parse_prices

__all__ = ["LOCAL_SKU", "LOCAL_UNIT", "local_book", "local_price", "local_rate", "machine_rows", "rate_in"]

LOCAL_SKU = "local-machine"
LOCAL_UNIT = "machine-hour"

# EC2 m7i general purpose: 2 vCPUs for each step of size (https://aws.amazon.com/ec2/instance-types/m7i/).
_VCPUS = {"m7i.large": 2, "m7i.xlarge": 4, "m7i.2xlarge": 8, "m7i.4xlarge": 16}


class _GpuMachine(NamedTuple):
    """A rented machine with one GPU: words in the name of the card that it stands for, its vCPUs."""

    cards: tuple[str, ...]
    vcpus: int


# One GPU each (https://aws.amazon.com/ec2/instance-types/g4/, …/g5/, …/p3/), the cheaper card first.
_GPU_MACHINES = {
    "g4dn.xlarge": _GpuMachine(("T4", "P4", "P100", "K80", "GTX", "Quadro"), 4),
    "g4dn.2xlarge": _GpuMachine(("T4", "P4", "P100", "K80", "GTX", "Quadro"), 8),
    "g5.xlarge": _GpuMachine(("A10", "A10G", "L4", "RTX", "A2"), 4),
    "g5.2xlarge": _GpuMachine(("A10", "A10G", "L4", "RTX", "A2"), 8),
    "p3.2xlarge": _GpuMachine(("V100",), 8),
}
_DEAREST = "p3.2xlarge"


@cache
def _machines() -> PriceBook:
    return PriceBook(machine_rows())


@cache
def machine_rows() -> tuple[Price, ...]:
    """Return the rented machines that local hardware is imputed from."""
    name = "machines.csv"
    return tuple(parse_prices(files("automl_bridge.costs").joinpath(name).read_text(encoding="utf-8"), name))


def local_price(configured: float | None = None, cores: int | None = None, gpus: Gpus | None = None) -> Price:
    """Return the price of an hour of this machine; its note says where it comes from.

    Parameters
    ----------
    configured
        ``machine_usd_per_hour`` of the configuration; wins.
    cores, gpus
        Of the machine; counted where None. The nearest rented machine is the smallest with as many vCPUs, or with
        such a GPU; above the largest that is listed its price is scaled, by cores or by GPUs.
    """
    common = {"provider": "local", "service": "machine", "sku": LOCAL_SKU, "region": LOCAL_REGION, "unit": LOCAL_UNIT}
    if configured is not None:
        return Price(
            **common,
            usd=configured,
            source_url="configuration",
            source_date=datetime.now(UTC).date(),
            confidence="high",
            note=f"this machine at ${configured:g}/h, as configured",
        )
    count = cores or os.cpu_count() or 1
    cards = gpus if gpus is not None else found_gpus()
    sku, scale, what = _nearest_gpu(count, cards) if cards.number else _nearest(count)
    price = _machines().price(sku, "us-east-1", "instance-hour")
    times = f"{scale:g} × " if scale > 1 else ""
    return Price(
        **common,
        usd=price.usd * scale,
        source_url=price.source_url,
        source_date=price.source_date,
        confidence="medium",
        note=f"imputed: {what} ≈ {times}{sku} at ${price.usd:g}/h, price of {price.source_date}",
        imputed=True,
    )


def _nearest(cores: int) -> tuple[str, float, str]:
    """Return rented machine, how many of it, and what it stands for."""
    sku = next((name for name, vcpus in _VCPUS.items() if vcpus >= cores), "m7i.4xlarge")
    return sku, max(1.0, cores / _VCPUS[sku]), f"{cores} cores"


def _nearest_gpu(cores: int, gpus: Gpus) -> tuple[str, float, str]:
    words = gpus.model.replace("-", " ").split()
    what = f"{gpus.number} × {gpus.model}, {cores} cores"
    fits = [sku for sku, machine in _GPU_MACHINES.items() if set(machine.cards) & set(words)]
    if not fits:
        # A card that no listed machine has: the dearest that is listed, which may be too little.
        return _DEAREST, float(gpus.number), f"{what} (no such card is listed: at least)"
    wanted = cores / gpus.number
    sku = next((one for one in fits if _GPU_MACHINES[one].vcpus >= wanted), fits[-1])
    return sku, float(gpus.number), what


def local_rate(configured: float | None = None, cores: int | None = None) -> tuple[float, str, bool]:
    """Return dollars per hour of this machine, the basis in words, and whether it was imputed; as `local_price`."""
    price = local_price(configured, cores, Gpus() if cores else None)
    return price.usd, price.note, price.imputed


def local_book(configured: float | None = None) -> PriceBook:
    """Return a book that prices this machine and nothing else."""
    return PriceBook([local_price(configured)])


def rate_in(book: PriceBook | None) -> tuple[float, str]:
    """Return dollars per hour of this machine and the basis in words, as a configuration's prices have it.

    Parameters
    ----------
    book
        Prices of the configuration (`Backend.prices`); None imputes.
    """
    price = local_price() if book is None else book.price(LOCAL_SKU, LOCAL_REGION, LOCAL_UNIT)
    return price.usd, price.note
