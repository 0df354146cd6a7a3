"""PriceBook: dated, sourced prices. Usage times PriceBook is Cost; a price that is not in it is an error, never 0."""

from __future__ import annotations

import csv
from datetime import date
from typing import TYPE_CHECKING

from pydantic import Field

from automl_bridge.errors import UnknownNameError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Price", "PriceBook"]


class Price(Frozen):
    """One row: what one unit of one thing costs in one region, since when and by whose word.

    Parameters
    ----------
    provider, service, sku, region
        What it is the price of.
    unit
        The quantity that costs `usd`: ``instance-hour``, ``node-hour``, ``GB-month``, ….
    usd
        US dollars per unit, more than 0.
    source_url, source_date
        Where it can be read, and when it was.
    confidence
        ``high``, ``medium`` or ``low``: how near the source is to the vendor's own list.
    """

    provider: str
    service: str
    sku: str
    region: str
    unit: str
    usd: float = Field(gt=0)
    source_url: str = Field(min_length=1)
    source_date: date
    confidence: str
    note: str = ""


class PriceBook:
    """Prices by sku, region and unit."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._prices = {(price.sku, price.region, price.unit): price for price in prices}

    @classmethod
    def read(cls, path: Path) -> PriceBook:
        """Read a CSV with the columns of `Price`."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls(Price.model_validate(row) for row in csv.DictReader(file))

    def __iter__(self) -> Iterator[Price]:
        return iter(self._prices.values())

    def __len__(self) -> int:
        return len(self._prices)

    def price(self, sku: str, region: str, unit: str) -> Price:
        """Return the price of ``sku``.

        Raises
        ------
        UnknownNameError
            If it is not in the book: it cannot be priced, which is not the same as free.
        """
        try:
            return self._prices[sku, region, unit]
        except KeyError:
            known = sorted({sku for sku, _, _ in self._prices})
            raise UnknownNameError.of("price", sku, known, where=f" per {unit} in {region}") from None
