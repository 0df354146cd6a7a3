"""Google's own price list (Cloud Billing Catalog API), asked for what ``prices.csv`` names of AutoML.

Source: https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list. SKUs are told apart by their
descriptions only, and those of AutoML could not be read without an account. So words are looked for, and a price is
taken only where they fit one SKU of the region; what is found says by which description.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.web import read_json
from automl_bridge.costs.prices import Price
from automl_bridge.errors import UnsupportedError
from automl_bridge_vertex.errors import translated
from automl_bridge_vertex.rates import prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["SERVICE", "URL", "list_prices"]

URL = "https://cloudbilling.googleapis.com/v1"
SERVICE = "services/C7E2-9256-1C43"
"""Vertex AI in the catalogue."""
_SCOPE = "https://www.googleapis.com/auth/cloud-billing.readonly"
_MOST_PAGES = 50

# Words that a description has, in any order, and words that it has not.
_WORDS: dict[str, tuple[str, str]] = {
    "Training:tabular": (r"automl|tabular|tables", r"forecast|image|text|video|edge|predict|deploy"),
    "Training:forecasting": (r"forecast", r"predict|deploy|image|text|video"),
    "Training:image": (r"image", r"edge|object|segment|predict|deploy|imagen|generat"),
    "Deployment:image": (r"image", r"edge|object|segment|training|imagen|generat|batch"),
}
_DOING = {"Training": r"training", "Deployment": r"deploy|online"}


def list_prices(settings: VertexSettings, *, sandbox: bool = False) -> Iterator[Price]:
    """Yield today's prices of AutoML's node hours by region; what words fit not, or fit twice, is left out.

    Raises
    ------
    UnsupportedError
        In a sandbox, which has no price list, unless `price_list_url` names one: the real one is not asked from there.
    """
    if sandbox and settings.price_list_url is None:
        hint = "set price_list_url, or ask without a sandbox"
        raise UnsupportedError("the gcp sandbox has no price list", hint=hint)
    skus = list(_skus(settings.price_list_url or URL, _headers(settings)))
    for row in prices():
        if row.sku in _WORDS and row.unit == "node-hour":
            fitting = [sku for sku in skus if _fits(sku, row)]
            if len(fitting) == 1:
                found = _price(fitting[0], row)
                if found is not None:
                    yield found


def _headers(settings: VertexSettings) -> dict[str, str]:
    if settings.price_list_url is not None and settings.price_list_url.startswith("http://"):
        return {}
    import google.auth
    from google.auth.transport.requests import Request

    with translated("logging in to read the price list"):
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
        return {"Authorization": f"Bearer {credentials.token}"}


def _skus(url: str, headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    params = {"currencyCode": "USD", "pageSize": "5000"}
    for _ in range(_MOST_PAGES):
        page = read_json(f"{url}/{SERVICE}/skus", params, headers=headers)
        yield from page.get("skus", ())
        if not page.get("nextPageToken"):
            return
        params = {**params, "pageToken": page["nextPageToken"]}


def _fits(sku: Mapping[str, Any], row: Price) -> bool:
    words, unwanted = _WORDS[row.sku]
    said = str(sku["description"]).lower()
    here = row.region in sku.get("serviceRegions", ()) and sku.get("category", {}).get("usageType") == "OnDemand"
    meant = re.search(words, said) and re.search(_DOING[row.sku.partition(":")[0]], said)
    return bool(here and meant and not re.search(unwanted, said))


def _price(sku: Mapping[str, Any], row: Price) -> Price | None:
    expression = sku["pricingInfo"][-1]["pricingExpression"]
    tiers: Sequence[Mapping[str, Any]] = [rate for rate in expression["tieredRates"] if _usd(rate) > 0]
    if expression["usageUnit"] != "h" or len(tiers) != 1:
        return None
    changes = {
        "usd": _usd(tiers[0]),
        "source_url": "https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list",
        "source_date": datetime.now(UTC).date(),
        "confidence": "medium",
        "note": f"SKU {sku['skuId']}, found by its description: {sku['description']}",
    }
    return Price.model_validate({**row.model_dump(), **changes})


def _usd(rate: Mapping[str, Any]) -> float:
    price = rate["unitPrice"]
    return int(price.get("units") or 0) + int(price.get("nanos") or 0) / 1e9
