"""The price list: `pricing.get_products` in AWS's shapes, with the few prices of ``prices.csv``."""

from __future__ import annotations

import csv
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from automl_bridge_sagemaker.sandbox.listing import page
from automl_bridge_sagemaker.sandbox.protocol import AwsError, invalid

__all__ = ["answer"]

ENDPOINT_REGIONS = frozenset({"us-east-1", "ap-south-1", "eu-central-1"})  # where the service exists
PREFIXES = {"us-east-1": "USE1", "us-east-2": "USE2", "us-west-2": "USW2", "eu-west-1": "EU", "eu-west-3": "EUW3",
            "sa-east-1": "SAE1", "ap-south-1": "APS3"}  # fmt: skip
USAGE = {"Training": "Train", "Hosting": "Host", "Processing": "Processing", "BatchTransform": "Tsform"}
PUBLISHED = "2026-09-24T00:00:00Z"


def answer(operation: str, body: dict[str, Any], region: str) -> dict[str, Any]:
    """Answer an operation of the price list."""
    if region not in ENDPOINT_REGIONS:
        raise AwsError("UnrecognizedClientException", f"the price list has no endpoint in {region}", 400)
    if operation != "GetProducts":
        raise AwsError("UnknownOperationException", f"{operation} is not served by the sandbox", 400)
    if body.get("ServiceCode") != "AmazonSageMaker":
        return {"FormatVersion": "aws_v1", "PriceList": []}
    products = [product for product in _products() if _fits(product["product"]["attributes"], body.get("Filters", []))]
    found = page([json.dumps(product) for product in products], body, "PriceList", default=100)
    return {"FormatVersion": "aws_v1", **found}


def _fits(attributes: dict[str, str], filters: list[dict[str, str]]) -> bool:
    for one in filters:
        value, wanted = attributes.get(one["Field"], ""), one["Value"]
        test = {
            "TERM_MATCH": value == wanted,
            "EQUALS": value == wanted,
            "CONTAINS": wanted in value,
            "ANY_OF": value in wanted.split(","),
            "NONE_OF": value not in wanted.split(","),
        }
        if one["Type"] not in test:
            raise invalid(f"Filter type {one['Type']} is not known")
        if not test[one["Type"]]:
            return False
    return True


@cache
def _products() -> list[dict[str, Any]]:
    with (Path(__file__).parent / "prices.csv").open(newline="") as file:
        return [_product(row) for row in csv.DictReader(file)]


def _product(row: dict[str, str]) -> dict[str, Any]:
    component, instance, region = row["component"], row["instance"], row["region"]
    sku = hashlib.sha256(f"{component}/{instance}/{region}".encode()).hexdigest()[:16].upper()
    dimension = {
        "unit": "Hrs",
        "description": f"${row['usd']} per {component} {instance} hour in {region}",
        "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
        "beginRange": "0",
        "endRange": "Inf",
        "appliesTo": [],
        "pricePerUnit": {"USD": f"{float(row['usd']):.10f}"},
    }
    term = {"sku": sku, "effectiveDate": PUBLISHED, "offerTermCode": "JRTCKXETXF", "termAttributes": {}}
    attributes = {
        "instanceName": instance,
        "component": component,
        "regionCode": region,
        "platoinstancetype": instance,
        "instanceType": f"{instance}-{component}",
        "usagetype": f"{PREFIXES[region]}-{USAGE[component]}:{instance}",
        "servicecode": "AmazonSageMaker",
    }
    return {
        "product": {"sku": sku, "productFamily": "ML Instance", "attributes": attributes},
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": {
            **term, "priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": dimension}}}},
        "publicationDate": PUBLISHED,
    }  # fmt: skip
