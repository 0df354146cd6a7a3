"""Starting jobs so that each exists once, whatever is repeated: names are the key, tags say whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobRef, JobState
from automl_bridge.cloud.plan_file import keep_plan
from automl_bridge.errors import CredentialsError, RejectedError, TransientError
from automl_bridge_azure.errors import status_of, translated
from automl_bridge_azure.layout import job_location
from automl_bridge_azure.native import job_of
from automl_bridge_azure.requests import SPEC_TAG
from automl_bridge_azure.rest import JOBS_VERSION
from automl_bridge_azure.trials import state_of

if TYPE_CHECKING:
    from automl_bridge.backend import Plan
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.clients import Clients
    from automl_bridge_azure.objects import Objects

__all__ = ["cancel", "described", "find", "submit"]


def submit(plan: Plan, clients: Clients, objects: Objects) -> JobRef:
    """Start the job of ``plan``, unless it is there.

    ``PUT jobs/NAME`` with the same body is the same job. It is looked for first all the same: a repeated PUT of a job
    that has begun is refused, and asks for more rights than a look.

    Raises
    ------
    RejectedError
        If a job of its name is there that does something else, or the service does not take the request.
    """
    found = find(plan, clients)
    if found is not None:
        return found
    if plan.spec.kind == "predict":
        keep_plan(plan, job_location(plan.spec.name, clients.settings), objects)
    name = plan.spec.name
    try:
        with translated(f"creating the job {name}"):
            clients.ml.jobs.create_or_update(job_of(plan.request))
    except (TransientError, CredentialsError):
        raise
    except RejectedError as error:
        # "A job with this name already exists": ours, from a try whose answer was lost; or somebody else's.
        found = find(plan, clients)
        if found is None and status_of(error.__cause__ or error) == 409:
            raise TransientError(f"Azure has a job of the name {name}, and does not show it yet") from error
        if found is None:
            raise
        return found
    return _ref(plan.spec, clients)


def _ref(spec: JobSpec, clients: Clients) -> JobRef:
    remote = f"{clients.settings.workspace_id}/jobs/{spec.name}"
    return JobRef(backend="azure", name=spec.name, kind=spec.kind, remote_id=remote)


def find(plan: Plan, clients: Clients) -> JobRef | None:
    """Return the job of ``plan`` if the service knows it, else None.

    Raises
    ------
    RejectedError
        If a job of its name is there that does something else.
    """
    answer = described(plan.spec.name, clients)
    if answer is None:
        return None
    tags = answer["properties"].get("tags") or {}
    if tags.get(SPEC_TAG) != plan.spec.digest():
        raise RejectedError(
            f"the workspace has another job of the name {plan.spec.name}", hint="start a new run: it has a new name"
        )
    return _ref(plan.spec, clients)


def described(name: str, clients: Clients) -> dict[str, Any] | None:
    """Return a job as Resource Manager has it; None if there is none of that name."""
    clients.settings.require()
    return clients.rest.find(clients.arm(f"jobs/{name}"), {"api-version": JOBS_VERSION})


def cancel(name: str, clients: Clients) -> None:
    """Ask a job to stop; one that has ended, or is not there, stays as it is."""
    answer = described(name, clients)
    if answer is None or state_of(answer["properties"].get("status")).is_final:
        return
    try:
        with translated(f"cancelling the job {name}"):
            clients.ml.jobs.begin_cancel(name, polling=False)
    except RejectedError:
        # It ended in between: what stopping it answers then is not documented.
        after = described(name, clients)
        state = state_of(after["properties"].get("status")) if after is not None else JobState.CANCELLED
        if not state.is_final:
            raise
