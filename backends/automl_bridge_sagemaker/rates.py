"""What an hour costs here: this folder's price list, asked by part, instance type and region."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from automl_bridge.costs.prices import PriceBook
from automl_bridge.errors import UnknownNameError

__all__ = ["BATCH", "HOSTING", "PROCESSING", "S3_STORAGE", "TRAINING", "prices", "rate", "sku"]

TRAINING, PROCESSING, BATCH, HOSTING = "Training", "Processing", "BatchTransform", "Hosting"
"""Parts of SageMaker that are billed apart; AWS calls them `component` in its price list."""

S3_STORAGE = "S3:standard-storage"


def sku(part: str, instance: str) -> str:
    """Return the name under which an instance of a part is billed, as in ``Training:ml.m5.4xlarge``."""
    return f"{part}:{instance}"


@cache
def prices() -> PriceBook:
    """Return the prices of ``prices.csv``."""
    return PriceBook.read(Path(__file__).with_name("prices.csv"))


def rate(part: str, instance: str, region: str, book: PriceBook | None = None) -> float | None:
    """Return US dollars per instance-hour, or None where the price list has none: unknown, not free.

    Parameters
    ----------
    book
        The prices that hold (refreshed, negotiated); those of this folder where None.
    """
    try:
        return (book or prices()).price(sku(part, instance), region, "instance-hour").usd
    except UnknownNameError:
        return None
