"""Where everything lies in the bucket. All of it follows from the JobSpec, so any process finds what another left.

::

    <prefix>/data/<key>/features.json            types of the columns, as the service reads them
    <prefix>/data/<key>/<part>/part-00000.…      staged rows; <key> is a digest of what they are
    <prefix>/data/<key>/<part>.json              written last: how many objects, rows and bytes, digest of the rows
    <prefix>/jobs/<name>/plan.json               the plan of a job, written before the job exists
    <prefix>/jobs/<name>/output/                 what the service writes for it
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["Location", "data_location", "job_location", "split_uri"]

LAYOUT_VERSION = 1
"""Changes when the staged bytes of the same data would: an old layout is never mistaken for a new one."""


class Location(NamedTuple):
    """A folder in a bucket; `key` ends with a slash."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The folder as ``s3://bucket/key/``."""
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> Location:
        """Return a folder in this one."""
        return Location(self.bucket, f"{self.key}{name.strip('/')}/")

    def file(self, name: str) -> str:
        """Return the key of a file in this folder."""
        return f"{self.key}{name}"


def split_uri(uri: str) -> Location:
    """Return bucket and key of ``s3://bucket/key``; the key stays as it is written."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return Location(bucket, key)


def _root(settings: SageMakerSettings) -> Location:
    # Without a bucket a plan can still be made and shown; nothing can be sent to this name.
    return Location(settings.bucket or "BUCKET-NOT-SET", settings.prefix.strip("/") + "/")


def data_location(spec: JobSpec, settings: SageMakerSettings) -> Location:
    """Return the folder of the staged rows of ``spec``: the same data, split alike, lies in the same one."""
    what = {
        "layout": LAYOUT_VERSION,
        "kind": spec.kind,
        "task": spec.task,
        "target": spec.target,
        "fingerprint": spec.profile.fingerprint,
        "rows": dict(sorted(spec.profile.rows.items())),
        "seed": spec.seed if spec.kind == "train" else None,
        "columns": [(c.name, c.safe_name, c.kind, c.role, c.arrow_type) for c in spec.profile.columns],
        "classes": spec.profile.classes if spec.kind == "train" else None,
        "format": settings.data_format if spec.kind == "train" else "csv",
    }
    key = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return _root(settings) / "data" / key


def job_location(name: str, settings: SageMakerSettings) -> Location:
    """Return the folder of the job ``name``."""
    return _root(settings) / "jobs" / name
