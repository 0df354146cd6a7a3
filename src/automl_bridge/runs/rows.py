"""Records to rows and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Outcome, Plan, Progress
from automl_bridge.runs.record import Event, JobRecord, ResourceRecord, RunRecord, moment
from automl_bridge.spec import JobSpec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["event_of", "job_of", "job_row", "plan_of", "plan_text", "resource_of", "resource_row", "run_of", "run_row"]

_RUN_COLUMNS = {
    "id", "name", "backend", "task", "state", "created", "updated", "cancelling", "spec", "plan", "progress", "outcome",
}  # fmt: skip
_JOB_COLUMNS = {"name", "run", "kind", "stage", "plan"}


def plan_text(plan: Plan, *, with_spec: bool) -> str:
    """Write a plan; a run's goes without its spec, which has a column of its own."""
    return plan.model_dump_json(exclude=None if with_spec else {"spec"})


def plan_of(text: str, spec: JobSpec | None = None) -> Plan:
    """Read a plan."""
    if spec is None:
        return Plan.model_validate_json(text)
    return Plan(spec=spec, **json.loads(text))


def run_row(run: RunRecord, changed: set[str] | None = None) -> dict[str, Any]:
    """Return the columns of a run, or those that hold the fields in ``changed``."""
    writers: dict[str, Callable[[], Any]] = {
        "id": lambda: run.id,
        "name": lambda: run.name,
        "backend": lambda: run.backend,
        "task": lambda: str(run.task),
        "state": lambda: str(run.state),
        "created": run.created.timestamp,
        "updated": run.updated.timestamp,
        "cancelling": lambda: run.cancelling,
        "spec": run.spec.model_dump_json,
        "plan": lambda: plan_text(run.plan, with_spec=False),
        "progress": lambda: run.progress.model_dump_json() if run.progress else None,
        "outcome": lambda: run.outcome.model_dump_json() if run.outcome else None,
    }
    wanted = set(writers) if changed is None else changed & set(writers)
    row: dict[str, Any] = {name: writers[name]() for name in wanted}
    if changed is None or changed - set(writers):
        row["detail"] = run.model_dump_json(exclude=_RUN_COLUMNS)
    return row


def run_of(row: Any) -> RunRecord:
    """Return the run that a row holds."""
    spec = JobSpec.model_validate_json(row["spec"])
    return RunRecord(
        id=row["id"],
        name=row["name"],
        backend=row["backend"],
        task=row["task"],
        state=row["state"],
        created=moment(row["created"]),
        updated=moment(row["updated"]),
        cancelling=bool(row["cancelling"]),
        spec=spec,
        plan=plan_of(row["plan"], spec),
        progress=Progress.model_validate_json(row["progress"]) if row["progress"] else None,
        outcome=Outcome.model_validate_json(row["outcome"]) if row["outcome"] else None,
        **json.loads(row["detail"]),
    )


def job_row(job: JobRecord) -> dict[str, Any]:
    """Return the columns of a job."""
    return {
        "name": job.name,
        "run": job.run,
        "kind": job.kind,
        "stage": str(job.stage),
        "plan": plan_text(job.plan, with_spec=True) if job.plan else None,
        "detail": job.model_dump_json(exclude=_JOB_COLUMNS),
    }


def job_of(row: Any) -> JobRecord:
    """Return the job that a row holds."""
    return JobRecord(
        name=row["name"],
        run=row["run"],
        kind=row["kind"],
        stage=row["stage"],
        plan=plan_of(row["plan"]) if row["plan"] else None,
        **json.loads(row["detail"]),
    )


def resource_row(resource: ResourceRecord) -> dict[str, Any]:
    """Return the columns of a resource."""
    return {**resource.model_dump(mode="json"), "since": resource.since.timestamp()}


def resource_of(row: Any) -> ResourceRecord:
    """Return the resource that a row holds."""
    return ResourceRecord(**{**row, "since": moment(row["since"])})


def event_of(row: Any) -> Event:
    """Return the event that a row holds."""
    return Event(run=row["run"], time=moment(row["time"]), kind=row["kind"], message=row["message"])
