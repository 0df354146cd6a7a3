"""What the backend must be told: where, on which machines. No secrets: those come from azure-identity's chain."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from automl_bridge.errors import ConfigError

__all__ = ["AzureSettings", "Identity", "Tier"]

Tier = Literal["Standard", "Spot"]
Identity = Literal["user", "managed"]


def _pairs(value: Any) -> Any:
    """Read ``{"team": "x"}`` or ``team=x,stage=y`` from a variable as a mapping."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    return dict(pair.strip().split("=", 1) for pair in value.split(",") if "=" in pair)


Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]


class AzureSettings(BaseModel):
    """Settings of the azure backend (``[backends.azure]`` or ``AUTOML_BRIDGE_AZURE__NAME``).

    Parameters
    ----------
    subscription_id, resource_group, workspace
        The workspace. Needed to run, not to plan.
    region
        Region of the workspace, for prices. None: plans take eastus and say so; a cap in dollars is then refused
        when the workspace turns out to be elsewhere.
    compute
        Name of an existing compute cluster. None: serverless compute, which the service starts and removes.
    instance_type
        Machine size for tables and forecasts, and for predicting with them. With `compute`: the cluster's size, as
        plans take it; checked when the job is sent.
    gpu_instance_type
        Machine size for images and texts; of the NC or ND family.
    nodes
        Trials at a time, each on a machine of its own. Bounds the cost: timeout × nodes × price.
    tier
        ``Spot``: cheaper serverless machines that may be taken away. No price of theirs is known here.
    prefix
        Folder in the datastore under which everything is kept.
    datastore
        Blob datastore of the workspace for staged data and results; by default the workspace's own default.
    experiment
        Name under which jobs are grouped in the studio.
    identity
        As whom jobs read the data: ``user`` (who submits) or ``managed`` (the compute's). None: the service's choice.
    ensembles
        Whether voting and stacking ensembles are built at the end. None: only where neither time nor dollars are
        limited, since the job's timeout does not cover them.
    data_format
        How tables are staged.
    predict_environment
        Environment of the job that predicts, as ``azureml:NAME:VERSION`` or ``azureml://registries/…``. None: that of
        the run that trained the model, else what the model's own ``conda.yaml`` lists.
    price_list_url
        Address of the price list; None: Microsoft's own.
    tags
        Further tags for jobs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription_id: str | None = None
    resource_group: str | None = None
    workspace: str | None = None
    region: str | None = None
    compute: str | None = None
    instance_type: str = Field(default="Standard_DS3_v2", pattern=r"^Standard_[A-Za-z0-9_]+$")
    gpu_instance_type: str = Field(default="Standard_NC4as_T4_v3", pattern=r"^Standard_[A-Za-z0-9_]+$")
    nodes: int = Field(default=1, ge=1, le=100)
    tier: Tier = "Standard"
    prefix: str = Field(default="automl-bridge", pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$")
    datastore: str = Field(default="workspaceblobstore", pattern=r"^[A-Za-z0-9_]{1,255}$")
    experiment: str = Field(default="automl-bridge", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$")
    identity: Identity | None = None
    ensembles: bool | None = None
    data_format: Literal["parquet", "csv"] = "parquet"
    predict_environment: str | None = None
    price_list_url: str | None = None
    tags: Pairs = Field(default_factory=dict)

    def missing(self) -> list[str]:
        """Return the settings that a job needs and that are not set."""
        return [name for name in ("subscription_id", "resource_group", "workspace") if not getattr(self, name)]

    def require(self) -> None:
        """Raise `ConfigError` unless everything is set that a job needs."""
        missing = self.missing()
        if missing:
            raise ConfigError(
                f"the azure backend needs {' and '.join(missing)}",
                hint=f"set {missing[0]} in [backends.azure] or by AUTOML_BRIDGE_AZURE__{missing[0].upper()}",
            )

    @property
    def workspace_id(self) -> str:
        """The workspace's resource id, as Resource Manager writes it."""
        names = (self.subscription_id, self.resource_group, self.workspace)
        subscription, group, workspace = (name or "NOT-SET" for name in names)
        return (
            f"/subscriptions/{subscription}/resourceGroups/{group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
        )
