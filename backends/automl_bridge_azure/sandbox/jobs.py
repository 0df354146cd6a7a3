"""What jobs of both kinds have in common: name, place, run, status, how Resource Manager shows them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_azure.sandbox.account import PREFIX, resource
from automl_bridge_azure.sandbox.addresses import artifact_prefix
from automl_bridge_azure.sandbox.runs import TERMINAL, Run, moment
from automl_bridge_azure.sandbox.timeline import LONGEST, Pace

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.timeline import Timeline
    from automl_bridge_azure.sandbox.world import World

__all__ = ["Job", "error_of"]

CANCEL_SECONDS = 30.0
ON_REQUEST = "The job failed on request of the sandbox's fault."
MUTABLE = frozenset({"tags", "description", "displayName", "properties", "isArchived", "services"})


def error_of(message: str, *, user: bool = True) -> dict[str, Any]:
    """Return an error as run history keeps it."""
    code = "UserError" if user else "ServiceError"
    return {
        "error": {
            "code": code,
            "severity": None,
            "message": message,
            "messageFormat": "{Message}",
            "messageParameters": {"Message": message},
            "referenceCode": None,
            "detailsUri": None,
            "target": None,
            "details": [],
            "innerError": {"code": "BadData" if user else "SystemError", "innerError": None},
        },
        "correlation": None,
        "environment": "eastus",
        "location": "eastus",
        "time": None,
        "componentName": "sandbox",
    }


class Job:
    """A job that was submitted.

    Parameters
    ----------
    name, body
        Its name, and the ``properties`` that were sent.
    world
        What it lives in.
    """

    default_size = "Standard_DS3_v2"
    default_nodes = 1
    run_type = "azureml.scriptrun"
    timeline: Timeline

    def __init__(self, name: str, body: dict[str, Any], world: World) -> None:
        self.name, self.world = name, world
        self.sent = copy.deepcopy(body)
        self.properties = copy.deepcopy(body)
        self.created = world.clock.time()
        self.status = "NotStarted"
        self.cancel_at: float | None = None
        self.target, self.size, most, self.priority = world.computes.place(self)
        self.nodes = self.nodes_of(most)
        self.pace = Pace(**(world.setting("pace") or {}))
        self.fate = world.draw_fate("jobs.CreateOrUpdate")
        self.starved = self.size.cores * self.nodes > world.computes.limit(self.size.family)
        self.number = world.next_number()
        tags = {key: str(value) for key, value in (self.properties.get("tags") or {}).items()}
        self.run = world.add_run(
            Run(name, "", name, self.properties.get("experimentName") or "Default", self.created,
                self.properties.get("displayName") or name, self.run_type, target=self.target, size=self.size.name,
                nodes=self.nodes, gpus=self.size.gpus, priority=self.priority, tags=tags,
                properties=dict(self.properties.get("properties") or {}),
                description=self.properties.get("description"))
        )  # fmt: skip

    def nodes_of(self, most: int) -> int:
        """Return how many nodes it takes of ``most``."""
        return min(1, most) or 1

    # What happens as time goes by

    @property
    def waits(self) -> bool:
        """Whether it waits for nodes for ever."""
        return self.starved or self.fate is FaultKind.JOB_CAPACITY

    def holds_nodes(self, now: float, idle: float) -> bool:
        """Whether its nodes are up, ``idle`` seconds after its end still."""
        if self.waits or now < self.created + self.timeline.booted:
            return False
        if self.run.ended is None:
            return True
        return self.created + self.timeline.booted <= self.run.ended and now < self.run.ended + idle

    def settle(self, now: float) -> None:
        """Move on to ``now``; called under the world's lock."""
        if self.status in TERMINAL:
            return
        due = self.due(now)
        until = now if due is None else due[0]
        if not self.waits and self.run.started is None and until >= self.created + self.timeline.running:
            self.run.started = self.created + self.timeline.running
        self.advance(until)
        if due is not None:
            self.end(*due)
        elif self.cancel_at is None:
            self.status = self._phase(now - self.created)
        self.run.status = self.status

    def _phase(self, elapsed: float) -> str:
        if self.waits:
            return "NotStarted" if elapsed < 5 else "Queued"
        phase = self.timeline.phase(elapsed)
        hangs = self.fate is FaultKind.JOB_HANGS and phase == "Finalizing"
        return "Running" if hangs else phase

    def due(self, now: float) -> tuple[float, str, dict[str, Any] | None] | None:
        """Return when and how it has ended by ``now``: moment, status, error."""
        elapsed, half = now - self.created, (self.timeline.running + self.timeline.end) / 2
        if self.cancel_at is not None:
            ended = self.cancel_at + CANCEL_SECONDS
            return (ended, "Canceled", None) if now >= ended else None
        if elapsed >= LONGEST:
            return self.created + LONGEST, "Canceled", None
        if self.waits or self.fate is FaultKind.JOB_HANGS:
            return None
        if self.fate is FaultKind.JOB_FAILS and elapsed >= half:
            return self.created + half, "Failed", error_of(ON_REQUEST, user=False)
        if self.fate is FaultKind.JOB_STOPS and elapsed >= half:
            return self.created + half, "Canceled", None
        return self.finished(now)

    def finished(self, now: float) -> tuple[float, str, dict[str, Any] | None] | None:
        """Return how its own work has ended by ``now``, if it has."""
        raise NotImplementedError

    def advance(self, until: float) -> None:
        """Bring its children to ``until``."""

    def end(self, at: float, status: str, error: dict[str, Any] | None) -> None:
        """End it, and what of it still runs."""
        self.status = status
        self.run.finish(at, status, error)
        for run in self.world.of_job[self.name]:
            if not run.done:
                run.finish(at, "Failed" if status == "Failed" else "Canceled")

    def cancel(self, now: float) -> None:
        """Ask it to stop; a job that has ended stays as it is."""
        if self.status not in TERMINAL and self.cancel_at is None:
            self.cancel_at, self.status, self.run.status = now, "CancelRequested", "CancelRequested"
            self.world.clock.run_until(now + CANCEL_SECONDS)

    # How it is shown

    def same(self, body: dict[str, Any]) -> bool:
        """Whether ``body`` asks for the same job; what may change later is not looked at."""
        names = (set(self.sent) | set(body)) - MUTABLE
        return all((self.sent.get(name) or None) == (body.get(name) or None) for name in names)

    def update(self, body: dict[str, Any]) -> None:
        """Take over what may change; tags and properties merge and never vanish."""
        self.run.tags |= {key: str(value) for key, value in (body.get("tags") or {}).items()}
        self.run.properties |= body.get("properties") or {}
        self.run.display_name = body.get("displayName") or self.run.display_name
        self.run.description = body.get("description") or self.run.description
        self.run.hidden = bool(body.get("isArchived", self.run.hidden))

    def to_json(self) -> dict[str, Any]:
        """Return it as Resource Manager does."""
        run, url = self.run, self.world.url
        uri = f"azureml://datastores/workspaceartifactstore/{artifact_prefix(self.name)}"
        outputs = {"default": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount", "uri": uri}}
        services = {
            "Tracking": {"jobServiceType": "Tracking", "port": None, "status": None, "errorMessage": None,
                         "properties": None, "endpoint": f"azureml://{url.removeprefix('https://')}/mlflow/v1.0{PREFIX}?"},
            "Studio": {"jobServiceType": "Studio", "port": None, "status": None, "errorMessage": None,
                       "properties": None, "endpoint": f"https://ml.azure.sandbox/runs/{self.name}?wsid={PREFIX}"},
        }  # fmt: skip
        properties = {
            **self.properties,
            "displayName": run.display_name,
            "description": run.description,
            "experimentName": run.experiment,
            "status": self.status,
            "tags": run.tags,
            "properties": run.properties,
            "isArchived": run.hidden,
            "services": services,
            "outputs": {**(self.properties.get("outputs") or {}), **outputs, **run.outputs},
        }
        created = {"createdAt": moment(self.created), "createdBy": "sandbox", "createdByType": "User",
                   "lastModifiedAt": moment(self.created)}  # fmt: skip
        return resource("jobs", self.name, properties, systemData=created)
