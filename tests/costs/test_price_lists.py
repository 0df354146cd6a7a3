"""Price lists of Microsoft and Google, from servers that answer with documents of the real shapes."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from automl_bridge.errors import CredentialsError, ThrottledError, TransientError, UnsupportedError
from automl_bridge_azure import AzureBackend
from automl_bridge_azure.settings import AzureSettings
from automl_bridge_vertex import VertexBackend
from automl_bridge_vertex.settings import VertexSettings


class List:
    """A server on loopback; `answer` is asked for (status, document) by path and query."""

    def __init__(self, answer):
        owner = self
        self.answer, self.asked = answer, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                owner.asked.append((parts.path, query, dict(self.headers)))
                status, document = owner.answer(parts.path, query)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/list"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def served():
    made = []

    def start(answer):
        made.append(List(answer))
        return made[-1]

    yield start
    for one in made:
        one.close()


def meter(size, region, usd, *, product="Virtual Machines DSv2 Series", name="DS3 v2", **changes):
    return {
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": usd, "unitPrice": usd, "armRegionName": region,
        "location": "US East", "effectiveStartDate": "2026-01-01T00:00:00Z", "meterId": "m", "meterName": name,
        "productId": "DZH318Z0BQ4W", "skuId": "DZH318Z0BQ4W/00BQ", "productName": product, "skuName": name,
        "serviceName": "Virtual Machines", "serviceId": "DZH313Z7MMC8", "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour", "type": "Consumption", "isPrimaryMeterRegion": True, "armSkuName": size, **changes,
    }  # fmt: skip


def azure(served, tmp_path, pages):
    def answer(path, query):
        if "armRegionName eq 'eastus'" in query.get("$filter", "") or "page" in query:
            number = int(query.get("page", 0))
            following = f"{made.url}?page={number + 1}" if number + 1 < len(pages) else None
            return 200, {"BillingCurrency": "USD", "Items": pages[number], "NextPageLink": following, "Count": 1}
        return 200, {"BillingCurrency": "USD", "Items": [], "NextPageLink": None, "Count": 0}

    made = served(answer)
    return AzureBackend(AzureSettings(price_list_url=made.url), tmp_path), made


def test_azure_lists_linux_machines_by_the_hour_over_all_pages(served, tmp_path):
    size = "Standard_DS3_v2"
    pages = [
        [
            meter(size, "eastus", 0.4, product="Virtual Machines DSv2 Series Windows"),
            meter(size, "eastus", 0.05, name="DS3 v2 Spot"),
            meter(size, "eastus", 0.06, name="DS3 v2 Low Priority"),
            meter(size, "eastus", 0.0),
            meter(size, "eastus", 9.0, type="DevTestConsumption"),
        ],
        [meter(size, "eastus", 0.3), meter("Standard_M416", "eastus", 99.0)],
    ]
    backend, made = azure(served, tmp_path, pages)
    (found,) = backend.list_prices()
    assert (found.sku, found.region, found.unit, found.usd) == (size, "eastus", "hour", 0.3)
    _, query, _ = made.asked[0]
    assert query["api-version"]
    assert "priceType eq 'Consumption'" in query["$filter"]


def sku(description, usd, region="us-central1", **changes):
    units, nanos = divmod(round(usd * 1e9), 10**9)
    expression = {
        "usageUnit": "h", "displayQuantity": 1, "baseUnit": "s", "baseUnitConversionFactor": 3600,
        "tieredRates": [
            {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": str(units), "nanos": nanos}}
        ],
    }  # fmt: skip
    return {
        "name": "services/C7E2-9256-1C43/skus/0001-0001-0001", "skuId": "0001-0001-0001", "description": description,
        "category": {"serviceDisplayName": "Vertex AI", "resourceFamily": "ApplicationServices",
                     "resourceGroup": "AutoML", "usageType": "OnDemand"},
        "serviceRegions": [region], "serviceProviderName": "Google",
        "pricingInfo": [{"summary": "", "effectiveTime": "2026-01-01T00:00:00Z", "pricingExpression": expression}],
        **changes,
    }  # fmt: skip


def vertex(served, tmp_path, skus):
    def answer(path, query):
        assert path == "/list/services/C7E2-9256-1C43/skus"
        start = int(query.get("pageToken", 0))
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(skus) else {"nextPageToken": ""}
        return 200, {"skus": skus[start : start + 2], **more}

    made = served(answer)
    settings = VertexSettings(project="p", bucket="b", location="us-central1", price_list_url=made.url)
    return VertexBackend(settings, tmp_path), made


def test_google_lists_node_hours_found_by_the_words_of_their_descriptions(served, tmp_path):
    skus = [
        sku("Gemini 3 Flash Text Input", 0.1),
        sku("AutoML Tabular Training in Iowa", 22.5),
        sku("AutoML Forecasting Training in Iowa", 21.0),
        sku("AutoML Image Classification Training in Iowa", 3.5),
        sku("AutoML Image Object Detection Training in Iowa", 3.6),
        sku("AutoML Tabular Training in Iowa, committed", 9.0, category={"usageType": "Commit1Yr"}),
    ]
    backend, made = vertex(served, tmp_path, skus)
    found = {row.sku: row.usd for row in backend.list_prices()}
    assert found == {"Training:tabular": 22.5, "Training:forecasting": 21.0, "Training:image": 3.5}
    assert len(made.asked) == 3
    assert not any("Authorization" in headers for _, _, headers in made.asked)


def test_what_fits_twice_is_left_out(served, tmp_path):
    backend, _ = vertex(served, tmp_path, [sku("AutoML Tabular Training", 20.0), sku("AutoML Tables Training", 21.0)])
    assert list(backend.list_prices()) == []


@pytest.mark.parametrize(
    ("status", "kind"), [(401, CredentialsError), (403, CredentialsError), (429, ThrottledError), (503, TransientError)]
)
def test_a_list_that_refuses_is_a_typed_error(served, tmp_path, status, kind):
    made = served(lambda *_: (status, {}))
    with pytest.raises(kind, match=str(status)):
        list(AzureBackend(AzureSettings(price_list_url=made.url), tmp_path).list_prices())


def test_from_a_sandbox_no_real_list_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_SANDBOX", "azure,gcp")
    for backend in (AzureBackend(AzureSettings(), tmp_path), VertexBackend(VertexSettings(), tmp_path)):
        with pytest.raises(UnsupportedError, match="sandbox has no price list"):
            list(backend.list_prices())
