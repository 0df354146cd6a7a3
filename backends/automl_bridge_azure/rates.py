"""What an hour costs here: this folder's price list, asked by machine size and region.

Azure Machine Learning bills the machines at the rate of the same virtual machines, without a surcharge of its own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.costs.prices import PriceBook
from automl_bridge.errors import UnknownNameError

if TYPE_CHECKING:
    from automl_bridge_azure.settings import AzureSettings

__all__ = ["ASSUMED_REGION", "BLOB_STORAGE", "UNIT", "planned_region", "prices", "rate", "sku"]

UNIT = "hour"
"""Of a machine that is up, busy or not."""

BLOB_STORAGE = "Blob:hot-lrs"

ASSUMED_REGION = "eastus"
"""Whose prices a plan takes where no region is set; the workspace's own region is known when the job is sent."""


def sku(size: str, *, spot: bool = False) -> str:
    """Return the name under which a machine is billed: its size, marked if it is a spot machine."""
    return f"{size} Spot" if spot else size


@cache
def prices() -> PriceBook:
    """Return the prices of ``prices.csv``."""
    return PriceBook.read(Path(__file__).with_name("prices.csv"))


def rate(size: str, region: str, book: PriceBook | None = None) -> float | None:
    """Return US dollars per hour of a machine, or None where the price list has none: unknown, not free.

    Spot machines are priced as dedicated ones: their price moves, and is never above that of the others.
    """
    for held in (book, prices()):
        try:
            if held is not None:
                return held.price(size, region, UNIT).usd
        except UnknownNameError:
            continue
    return None


def planned_region(settings: AzureSettings) -> str:
    """Return the region that plans are made for."""
    return settings.region or ASSUMED_REGION
