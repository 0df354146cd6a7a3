"""Looking over price lists: old rows, unknown units, cheaper prices of larger sizes, sources without an address."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from automl_bridge.costs.prices import Price, parse_prices, price_faults
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

__all__ = ["OLD_DAYS", "Finding", "verify_prices"]

OLD_DAYS = 180
"""Days after which a price is called old."""

# Sizes of AWS by name; the number before xlarge orders the rest.
_NAMED = {"nano": 0.06, "micro": 0.12, "small": 0.25, "medium": 0.5, "large": 1.0, "xlarge": 2.0}


class Finding(Frozen):
    """What is wrong with a row: a fault, or a warning that a reader may live with."""

    level: Literal["fault", "warning"]
    where: str
    message: str


def verify_prices(text: str, where: str, today: date) -> list[Finding]:
    """Look over one file of prices.

    Parameters
    ----------
    text, where
        Its content, and what to call it.
    today
        What the age of a row is counted to.
    """
    faults = price_faults(text)
    if faults:
        return [Finding(level="fault", where=f"{where}, line {number}", message=what) for number, what in faults]
    rows = parse_prices(text, where)
    return [*_dates(rows, where, today), *_sources(rows, where), *_sizes(rows, where)]


def _dates(rows: Iterable[Price], where: str, today: date) -> Iterator[Finding]:
    for row in rows:
        age = (today - row.source_date).days
        if age < 0:
            yield Finding(level="fault", where=where, message=f"{_named(row)} is dated {row.source_date}, after today")
        elif age > OLD_DAYS:
            yield Finding(level="warning", where=where, message=f"{_named(row)} is {age} days old")


def _sources(rows: Iterable[Price], where: str) -> Iterator[Finding]:
    for row in rows:
        if row.source_url.startswith("unlinked:"):
            level: Literal["fault", "warning"] = "fault" if row.confidence == "high" else "warning"
            yield Finding(level=level, where=where, message=f"{_named(row)} has a source without an address")


def _sizes(rows: Iterable[Price], where: str) -> Iterator[Finding]:
    families: dict[tuple[str, ...], list[tuple[float, Price]]] = {}
    for row in rows:
        family, size = _family(row.sku)
        if size is not None:
            # Rows of different years are no list that anybody charged by.
            key = (row.provider, row.service, row.region, row.unit, str(row.source_date.year), family)
            families.setdefault(key, []).append((size, row))
    for members in families.values():
        members.sort(key=lambda one: one[0])
        for (small, less), (large, more) in pairwise(members):
            if large > small and more.usd < less.usd:
                message = f"{_named(more)} costs less than the smaller {less.sku}: ${more.usd:g} against ${less.usd:g}"
                yield Finding(level="fault", where=where, message=message)


def _family(sku: str) -> tuple[str, float | None]:
    """Return the family of a machine and its size within it; no size for what is no machine.

    ``ml.m5.4xlarge`` is size 8 of ``ml.m5`` (AWS), ``n1-standard-4`` size 4 of ``n1-standard`` (Google), and
    ``Standard_D4s_v3`` size 4 of ``Standard_D#s_v3`` (Azure; DS11_v2 to DS15_v2 are a family beside DS1_v2 to DS5_v2).
    """
    aws = re.fullmatch(r"(.*\.)(\d*)(nano|micro|small|medium|large|xlarge)", sku)
    if aws:
        return aws[1], _NAMED[aws[3]] * float(aws[2] or 1)
    google = re.fullmatch(r"(.*[a-z])-(\d+)", sku)
    if google:
        return google[1], float(google[2])
    azure = re.fullmatch(r"(Standard_[A-Z]+)(\d+)(.*)", sku)
    if azure:
        memory = re.fullmatch(r"Standard_DS?1[1-5]_v2", sku) is not None
        return f"{azure[1]}#{'memory' if memory else ''}{azure[3]}", float(azure[2])
    return sku, None


def _named(row: Price) -> str:
    return f"{row.sku} in {row.region}"
