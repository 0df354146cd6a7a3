"""Runs: what run history keeps of a job and of each of its children."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from automl_bridge_azure.sandbox.account import REGION, SUBSCRIPTION
from automl_bridge_azure.sandbox.schema import spell_duration

__all__ = ["TERMINAL", "Run", "moment"]

TERMINAL = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})
USER = {"userObjectId": "5a4db0c5-0000-4000-8000-000000000001", "userName": "sandbox", "userTenantId": "adfs",
        "upn": None}  # fmt: skip


def moment(epoch: float) -> str:
    """Write a time as Azure does."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Run:
    """One run.

    Parameters
    ----------
    run_id, parent, experiment
        Which; ``parent`` is empty for a job's own.
    created, started, ended
        Simulated epoch seconds.
    target
        Name of the compute, or ``serverless``.
    size, nodes, priority
        Machine size, how many, ``Dedicated`` or ``LowPriority``.
    """

    run_id: str
    parent: str
    root: str
    experiment: str
    created: float
    display_name: str
    run_type: str
    number: int = 1
    status: str = "NotStarted"
    started: float | None = None
    ended: float | None = None
    target: str = ""
    size: str = ""
    nodes: int = 1
    gpus: int = 0
    priority: str = "Dedicated"
    properties: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    description: str | None = None
    hidden: bool = False
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status in TERMINAL

    def finish(self, at: float, status: str, error: dict[str, Any] | None = None) -> None:
        """End it; one that never started has no duration."""
        self.status, self.ended, self.error = status, at, error

    def seconds(self, now: float) -> float | None:
        """How long it has been worked on."""
        if self.started is None:
            return None
        return max(0.0, (now if self.ended is None else self.ended) - self.started)

    def to_json(self, now: float) -> dict[str, Any]:
        """Return it as run history does."""
        seconds = self.seconds(now)
        spelled = None if seconds is None else spell_duration(seconds)
        return {
            "runNumber": self.number,
            "rootRunId": self.root,
            "createdUtc": moment(self.created),
            "createdBy": USER,
            "userId": USER["userObjectId"],
            "runUuid": self.uuid,
            "revision": 1,
            "runId": self.run_id,
            "parentRunId": self.parent or None,
            "experimentId": str(uuid.uuid5(uuid.NAMESPACE_URL, self.experiment)),
            "status": self.status,
            "startTimeUtc": None if self.started is None else moment(self.started),
            "endTimeUtc": None if self.ended is None else moment(self.ended),
            "currentComputeTime": spelled if not self.done else None,
            "computeDuration": spelled if self.done else None,
            "duration": spelled if self.done else None,
            "lastModifiedUtc": moment(now if self.ended is None else self.ended),
            "displayName": self.display_name,
            "name": None,
            "description": self.description,
            "hidden": self.hidden,
            "runType": self.run_type,
            "runTypeV2": {
                "orchestrator": self.run_type,
                "traits": [],
                "attribution": None,
                "computeType": "AmlCompute",
            },
            "properties": self.properties,
            "parameters": self.parameters,
            "tags": self.tags,
            "target": self.target,
            "uniqueChildRunComputeTargets": [self.target] if self.target else [],
            "error": self.error,
            "warnings": [{"source": "sandbox", "message": message} for message in self.warnings],
            "compute": {
                "target": self.target,
                "targetType": "AmlCompute",
                "vmSize": self.size.upper(),
                "instanceType": self.size.upper(),
                "instanceCount": self.nodes,
                "gpuCount": self.gpus,
                "priority": self.priority,
                "region": REGION,
                "armId": None,
            },
            "computeRequest": {"nodeCount": self.nodes, "gpuCount": self.gpus},
            "inputDatasets": [],
            "outputDatasets": [],
            "inputs": self.inputs,
            "outputs": self.outputs,
            "services": {},
            "primaryMetricName": self.properties.get("primary_metric"),
            "jobCost": {"chargedCpuCoreSeconds": None, "chargedGpuSeconds": None},
        }

    def details(self, now: float, logs: dict[str, str]) -> dict[str, Any]:
        """Return its details, with ``logs``: names and addresses."""
        shown = self.to_json(now)
        kept = ("runId", "runUuid", "parentRunUuid", "rootRunUuid", "target", "status", "parentRunId", "createdTimeUtc",
                "startTimeUtc", "endTimeUtc", "error", "warnings", "tags", "properties", "parameters", "inputDatasets",
                "outputDatasets")  # fmt: skip
        found = {name: shown.get(name) for name in kept}
        return {**found, "services": {}, "runDefinition": None, "logFiles": logs, "jobCost": shown["jobCost"],
                "revision": 1, "runTypeV2": shown["runTypeV2"], "settings": {}, "computeRequest": None,
                "compute": shown["compute"], "createdBy": USER, "computeDuration": shown["computeDuration"],
                "effectiveStartTimeUtc": None, "runNumber": self.number, "rootRunId": self.root,
                "experimentId": shown["experimentId"], "userId": USER["userObjectId"],
                "subscriptionId": SUBSCRIPTION}  # fmt: skip
