"""Where things lie in a bucket. It all follows from the JobSpec, so any process finds what another left.

::

    <prefix>/data/<key>/<part>/part-00000.…      staged rows; <key> is a digest of what they are
    <prefix>/data/<key>/<part>.json              written last: how many objects and rows, digest of the split
    <prefix>/jobs/<name>/                        what belongs to one job
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec

__all__ = ["Location", "data_key", "split_uri"]


class Location(NamedTuple):
    """A folder in a bucket (or container); `key` ends with a slash."""

    bucket: str
    key: str
    scheme: str = "s3"

    @property
    def uri(self) -> str:
        """The folder as ``s3://bucket/key/``, or by its own scheme."""
        return f"{self.scheme}://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> Location:
        """Return a folder in this one."""
        return self._replace(key=f"{self.key}{name.strip('/')}/")

    def file(self, name: str) -> str:
        """Return the key of a file in this folder."""
        return f"{self.key}{name}"

    @property
    def above(self) -> Location:
        """The folder that this one is in."""
        return self._replace(key=self.key.rstrip("/").rpartition("/")[0] + "/")

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.key.rstrip("/").rpartition("/")[2]


def split_uri(uri: str) -> Location:
    """Return scheme, bucket and key of ``s3://bucket/key``; the key stays as it is written."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return Location(bucket, key, scheme)


def data_key(spec: JobSpec, *, version: int, form: str) -> str:
    """Return a digest of the rows that ``spec`` needs staged: the same data, split alike, has the same one.

    Parameters
    ----------
    version
        Of the adapter's own layout; changes when the staged bytes of the same data would.
    form
        How the rows are written: ``csv``, ``parquet`` …
    """
    what = {
        "layout": version,
        "kind": spec.kind,
        "task": spec.task,
        "target": spec.target,
        "fingerprint": spec.profile.fingerprint,
        "rows": dict(sorted(spec.profile.rows.items())),
        "seed": spec.seed if spec.kind == "train" else None,
        "columns": [(c.name, c.safe_name, c.kind, c.role, c.arrow_type) for c in spec.profile.columns],
        "classes": spec.profile.classes if spec.kind == "train" else None,
        "format": form,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:32]
