"""What the backend must be told: where, as whom, and what it may assume. No secrets: those come from boto3's chain."""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from automl_bridge.errors import ConfigError

__all__ = ["Mode", "SageMakerSettings"]

Mode = Literal["AUTO", "ENSEMBLING", "HYPERPARAMETER_TUNING"]

_ROLE = re.compile(r"^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$")


def _region() -> str:
    """Return the region that boto3's own variables name, else us-east-1."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _names(value: Any) -> Any:
    """Read ``a, b`` from a variable as a list; lists stay lists."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


def _pairs(value: Any) -> Any:
    """Read ``{"team": "x"}`` or ``team=x,stage=y`` from a variable as a mapping."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    return dict(pair.split("=", 1) for pair in _names(value) if "=" in pair)


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]


class SageMakerSettings(BaseModel):
    """Settings of the sagemaker backend (``[backends.sagemaker]`` or ``AUTOML_BRIDGE_SAGEMAKER__NAME``).

    Parameters
    ----------
    region
        AWS region of jobs and bucket; ``AWS_REGION`` or ``AWS_DEFAULT_REGION`` where not set, else us-east-1.
    bucket
        Bucket for staged data and results; must be in `region`. Needed to run, not to plan.
    prefix
        Folder in the bucket under which everything is kept.
    role_arn
        Execution role that the jobs run as. Needed to run, not to plan.
    kms_key
        Key id or ARN for what is written to S3 and to the volumes; None: S3's own encryption (AES256).
    subnets, security_group_ids
        Of a VPC that the jobs run in; both or neither.
    tags
        Further tags for everything that is created.
    mode
        Training mode of a table. None: ENSEMBLING below 100 MB and HYPERPARAMETER_TUNING above, said explicitly;
        ``AUTO`` leaves the choice to the service.
    algorithms
        Algorithms to try; empty: the service's choice.
    data_format
        How tables are staged.
    transform_instance
        Instance type of the job that predicts.
    assumed_instance, assumed_parallelism
        What plans assume of the instances that the service picks: it takes neither type nor number as input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = Field(default_factory=_region, min_length=1)
    bucket: str | None = None
    prefix: str = Field(default="automl-bridge", pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$")
    role_arn: str | None = None
    kms_key: str | None = None
    subnets: Names = ()
    security_group_ids: Names = ()
    tags: Pairs = Field(default_factory=dict)
    mode: Mode | None = None
    algorithms: Names = ()
    data_format: Literal["parquet", "csv"] = "parquet"
    transform_instance: str = "ml.m5.xlarge"
    assumed_instance: str = "ml.m5.4xlarge"
    assumed_parallelism: int = Field(default=4, ge=1, le=100)

    def missing(self) -> list[str]:
        """Return the settings that a job needs and that are not set."""
        return [name for name in ("bucket", "role_arn") if not getattr(self, name)]

    def require(self) -> None:
        """Raise `ConfigError` unless everything is set that a job needs."""
        missing = self.missing()
        if missing:
            first = missing[0]
            raise ConfigError(
                f"the sagemaker backend needs {' and '.join(missing)}",
                hint=f"set {first} in [backends.sagemaker] or by AUTOML_BRIDGE_SAGEMAKER__{first.upper()}",
            )

    def check_form(self) -> None:
        """Raise `ConfigError` for values that the service would refuse whatever the job."""
        if self.role_arn and not (20 <= len(self.role_arn) <= 2048 and _ROLE.match(self.role_arn)):
            raise ConfigError(
                f"role_arn {self.role_arn!r} is not the ARN of an IAM role",
                hint="it looks like arn:aws:iam::123456789012:role/NAME",
                limit="sagemaker.all.role_arn",
            )
        if bool(self.subnets) != bool(self.security_group_ids):
            raise ConfigError("subnets and security_group_ids go together", hint="set both, or neither")
