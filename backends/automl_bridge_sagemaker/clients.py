"""boto3's clients, made when they are first needed. Credentials and endpoints are boto3's own business."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from automl_bridge_sagemaker.errors import translated

if TYPE_CHECKING:
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["Clients"]

UPLOADS = 4
"""Objects that are sent at the same time."""


class Clients:
    """Clients of one region.

    They are safe to use from several threads once made; the SDK asks a failed call again itself, up to three times
    in all, and what still fails is the engine's to repeat. Endpoints come from ``AWS_ENDPOINT_URL``.
    """

    def __init__(self, settings: SageMakerSettings) -> None:
        self._region = settings.region

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.session.Session(region_name=self._region)

    def _client(self, service: str, region: str | None = None) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=2 * UPLOADS,
            user_agent_extra="automl-bridge",
        )
        with translated(f"connecting to {service}"):
            return self._session.client(service, region_name=region or self._region, config=config)

    @cached_property
    def sagemaker(self) -> Any:
        """Jobs, models, endpoints."""
        return self._client("sagemaker")

    @cached_property
    def s3(self) -> Any:
        """Staged data and results."""
        return self._client("s3")

    @cached_property
    def sts(self) -> Any:
        """Who we are."""
        return self._client("sts")

    @cached_property
    def iam(self) -> Any:
        """Whether the role is there."""
        return self._client("iam")

    @cached_property
    def quotas(self) -> Any:
        """How many jobs and instances the account may have."""
        return self._client("service-quotas")

    @cached_property
    def pricing(self) -> Any:
        """The price list; it has an endpoint in few regions, and each answers for all (AWS General Reference)."""
        return self._client("pricing", "us-east-1")
