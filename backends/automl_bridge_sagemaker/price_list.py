"""AWS's own price list (GetProducts of the Price List Query API), asked for what ``prices.csv`` names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.costs.prices import Price
from automl_bridge_sagemaker.errors import translated
from automl_bridge_sagemaker.rates import BATCH, HOSTING, PROCESSING, TRAINING, prices, sku

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["list_prices"]

SOURCE = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"
_UNITS = {"Hrs": "instance-hour", "hours": "instance-hour"}


def list_prices(clients: Clients, settings: SageMakerSettings) -> Iterator[Price]:
    """Yield today's on-demand prices of the instances in ``prices.csv`` and in the settings, by region and part.

    Attributes of a product are those of the list: ``component`` (Training, Processing, BatchTransform, Hosting),
    ``instanceName``, ``regionCode``. What has several prices (tiers) or none is left out.
    """
    wanted = {(row.sku, row.region) for row in prices() if row.unit == "instance-hour"}
    # What plans are made of, wherever that is: the table need not know the region.
    wanted |= {(sku(part, settings.assumed_instance), settings.region) for part in (TRAINING, PROCESSING)}
    wanted |= {(sku(part, settings.transform_instance), settings.region) for part in (BATCH, HOSTING)}
    for region in sorted({region for _, region in wanted}):
        names = {name for name, place in wanted if place == region}
        for part in sorted({name.partition(":")[0] for name in names}):
            for product in _products(clients, region, part):
                row = _price(product, part, region)
                if row is not None and row.sku in names:
                    names.discard(row.sku)
                    yield row


def _products(clients: Clients, region: str, part: str) -> Iterator[Mapping[str, Any]]:
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
        {"Type": "TERM_MATCH", "Field": "component", "Value": part},
    ]
    pages = clients.pricing.get_paginator("get_products").paginate(ServiceCode="AmazonSageMaker", Filters=filters)
    with translated(f"reading AWS's price list for {part} in {region}"):
        for page in pages:
            yield from map(json.loads, page["PriceList"])


def _price(product: Mapping[str, Any], part: str, region: str) -> Price | None:
    attributes = product["product"]["attributes"]
    instance = attributes.get("instanceName") or attributes.get("platoinstancename")
    dimensions = [
        dimension
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    if not instance or len(dimensions) != 1:
        return None
    usd = float(dimensions[0]["pricePerUnit"].get("USD", 0))
    unit = _UNITS.get(dimensions[0]["unit"])
    if unit is None or not usd > 0:
        return None
    return Price(
        provider="aws", service=f"SageMaker {part}", sku=sku(part, instance), region=region, unit=unit, usd=usd,
        source_url=SOURCE, source_date=datetime.now(UTC).date(), confidence="high",
        note=f"GetProducts SKU {product['product']['sku']}, published {product.get('publicationDate', 'unknown')}",
    )  # fmt: skip
