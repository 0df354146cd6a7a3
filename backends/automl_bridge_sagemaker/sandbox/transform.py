"""A transform job: real predictions for the objects in S3, ready when the simulated clock says so."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge.sandbox.trainers import Model, SeriesModel, UnusableDataError
from automl_bridge_sagemaker.sandbox import artefacts, records
from automl_bridge_sagemaker.sandbox.data import Channel, read_csv
from automl_bridge_sagemaker.sandbox.forecasts import forecast_csv
from automl_bridge_sagemaker.sandbox.inference import InferenceError, lines_of, response_keys
from automl_bridge_sagemaker.sandbox.jobs import arn_of
from automl_bridge_sagemaker.sandbox.protocol import AwsError, invalid
from automl_bridge_sagemaker.sandbox.store import split_uri
from automl_bridge_sagemaker.sandbox.world import CAPACITY

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge_sagemaker.sandbox.world import World

__all__ = ["TransformJob", "check_transform"]

SECONDS = 300.0
STOPPING_SECONDS = 30.0
DEFAULT_PAYLOAD_MB = 6


def check_transform(body: dict[str, Any]) -> None:
    """Raise what the service answers at once (API_CreateTransformJob, API_DataProcessing)."""
    payload = body.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    if payload > 100 or payload * max(body.get("MaxConcurrentTransforms", 1), 1) > 100:
        raise invalid("MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB")
    source, target = body["TransformInput"], body["TransformOutput"]
    line = source.get("SplitType") == "Line"
    if body.get("BatchStrategy") and source.get("SplitType", "None") == "None":
        raise invalid("BatchStrategy needs a SplitType")
    if body.get("DataProcessing", {}).get("JoinSource") == "Input" and not (
        line and target.get("AssembleWith") == "Line" and target.get("Accept") == source.get("ContentType")
    ):
        raise invalid("JoinSource Input needs the same SplitType and AssembleWith, and Accept equal to ContentType")


class TransformJob:
    """A job that `CreateTransformJob` started. Its attributes ``arn`` and ``tags`` are what moto reads of it."""

    def __init__(self, body: dict[str, Any], region: str, world: World, containers: list[dict[str, Any]]) -> None:
        self.body = body
        self.region = region
        self.world = world
        self.name = self.transform_job_name = str(body["TransformJobName"])
        self.arn = arn_of(region, "transform-job", self.name)
        self.tags: list[dict[str, str]] = list(body.get("Tags", []))
        self.created = self.modified = world.clock.time()
        self.ended: float | None = None
        self.status, self.failure = "InProgress", ""
        self.stop_at: float | None = None
        self.fate = world.draw_fate("CreateTransformJob")
        self.work = world.work(self._predict_all, containers)
        world.clock.run_until(self.created + SECONDS)

    def settle(self, now: float) -> None:
        """Move on to ``now``; called under the world's lock."""
        if self.ended is not None:
            return
        elapsed = now - self.created
        if self.stop_at is not None:
            if now >= self.stop_at + STOPPING_SECONDS:
                self._end(self.stop_at + STOPPING_SECONDS, "Stopped")
        elif self.fate is FaultKind.JOB_HANGS:
            return
        elif self.fate is FaultKind.JOB_CAPACITY and elapsed >= SECONDS / 2:
            self._end(self.created + SECONDS / 2, "Failed", CAPACITY)
        elif self.fate is FaultKind.JOB_FAILS and elapsed >= SECONDS / 2:
            self._end(self.created + SECONDS / 2, "Failed", "InternalServerError: the job failed on request")
        elif self.fate is FaultKind.JOB_STOPS and elapsed >= SECONDS / 2:
            self._end(self.created + SECONDS / 2, "Stopped")
        elif elapsed >= SECONDS and self.work.done():
            written, failure = self._outcome()
            for uri, content in written.items():
                self.world.store.write(uri, content)
            self._end(self.created + SECONDS, "Failed" if failure else "Completed", failure)

    def _outcome(self) -> tuple[dict[str, bytes], str]:
        error = self.work.exception()
        if error is not None:
            return {}, f"InternalServerError: {error!r}"[:1024]
        return self.work.result()  # type: ignore[no-any-return]

    def _end(self, at: float, status: str, failure: str = "") -> None:
        self.ended = self.modified = at
        self.status, self.failure = status, failure

    def stop(self, now: float) -> None:
        """Ask it to stop: it then writes nothing (API_StopTransformJob)."""
        if self.stop_at is None:
            self.stop_at = self.modified = now
            self.status = "Stopping"
            self.world.clock.run_until(now + STOPPING_SECONDS)

    def summary(self) -> dict[str, Any]:
        """Return it as `ListTransformJobs` does."""
        found: dict[str, Any] = {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "TransformJobStatus": self.status,
        }
        if self.ended is not None:
            found["TransformEndTime"] = self.ended
        if self.failure:
            found["FailureReason"] = self.failure
        return found

    def describe(self) -> dict[str, Any]:
        """Return it as `DescribeTransformJob` does."""
        sent = {name: value for name, value in self.body.items() if name not in {"Tags", "ExperimentConfig"}}
        return {**sent, **self.summary(), "TransformStartTime": self.created}

    # The predictions themselves

    def _predict_all(self, containers: list[dict[str, Any]]) -> tuple[dict[str, bytes], str]:
        """Return what is to be written, by address, and why the job fails if it does."""
        written: dict[str, bytes] = {}
        source = self.body["TransformInput"]
        location = source["DataSource"]["S3DataSource"]
        channel = Channel(location["S3Uri"], location["S3DataType"], source.get("ContentType", ""), gzipped=False)
        failure = ""
        try:
            answer = self._container(containers)
        except (AwsError, InferenceError, ValueError) as error:
            return {}, f"ClientError: {error}"[:1024]
        for uri, _size, _tag in channel.objects(self.world.store):
            try:
                content = self.world.store.read(uri)
                if source.get("CompressionType") == "Gzip":
                    content = gzip.decompress(content)
                written[self._target(uri, location)] = records.assemble(self.body, content, answer)
            except (AwsError, InferenceError, UnusableDataError, ValueError, OSError) as error:
                failure = failure or f"ClientError: See job logs for more information. {uri}: {error}"[:1024]
        return written, failure

    def _target(self, uri: str, location: dict[str, Any]) -> str:
        bucket, key = split_uri(uri)
        prefix = split_uri(location["S3Uri"])[1].rpartition("/")[0]
        relative = key.removeprefix(f"{prefix}/" if prefix else "")
        if location["S3DataType"] != "S3Prefix":
            relative = f"{bucket}/{key}"
        return f"{self.body['TransformOutput']['S3OutputPath'].rstrip('/')}/{relative}.out"

    def _container(self, containers: list[dict[str, Any]]) -> Callable[[bytes], list[str]]:
        """Return the model's web server: a payload in, a line for each record out."""
        model = artefacts.load_pipeline(self.world.store, containers)
        accept = self.body["TransformOutput"].get("Accept", "text/csv")
        content_type = self.body["TransformInput"].get("ContentType", "text/csv").lower()
        if accept.lower() != "text/csv":
            raise InferenceError(f"the container does not answer in {accept}; supported: text/csv")
        expected = "image/" if isinstance(model, Model) and model.kind == "image" else "text/csv"
        if not content_type.startswith(expected):
            raise InferenceError(f"the container does not read {content_type}; supported: {expected}")
        if isinstance(model, SeriesModel):
            return lambda payload: forecast_csv(model, payload)
        keys = response_keys(containers)
        return lambda payload: lines_of(_outputs(model, payload), model.labels, keys, positive=len(containers) == 3)


def _outputs(model: Model, payload: bytes) -> Any:
    if model.kind == "image":
        return model.predict([payload])
    rows = read_csv(payload)
    if not rows:
        return np.zeros((0, max(1, len(model.labels))))
    wanted = len(model.columns) if model.kind == "table" else 1
    if len(rows[0]) != wanted:
        raise InferenceError(f"the model expects {wanted} columns, the data has {len(rows[0])}")
    if model.kind == "text":
        return model.predict([row[0] for row in rows])
    return model.predict({name: [row[place] for row in rows] for place, name in enumerate(model.columns)})
