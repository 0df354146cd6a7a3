"""What the backend must be told: where, and as whom it writes. No secrets: those come from google.auth's chain."""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from automl_bridge.errors import ConfigError

__all__ = ["ModelType", "VertexSettings"]

ModelType = Literal["CLOUD", "MOBILE_TF_LOW_LATENCY_1", "MOBILE_TF_VERSATILE_1", "MOBILE_TF_HIGH_ACCURACY_1"]

_KEY = re.compile(r"^projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+$")

_LOOPBACK = re.compile(r"^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?/?$")


def _project() -> str | None:
    """Return the project that Google's own variables name."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ.get("GCLOUD_PROJECT") or None


def _location() -> str:
    """Return the region that Google's own variables name, else us-central1."""
    return os.environ.get("GOOGLE_CLOUD_LOCATION") or os.environ.get("GOOGLE_CLOUD_REGION") or "us-central1"


def _pairs(value: Any) -> Any:
    """Read ``{"team": "x"}`` or ``team=x,stage=y`` from a variable as a mapping."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    return dict(pair.strip().split("=", 1) for pair in value.split(",") if "=" in pair)


def _bucket(value: Any) -> Any:
    """Take ``gs://name/`` for the name."""
    return value.removeprefix("gs://").rstrip("/") if isinstance(value, str) else value


Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]


class VertexSettings(BaseModel):
    """Settings of the vertex backend (``[backends.vertex]`` or ``AUTOML_BRIDGE_VERTEX__NAME``).

    Parameters
    ----------
    project
        Id of the project; ``GOOGLE_CLOUD_PROJECT`` where not set. Needed to run, not to plan.
    location
        Region of everything; ``GOOGLE_CLOUD_LOCATION`` where not set, else us-central1. There is no global one.
    bucket
        Bucket for staged data and results; must be in `location`. Needed to run, not to plan.
    prefix
        Folder in the bucket under which everything is kept.
    api_endpoint
        Host of the API; None: ``<location>-aiplatform.googleapis.com``. With ``http://``, or as an address of this
        machine, it is an emulator: no credentials are asked for and none are sent.
    transport
        ``rest`` or ``grpc``.
    service_account
        E-mail of the account that batch prediction runs as; None: the service's own.
    kms_key
        Customer-managed key for everything that is made, as ``projects/…/cryptoKeys/…``; None: Google's own.
    labels
        Further labels for everything that is created.
    predict_machine
        Machine type of the job that predicts a table. One machine, so that what it costs is bounded by time alone.
    model_type
        Of image models. ``CLOUD`` cannot be exported; the mobile ones can.
    context_window
        Steps that a forecast looks back; None: as many as the horizon.
    early_stopping
        Whether the service may stop before the budget is spent, when more training gains nothing.
    settle
        Seconds that the service's lists may lag behind a create whose answer was lost: so long is looked for it
        before it is asked for again.
    price_list_url
        Address of the price list; None: Google's own. With ``http://`` no credentials are sent.
    import_patience
        Seconds to wait for the import of images in one go; the wait is taken up again by ``runs wait``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    project: str | None = Field(default_factory=_project)
    location: str = Field(default_factory=_location, pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    bucket: Annotated[str | None, BeforeValidator(_bucket)] = None
    prefix: str = Field(default="automl-bridge", pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$")
    api_endpoint: str | None = None
    transport: Literal["rest", "grpc"] = "rest"
    service_account: str | None = None
    kms_key: str | None = None
    labels: Pairs = Field(default_factory=dict)
    predict_machine: str = "n1-standard-4"
    model_type: ModelType = "CLOUD"
    context_window: int | None = Field(default=None, ge=0)
    early_stopping: bool = True
    settle: float = Field(default=5.0, ge=0)
    price_list_url: str | None = None
    import_patience: float = Field(default=3600.0, gt=0)

    @property
    def parent(self) -> str:
        """The location as the API names it."""
        return f"projects/{self.project or 'PROJECT-NOT-SET'}/locations/{self.location}"

    @property
    def host(self) -> str:
        """Host of the API, with its port, without a scheme."""
        given = self.api_endpoint or f"{self.location}-aiplatform.googleapis.com"
        return given.partition("://")[2].rstrip("/") if "://" in given else given.rstrip("/")

    @property
    def emulated(self) -> bool:
        """Whether the endpoint is an emulator's: plain HTTP or this machine. No credentials are ever sent there."""
        given = self.api_endpoint or ""
        return given.startswith("http://") or ("://" not in given and bool(_LOOPBACK.match(given)))

    def missing(self) -> list[str]:
        """Return the settings that a job needs and that are not set."""
        return [name for name in ("project", "bucket") if not getattr(self, name)]

    def require(self) -> None:
        """Raise `ConfigError` unless everything is set that a job needs."""
        missing = self.missing()
        if missing:
            first = missing[0]
            raise ConfigError(
                f"the vertex backend needs {' and '.join(missing)}",
                hint=f"set {first} in [backends.vertex] or by AUTOML_BRIDGE_VERTEX__{first.upper()}",
            )

    def check_form(self) -> None:
        """Raise `ConfigError` for values that the service would refuse whatever the job."""
        found = _KEY.match(self.kms_key) if self.kms_key else None
        if self.kms_key and found is None:
            raise ConfigError(
                f"kms_key {self.kms_key!r} is not the name of a key",
                hint="it looks like projects/P/locations/L/keyRings/R/cryptoKeys/K",
            )
        if found is not None and found["location"] != self.location:
            raise ConfigError(
                f"the key is in {found['location']}, the jobs would run in {self.location}",
                hint=f"set a key of {self.location}, or another location",
            )
