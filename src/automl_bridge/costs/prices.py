"""PriceBook: dated, sourced prices. Usage times PriceBook is Cost; a price that is not in it is an error, never 0."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, field_validator

from automl_bridge.errors import ConfigError, PriceUnknownError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["UNITS", "Price", "PriceBook", "parse_prices", "price_faults"]

UNITS = frozenset({
    "hour", "machine-hour", "instance-hour", "node-hour", "vcpu-hour", "GB-hour",
    "GB-month", "GB", "day", "1000 requests", "1000 operations", "1000 points", "1000 count", "1000 rows",
})  # fmt: skip
"""Units that a quantity of usage may be priced by."""

_SECOND = 1 / 3600


class Price(Frozen):
    """One row: what one unit of one thing costs in one region, since when and by whose word.

    Parameters
    ----------
    provider, service, sku, region
        What it is the price of.
    unit
        The quantity that costs `usd`; one of `UNITS`.
    usd
        US dollars per unit, more than 0.
    source_url, source_date
        Where it can be read, and when it was.
    confidence
        ``high``, ``medium`` or ``low``: how near the source is to the vendor's own list.
    note
        What else a reader should know.
    increment
        Steps in which it is billed, in `unit`; a file may say ``30s`` for a unit of hours. None: by the second
        for hours (SageMaker, Azure and Google's machines bill so), exactly for everything else.
    minimum
        The least that is billed of it, in `unit` or as ``60s``.
    imputed
        Whether nobody is billed it: the price of something like it.
    """

    provider: str = Field(min_length=1)
    service: str = Field(min_length=1)
    sku: str = Field(min_length=1)
    region: str = Field(min_length=1)
    unit: str
    usd: float = Field(gt=0, allow_inf_nan=False)
    source_url: str = Field(min_length=1)
    source_date: date
    confidence: str
    note: str = ""
    increment: float | None = Field(default=None, gt=0)
    minimum: float = Field(default=0.0, ge=0)
    imputed: bool = False

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: str) -> str:
        if unit not in UNITS:
            raise ValueError(f'unit "{unit}" is not known; units are {", ".join(sorted(UNITS))}')
        return unit

    @field_validator("increment", "minimum", mode="before")
    @classmethod
    def _in_hours(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().endswith("s"):
            return float(value.strip()[:-1]) * _SECOND
        return value

    @property
    def step(self) -> float | None:
        """The steps in which it is billed, in its unit; None: exactly."""
        if self.increment is None and self.unit.endswith("hour") and self.provider != "local":
            return _SECOND
        return self.increment

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is the price of: service, sku, region, unit."""
        return self.service, self.sku, self.region, self.unit


def _rows(text: str) -> Iterator[tuple[int, Price | str]]:
    """Yield line number and price of each row, or what is wrong with it."""
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        filled: dict[str, Any] = {name: value for name, value in row.items() if value not in (None, "")}
        try:
            yield number, Price.model_validate(filled)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            yield number, f"{where}: {first['msg']} ({first.get('input')!r})"


def price_faults(text: str) -> list[tuple[int, str]]:
    """Return line number and words for all rows that cannot be a `Price`, or that say two prices for one thing."""
    faults: list[tuple[int, str]] = []
    seen: dict[tuple[object, ...], Price] = {}
    for number, row in _rows(text):
        if isinstance(row, str):
            faults.append((number, row))
            continue
        other = seen.setdefault((*row.key, row.source_date), row)
        if other.usd != row.usd:
            faults.append((number, f"{row.sku} in {row.region} has two prices of {row.source_date}"))
    return faults


def parse_prices(text: str, where: str) -> list[Price]:
    """Read a CSV with the columns of `Price`.

    Parameters
    ----------
    text
        Its content.
    where
        What to call it in errors.

    Raises
    ------
    ConfigError
        If a row is not priced, dated and sourced, or has an unknown unit; names file and line.
    """
    faults = price_faults(text)
    if faults:
        number, what = faults[0]
        raise ConfigError(f"{where}, line {number}: {what}", hint="mend the row, or leave it out: it is then unknown")
    return [row for _, row in _rows(text) if isinstance(row, Price)]


class PriceBook:
    """Prices by service, sku, region and unit.

    Parameters
    ----------
    prices
        The rows. One thing may have several, of different dates.
    override
        Rows that win over all others for the same thing, whatever their date: negotiated prices.
    """

    def __init__(self, prices: Iterable[Price], override: Iterable[Price] = ()) -> None:
        self._prices: dict[tuple[str, str, str], list[Price]] = {}
        for price in prices:
            self._prices.setdefault(price.key[1:], []).append(price)
        for price in override:
            rows = self._prices.setdefault(price.key[1:], [])
            rows[:] = [*(row for row in rows if row.key != price.key), price]

    @classmethod
    def read(cls, path: Path) -> PriceBook:
        """Read a CSV with the columns of `Price`."""
        return cls(parse_prices(path.read_text(encoding="utf-8"), str(path)))

    def __iter__(self) -> Iterator[Price]:
        return (price for rows in self._prices.values() for price in rows)

    def __len__(self) -> int:
        return sum(map(len, self._prices.values()))

    def price(self, sku: str, region: str, unit: str, *, service: str | None = None, on: date | None = None) -> Price:
        """Return the price of ``sku``.

        Parameters
        ----------
        sku, region, unit
            What is priced.
        service
            Of which service; may be left out where one service alone has that sku.
        on
            The day: the latest price from before it, or the earliest that there is. None: the latest.

        Raises
        ------
        PriceUnknownError
            If it is not in the book: it cannot be priced, which is not the same as free.
        """
        rows = [row for row in self._prices.get((sku, region, unit), ()) if service in (None, row.service)]
        if not rows:
            raise self._unknown(sku, region, unit, service)
        services = sorted({row.service for row in rows})
        if len(services) > 1:
            raise PriceUnknownError(
                f'"{sku}" per {unit} in {region} is priced by {", ".join(services)}', hint="say which service is meant"
            )
        rows.sort(key=lambda row: row.source_date)
        before = [row for row in rows if on is None or row.source_date <= on]
        return before[-1] if before else rows[0]

    def _unknown(self, sku: str, region: str, unit: str, service: str | None) -> PriceUnknownError:
        of = f" of {service}" if service else ""
        elsewhere = sorted({row.region for row in self if row.sku == sku and row.unit == unit})
        known = f"its price is known in {', '.join(elsewhere)}; " if elsewhere else ""
        hint = f'{known}add a row to a file of your own and name it by the setting "prices"'
        return PriceUnknownError(f'no price is known for "{sku}"{of} per {unit} in {region}', hint=hint)
