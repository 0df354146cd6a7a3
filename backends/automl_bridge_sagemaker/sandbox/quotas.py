"""Service quotas of SageMaker: the few that bound an AutoML job."""

from __future__ import annotations

from typing import Any

from automl_bridge_sagemaker.sandbox.listing import page
from automl_bridge_sagemaker.sandbox.protocol import AwsError
from automl_bridge_sagemaker.sandbox.store import ACCOUNT

__all__ = ["answer"]

INSTANCES = ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.g4dn.xlarge")
USES = ("training job", "processing job", "transform job", "endpoint")


def answer(operation: str, body: dict[str, Any], region: str) -> dict[str, Any]:
    """Answer an operation of Service Quotas."""
    quotas = _quotas(region) if body.get("ServiceCode") == "sagemaker" else []
    if operation in {"ListServiceQuotas", "ListAWSDefaultServiceQuotas"}:
        return page(quotas, body, "Quotas", default=100)
    if operation in {"GetServiceQuota", "GetAWSDefaultServiceQuota"}:
        for quota in quotas:
            if quota["QuotaCode"] == body.get("QuotaCode"):
                return {"Quota": quota}
        raise AwsError("NoSuchResourceException", "The request failed because the specified service does not exist.")
    raise AwsError("UnknownOperationException", f"{operation} is not served by the sandbox")


def _quotas(region: str) -> list[dict[str, Any]]:
    names = [f"{instance} for {use} usage" for instance in INSTANCES for use in USES]
    values = [4.0 if "m5" in name else 1.0 for name in names]
    names += ["Maximum number of concurrent AutoML Jobs", "Maximum number of parallel training jobs per tuning job"]
    values += [4.0, 10.0]
    return [_quota(number, name, value, region) for number, (name, value) in enumerate(zip(names, values, strict=True))]


def _quota(number: int, name: str, value: float, region: str) -> dict[str, Any]:
    code = f"L-5A4DB0{number:02X}"
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
