"""Cost: usage times prices, line by line. What is not known is said to be unknown, and never counted as 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_bridge.costs.usage import Part
from automl_bridge.errors import PriceUnknownError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from datetime import date

    from automl_bridge.costs.prices import Price, PriceBook
    from automl_bridge.costs.usage import Usage, UsageItem

__all__ = ["LOCAL_REGION", "Cost", "CostLine", "billed", "cost_of"]

LOCAL_REGION = "local"
"""The region of usage that names none: this machine."""

_SLACK = 1e-6
"""Part of an increment that is taken for an error of floating point, not for the beginning of another one."""


class CostLine(Frozen):
    """What one item of usage costs.

    Parameters
    ----------
    part, sku, region, unit
        What was used, for what and where.
    quantity
        What was metered, in `unit`.
    billed
        What of it is billed, after the vendor's increments and minimum; None if its price is unknown.
    usd
        US dollars; None if unknown.
    usd_per_unit, price_date, source_url
        The price behind it.
    basis
        Where the price comes from, in words that can be printed.
    imputed
        Whether nobody bills it: the price of something like it.
    estimated
        Whether the quantity is an estimate, as nothing meters it.
    unknown
        Why it cannot be priced; empty if it can.
    """

    part: Part
    sku: str
    region: str
    unit: str
    quantity: float
    billed: float | None = None
    usd: float | None = None
    usd_per_unit: float | None = None
    price_date: str | None = None
    source_url: str | None = None
    basis: str = ""
    imputed: bool = False
    estimated: bool = False
    unknown: str = ""


class Cost(Frozen):
    """What a usage costs.

    Parameters
    ----------
    lines
        One for each item of the usage.
    metered
        Whether the usage itself is known, all of it.
    """

    lines: tuple[CostLine, ...] = ()
    metered: bool = True

    @property
    def usd(self) -> float | None:
        """US dollars in all; None if anything about it is unknown."""
        return None if self.unknown else self.known_usd

    @property
    def known_usd(self) -> float:
        """US dollars of the lines that could be priced: what it costs at least."""
        return math.fsum(line.usd for line in self.lines if line.usd is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why the sum is unknown, a sentence for each reason; empty if it is known."""
        metered = () if self.metered else ("the usage is not known",)
        return (*metered, *dict.fromkeys(line.unknown for line in self.lines if line.unknown))

    @property
    def parts(self) -> dict[str, float | None]:
        """US dollars by part (training, prediction, storage, hosting, idle); None where a line of it is unknown."""
        sums: dict[str, float | None] = {}
        for line in self.lines:
            before = sums.get(line.part, 0.0)
            sums[line.part] = None if before is None or line.usd is None else before + line.usd
        return sums

    @property
    def price_date(self) -> str | None:
        """Date of the oldest price in it (ISO 8601); None if there is none."""
        return min((line.price_date for line in self.lines if line.price_date), default=None)

    @property
    def imputed(self) -> bool:
        """Whether a price in it is one that nobody bills."""
        return any(line.imputed for line in self.lines)

    @property
    def local(self) -> bool:
        """Whether all of it was used on this machine."""
        return bool(self.lines) and all(line.region == LOCAL_REGION for line in self.lines)

    @property
    def basis(self) -> str:
        """Where its prices come from, in words that can be printed."""
        if self.local:
            return "; ".join(dict.fromkeys(line.basis for line in self.lines if line.basis))
        regions = ", ".join(sorted({line.region for line in self.lines}))
        dates = sorted({line.price_date for line in self.lines if line.price_date})
        if not dates:
            return regions
        when = f"price of {dates[0]}" if len(dates) == 1 else f"prices of {dates[0]} to {dates[-1]}"
        return f"{regions}, {when}"


def billed(quantity: float, price: Price) -> float:
    """Return what is billed of ``quantity``: whole increments, and no less than the minimum; nothing of nothing."""
    if quantity <= 0:
        return 0.0
    step = price.step
    whole = quantity if step is None else math.ceil(quantity / step - _SLACK) * step
    return max(whole, price.minimum)


def cost_of(usage: Usage, book: PriceBook, on: date | None = None) -> Cost:
    """Price a usage.

    Parameters
    ----------
    usage
        What was metered, or is expected.
    book
        The prices.
    on
        The day whose prices hold; None: the latest.

    Returns
    -------
    Cost
        One line for each item; a line without a price says so.
    """
    return Cost(lines=tuple(_line(item, book, on) for item in usage.items), metered=usage.known)


def _line(item: UsageItem, book: PriceBook, on: date | None) -> CostLine:
    region = item.region or LOCAL_REGION
    same = {
        "part": item.part, "sku": item.sku, "region": region, "unit": item.unit, "quantity": item.quantity,
        "estimated": item.estimated,
    }  # fmt: skip
    try:
        price = book.price(item.sku, region, item.unit, on=on)
    except PriceUnknownError as error:
        return CostLine(**same, unknown=error.message)
    amount = billed(item.quantity, price)
    return CostLine(
        **same,
        billed=amount,
        usd=amount * price.usd,
        usd_per_unit=price.usd,
        price_date=price.source_date.isoformat(),
        source_url=price.source_url,
        basis=price.note if region == LOCAL_REGION else "",
        imputed=price.imputed,
    )
