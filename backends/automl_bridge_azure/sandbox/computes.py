"""Compute clusters, their nodes, sizes and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.account import COMPUTE, PREFIX, QUOTA, REGION, SIZES, SUBSCRIPTION, resource, size_of
from automl_bridge_azure.sandbox.errors import AzureError, user_error
from automl_bridge_azure.sandbox.runs import TERMINAL, moment
from automl_bridge_azure.sandbox.schema import seconds_of

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.account import Size
    from automl_bridge_azure.sandbox.world import World

__all__ = ["Computes"]

IDLE_SECONDS = 120.0


class Computes:
    """The clusters of the workspace. It starts with one of CPUs that scales from 0 to 4 nodes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bodies: dict[str, dict[str, Any]] = {}
        self.create(COMPUTE, {"location": REGION, "properties": {"computeType": "AmlCompute", "properties": {
            "vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "scaleSettings": {
                "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT120S"}}}})  # fmt: skip

    def create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make or change a compute."""
        properties = body["properties"]
        if properties.get("computeType") == "AmlCompute":
            about = properties.setdefault("properties", {})
            size = size_of(str(about.get("vmSize", "Standard_DS3_v2")))
            if size is None:
                raise user_error(f"The specified Azure ML Compute VM size {about['vmSize']} is not supported.")
            about["vmSize"] = size.name
            about.setdefault("vmPriority", "Dedicated")
            about.setdefault("scaleSettings", {"minNodeCount": 0, "maxNodeCount": 1})
        properties.setdefault("computeLocation", body.get("location", REGION))
        self.bodies[name] = {**body, "created": self.bodies.get(name, {}).get("created", self.world.clock.time())}
        return self.show(name)

    def body(self, name: str) -> dict[str, Any]:
        """Return what a compute was made with; names are regardless of case."""
        for known, body in self.bodies.items():
            if known.lower() == name.lower():
                return body
        raise AzureError(
            "ResourceNotFound", f"The Resource 'Microsoft.MachineLearningServices/workspaces/computes/{name}' was "
            "not found.", 404,
        )  # fmt: skip

    def delete(self, name: str) -> None:
        """Remove a compute."""
        if any(self.target(job) == name for job in self._busy()):
            raise user_error(f"The compute '{name}' has active jobs; cancel them first.", status=409)
        self.bodies.pop(name, None)

    def show(self, name: str) -> dict[str, Any]:
        """Return a compute as Resource Manager does, with the nodes it has now."""
        body = self.body(name)
        properties = {**body["properties"], "provisioningState": "Succeeded", "createdOn": moment(body["created"]),
                      "modifiedOn": moment(body["created"]), "isAttachedCompute": False, "disableLocalAuth": True,
                      "provisioningErrors": None}  # fmt: skip
        if properties.get("computeType") == "AmlCompute":
            nodes = self.nodes(name)
            properties["properties"] = {
                **properties["properties"], "currentNodeCount": nodes, "targetNodeCount": nodes,
                "allocationState": "Steady", "allocationStateTransitionTime": moment(body["created"]),
                "nodeStateCounts": {"idleNodeCount": 0, "runningNodeCount": nodes, "preparingNodeCount": 0,
                                    "unusableNodeCount": 0, "leavingNodeCount": 0, "preemptedNodeCount": 0},
            }  # fmt: skip
        return resource("computes", name, properties, location=body.get("location", REGION), tags=body.get("tags"),
                        identity=body.get("identity"), sku=None)  # fmt: skip

    @staticmethod
    def target(job: Any) -> str:
        """Return the name of the cluster a job runs on; empty for serverless."""
        return str(job.properties.get("computeId") or "").rpartition("/")[2]

    def _busy(self) -> list[Any]:
        return [job for job in self.world.jobs.values() if job.status not in TERMINAL]

    def nodes(self, name: str) -> int:
        """How many nodes are up: those of jobs, and after a job until the cluster scales down."""
        scale = self.body(name)["properties"]["properties"]["scaleSettings"]
        now = self.world.clock.time()
        idle = seconds_of(str(scale.get("nodeIdleTimeBeforeScaleDown") or "")) or IDLE_SECONDS
        up = 0
        for job in self.world.jobs.values():
            if self.target(job).lower() == name.lower() and job.holds_nodes(now, idle):
                up += int(job.nodes)
        return max(int(scale.get("minNodeCount") or 0), min(up, int(scale["maxNodeCount"])))

    def limit(self, family: str) -> int:
        """Return the quota of a family, in cores."""
        return int((self.world.setting("quota") or {}).get(family, QUOTA))

    def used(self, family: str) -> int:
        """Return the cores of a family that are in use."""
        used = 0
        for job in self._busy():
            if job.size.family == family and job.holds_nodes(self.world.clock.time(), 0.0):
                used += job.size.cores * job.nodes
        return used

    def usages(self) -> list[dict[str, Any]]:
        """Return what is used of each family."""
        found = [
            self._usage(
                "Total Cluster Dedicated Regional vCPUs", "TotalDedicatedCores", sum(map(self.used, _families())), 500
            )
        ]
        return found + [self._usage(family, family, self.used(family), self.limit(family)) for family in _families()]

    @staticmethod
    def _usage(shown: str, name: str, value: int, limit: int) -> dict[str, Any]:
        place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/{REGION}"
        return {
            "id": f"{place}/usages/{name}",
            "type": "Microsoft.MachineLearningServices/usages",
            "amlWorkspaceLocation": REGION,
            "unit": "Count",
            "currentValue": value,
            "limit": limit,
            "name": {"value": name, "localizedValue": shown},
        }

    def quotas(self) -> list[dict[str, Any]]:
        """Return the quota of each family in the workspace."""
        return [
            {
                "id": f"{PREFIX}/quotas/{family}",
                "type": "Microsoft.MachineLearningServices/workspaces/dedicatedCores/quotas",
                "amlWorkspaceLocation": REGION,
                "name": {"value": family, "localizedValue": family},
                "limit": self.limit(family),
                "unit": "Count",
            }
            for family in _families()
        ]

    def sizes(self) -> list[dict[str, Any]]:
        """Return the machine sizes."""
        return [
            {"name": size.name, "family": size.family, "vCPUs": size.cores, "gpus": size.gpus,
             "osVhdSizeMB": 1047552, "maxResourceVolumeMB": 65536, "memoryGB": size.memory,
             "lowPriorityCapable": True, "premiumIO": True, "estimatedVMPrices": None,
             "supportedComputeTypes": ["AmlCompute", "ComputeInstance"]}
            for size in SIZES.values()
        ]  # fmt: skip

    def place(self, job: Any) -> tuple[str, Size, int, str]:
        """Return where a job runs: name, machine size, most nodes, priority.

        Raises
        ------
        AzureError
            If its compute does not exist.
        """
        properties = job.properties
        resources, tier = properties.get("resources") or {}, (properties.get("queueSettings") or {}).get("jobTier")
        if properties.get("computeId") and self.target(job).lower() != "serverless":
            name = self.target(job)
            about = self.body(name)["properties"]["properties"]
            size = size_of(str(about["vmSize"]))
            assert size is not None
            return name, size, int(about["scaleSettings"]["maxNodeCount"]), str(about["vmPriority"])
        wanted = str(resources.get("instanceType") or job.default_size)
        size = size_of(wanted)
        if size is None:
            raise user_error(f"The instance type '{wanted}' is not supported.")
        nodes = int(resources.get("instanceCount") or job.default_nodes)
        return "serverless", size, nodes, "LowPriority" if str(tier).lower() in {"spot", "basic"} else "Dedicated"


def _families() -> list[str]:
    return sorted({size.family for size in SIZES.values()})
