"""Azure's own price list (Retail Prices API), asked for the machines in ``prices.csv``.

Source: https://learn.microsoft.com/en-us/rest/api/cost-management/retail-prices/azure-retail-prices. It needs no
account. A row is a meter: of one machine there are some for Windows, for Spot and for Low Priority, which are left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.web import read_json
from automl_bridge.costs.prices import Price
from automl_bridge.errors import UnsupportedError
from automl_bridge_azure.rates import UNIT, planned_region, prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_bridge_azure.settings import AzureSettings

__all__ = ["URL", "list_prices"]

URL = "https://prices.azure.com/api/retail/prices"
_VERSION = "2023-01-01-preview"
_SERVICE = "Virtual Machines"
_MOST_PAGES = 100


def list_prices(settings: AzureSettings, *, sandbox: bool = False) -> Iterator[Price]:
    """Yield today's pay-as-you-go prices of the machines in ``prices.csv`` and in the settings, region by region.

    Raises
    ------
    UnsupportedError
        In a sandbox, which has no price list, unless `price_list_url` names one: the real one is not asked from there.
    """
    if sandbox and settings.price_list_url is None:
        raise UnsupportedError(
            "the azure sandbox has no price list", hint="set price_list_url, or ask without a sandbox"
        )
    wanted = {(row.sku, row.region) for row in prices() if row.service == _SERVICE}
    wanted |= {(size, planned_region(settings)) for size in (settings.instance_type, settings.gpu_instance_type)}
    for region in sorted({place for _, place in wanted}):
        sizes = {size for size, place in wanted if place == region}
        for item in _items(settings.price_list_url or URL, region, sizes):
            row = _price(item, region)
            if row is not None and row.sku in sizes:
                sizes.discard(row.sku)
                yield row


def _items(url: str, region: str, sizes: set[str]) -> Iterator[Mapping[str, Any]]:
    named = " or ".join(f"armSkuName eq '{size}'" for size in sorted(sizes))
    wanted = f"serviceName eq '{_SERVICE}' and armRegionName eq '{region}' and priceType eq 'Consumption' and ({named})"
    page = read_json(url, {"api-version": _VERSION, "$filter": wanted})
    for _ in range(_MOST_PAGES):
        yield from page["Items"]
        following = page.get("NextPageLink")
        if not following:
            return
        page = read_json(following, {})


def _price(item: Mapping[str, Any], region: str) -> Price | None:
    words = f"{item['productName']} {item['skuName']} {item['meterName']}"
    other = any(word in words for word in ("Windows", "Spot", "Low Priority", "CloudServices"))
    plain = item["type"] == "Consumption" and item["unitOfMeasure"] == "1 Hour" and not item.get("tierMinimumUnits")
    if other or not plain or item["currencyCode"] != "USD" or not item["retailPrice"] > 0:
        return None
    meter, since = item.get("meterId", "unknown"), item.get("effectiveStartDate", "unknown")
    return Price(
        provider="azure", service=_SERVICE, sku=item["armSkuName"], region=region, unit=UNIT, usd=item["retailPrice"],
        source_url=URL, source_date=datetime.now(UTC).date(), confidence="high",
        note=f"meter {meter}, {item['productName']}, since {since}",
    )  # fmt: skip
