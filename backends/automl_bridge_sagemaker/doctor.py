"""Whether the backend could work: package, credentials, region, bucket, role, quotas. Reads only, spends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Check
from automl_bridge.errors import AutoMLBridgeError, ConfigError
from automl_bridge_sagemaker.errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.objects import Objects
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["check"]


def check(clients: Clients, objects: Objects, settings: SageMakerSettings) -> Iterator[Check]:
    """Look at one thing after the other; what cannot be looked at for want of rights is not known, not wrong."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        yield Check(name="package boto3", ok=True, detail=version("boto3"))
    except PackageNotFoundError:
        yield Check(name="package boto3", ok=False, detail='pip install "automl-bridge[sagemaker]"')
        return
    credentials = _looked("credentials", lambda: _identity(clients))
    yield credentials
    if not credentials.ok:
        return
    yield _looked(f"region {settings.region}", lambda: _service(clients))
    yield _looked(f"bucket {settings.bucket or '(not set)'}", lambda: _bucket(objects, settings))
    yield _looked(f"role {settings.role_arn or '(not set)'}", lambda: _role(clients, settings))
    yield _looked("quota", lambda: _quota(clients, settings))


def _looked(name: str, look: Callable[[], tuple[bool | None, str]]) -> Check:
    try:
        ok, detail = look()
    except AutoMLBridgeError as error:
        denied = "AccessDenied" in str(error.__cause__) or "not authorized" in error.message
        return Check(name=name, ok=None if denied else False, detail=error.message)
    return Check(name=name, ok=ok, detail=detail)


def _identity(clients: Clients) -> tuple[bool, str]:
    with translated("asking who we are"):
        return True, str(clients.sts.get_caller_identity()["Arn"])


def _service(clients: Clients) -> tuple[bool, str]:
    with translated("listing AutoML jobs"):
        clients.sagemaker.list_auto_ml_jobs(MaxResults=1)
    return True, "Autopilot answers"


def _bucket(objects: Objects, settings: SageMakerSettings) -> tuple[bool, str]:
    if not settings.bucket:
        raise ConfigError("set bucket in [backends.sagemaker] or by AUTOML_BRIDGE_SAGEMAKER__BUCKET")
    objects.check_region()
    return True, f"in {settings.region}"


def _role(clients: Clients, settings: SageMakerSettings) -> tuple[bool, str]:
    if not settings.role_arn:
        raise ConfigError("set role_arn in [backends.sagemaker] or by AUTOML_BRIDGE_SAGEMAKER__ROLE_ARN")
    settings.check_form()
    name = settings.role_arn.rpartition("/")[2]
    with translated(f"reading the role {name}"):
        role = clients.iam.get_role(RoleName=name)["Role"]
    trusted = "sagemaker.amazonaws.com" in str(role.get("AssumeRolePolicyDocument", ""))
    return trusted, "SageMaker may assume it" if trusted else "its trust policy does not name sagemaker.amazonaws.com"


def _quota(clients: Clients, settings: SageMakerSettings) -> tuple[bool | None, str]:
    """Look for the account's quota of the instance that plans assume, and of the one that predicts."""
    wanted = {
        f"{settings.assumed_instance} for training job usage": settings.assumed_parallelism,
        f"{settings.transform_instance} for transform job usage": 1,
    }
    found: dict[str, float] = {}
    with translated("reading quotas"):
        for page in clients.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
            found |= {one["QuotaName"]: one["Value"] for one in page["Quotas"] if one["QuotaName"] in wanted}
    if not found:
        return None, f"the account tells no quota of {' or '.join(wanted)}"
    short = {name: value for name, value in found.items() if value < wanted[name]}
    told = "; ".join(f"{name}: {value:g} (plans take {wanted[name]})" for name, value in (short or found).items())
    training = found.get(f"{settings.assumed_instance} for training job usage")
    if training is not None and training != settings.assumed_parallelism and training >= 1:
        # A plan is made without asking anybody, so that what the account may use gets into it by a setting.
        told += f"; with assumed_parallelism = {training:g} plans and caps reckon with all that the account may use"
    return not short, told
