"""Rows to the bucket: as many objects of a moderate size, each written once, several at a time.

An object is there whole or not at all, and its name follows from what it holds. So a break costs the objects that
were under way, the next attempt sends only what is missing, and the second staging of the same data sends nothing.
Memory holds as many objects as are sent at a time.
"""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Staged
from automl_bridge.data.parts import StoredParts
from automl_bridge.errors import ConfigError, RejectedError
from automl_bridge.spec import Role
from automl_bridge_sagemaker.clients import UPLOADS
from automl_bridge_sagemaker.layout import split_uri
from automl_bridge_sagemaker.wire import csv_bytes, feature_types, parquet_bytes, wire_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from automl_bridge.backend import Plan
    from automl_bridge.data.dataset import Dataset
    from automl_bridge_sagemaker.layout import Location
    from automl_bridge_sagemaker.objects import Objects
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["check_staged", "input_location", "stage"]

OBJECT_BYTES = 8 * 2**20
"""Rows of about so many bytes in memory become one object: small enough to hold a few, large enough to send well."""
MOST_OBJECTS = 500
"""Half of what makes Autopilot's AUTO mode give up looking at the size (limit sagemaker.tabular.auto_mode_objects)."""

_SUFFIX = {"parquet": ".parquet", "csv": ".csv"}


@dataclass(frozen=True)
class _Part:
    """One part of a dataset on its way to a folder."""

    dataset: Dataset
    name: str
    folder: Location
    form: str
    header: bool
    digest: str

    @property
    def parent(self) -> Location:
        return _above(self.folder)

    @property
    def marker(self) -> str:
        return _marker(self.folder)


def input_location(plan: Plan) -> Location:
    """Return the folder that a predict job reads."""
    request: Any = plan.request
    return split_uri(request["CreateTransformJob"]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])


def stage(plan: Plan, dataset: Dataset, objects: Objects, settings: SageMakerSettings) -> Staged:
    """Write what the job of ``plan`` reads; what is there already is not sent again.

    Raises
    ------
    ConfigError
        If bucket or role are not set, or the bucket is not in the region of the jobs.
    """
    settings.require()
    parts = list(_parts(plan, dataset))
    if any(part.folder.bucket != settings.bucket for part in parts):
        raise ConfigError(
            f"the job was planned for the bucket {parts[0].folder.bucket}, and the setting is {settings.bucket} now",
            hint="set the bucket that it was planned for, or start a new run",
        )
    objects.check_region()
    sent = 0
    if plan.spec.kind == "train":
        body = feature_types(dataset.profile)
        sent += len(body) if objects.create(parts[0].parent, "features.json", body, "application/json") else 0
    sent += sum(_send(part, objects) for part in parts)
    return Staged(uris={part.name: part.folder.uri for part in parts}, bytes_sent=sent)


def check_staged(staged: Staged, objects: Objects) -> None:
    """Raise `RejectedError` unless all parts are in the bucket, whole: what was staged may have been deleted since."""
    for part, uri in staged.uris.items():
        folder = split_uri(uri)
        if objects.read(_above(folder), _marker(folder)) is None:
            raise RejectedError(f"the staged rows of {part} are not in {uri} any more", hint="start a new run")


def _above(folder: Location) -> Location:
    return folder._replace(key=folder.key.rstrip("/").rpartition("/")[0] + "/")


def _marker(folder: Location) -> str:
    return folder.key.rstrip("/").rpartition("/")[2] + ".json"


def _parts(plan: Plan, dataset: Dataset) -> Iterator[_Part]:
    request: Any = plan.request
    if plan.spec.kind == "predict":
        yield _Part(dataset, "predict", input_location(plan), "csv", header=False, digest=dataset.profile.fingerprint)
        return
    digest = dataset.split_digest
    for channel in request["AutoMLJobInputDataConfig"]:
        folder = split_uri(channel["DataSource"]["S3DataSource"]["S3Uri"])
        name = {"training": "train", "validation": "validation"}[channel["ChannelType"]]
        form = "csv" if channel["ContentType"].startswith("text/csv") else "parquet"
        yield _Part(dataset, name, folder, form, header=True, digest=digest)


def _send(part: _Part, objects: Objects) -> int:
    """Write the objects of one part that are missing, then its marker; returns the bytes sent."""
    rows = part.dataset.profile.rows[part.name]
    starts = list(range(0, rows, _rows_per_object(part, rows)))
    marker = objects.read_json(part.parent, part.marker)
    if marker is not None and marker["digest"] != part.digest:
        raise RejectedError(
            f"{part.folder.uri} holds the same data in another split",
            hint="set another prefix in [backends.sagemaker], or delete that folder",
        )
    there = {stored.key for stored in objects.listed(part.folder)}
    missing = [number for number in range(len(starts)) if part.folder.file(_name(part, number)) not in there]
    sent = _send_missing(part, objects, [*starts, rows], missing)
    if marker is None:
        document = {"digest": part.digest, "rows": rows, "objects": len(starts), "format": part.form}
        body = json.dumps(document).encode()
        sent += len(body) if objects.create(part.parent, part.marker, body, "application/json") else 0
    return sent


def _send_missing(part: _Part, objects: Objects, bounds: list[int], missing: list[int]) -> int:
    if not missing:
        return 0

    def send(number: int) -> int:
        rows = _rows(part, bounds[number], bounds[number + 1])
        body = parquet_bytes(rows) if part.form == "parquet" else csv_bytes(rows, header=part.header)
        kind = "application/vnd.apache.parquet" if part.form == "parquet" else "text/csv"
        return len(body) if objects.create(part.folder, _name(part, number), body, kind) else 0

    with ThreadPoolExecutor(min(UPLOADS, len(missing)), thread_name_prefix="staging") as pool:
        futures = [pool.submit(send, number) for number in missing]
        try:
            return sum(future.result() for future in futures)
        finally:
            # After an error what has not begun is not sent; the next attempt goes on from there.
            pool.shutdown(wait=True, cancel_futures=True)


def _rows_per_object(part: _Part, rows: int) -> int:
    profile = part.dataset.profile
    per_row = max(1.0, profile.bytes / max(1, sum(profile.rows.values())))
    size = max(float(OBJECT_BYTES), rows * per_row / MOST_OBJECTS)
    return max(1, math.ceil(size / per_row))


def _name(part: _Part, number: int) -> str:
    return f"part-{number:05d}{_SUFFIX[part.form]}"


def _rows(part: _Part, start: int, stop: int) -> pa.Table:
    """Return the rows from ``start`` up to ``stop`` with target and weights, in the form that the service reads.

    A saved dataset is mapped anew for each object, so that its pages go when the object is sent.
    """
    whole = part.dataset if part.dataset.path is None else _mapped(part.dataset, part.name)
    held = replace(whole, parts={part.name: whole.parts[part.name].slice(start, stop - start)})
    profile = held.profile
    if part.name == "predict":
        return wire_rows(held.features(part.name), profile)
    weights = profile.with_role(Role.WEIGHT)
    return wire_rows(
        held.features(part.name),
        profile,
        codes=held.target_codes(part.name) if profile.classes else None,
        values=None if profile.classes else held.target_values(part.name)[:, 0],
        weights=held.weights(part.name),
        names=(profile.with_role(Role.TARGET)[0].safe_name, weights[0].safe_name if weights else "weight"),
    )


def _mapped(dataset: Dataset, part: str) -> Dataset:
    assert dataset.path is not None
    return replace(dataset, parts=StoredParts(dataset.path, (part,)))
