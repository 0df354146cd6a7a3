"""A job's plan beside the job: whoever collects it, perhaps elsewhere and later, reads there what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Plan
from automl_bridge.errors import RejectedError

if TYPE_CHECKING:
    from automl_bridge.cloud.layout import Location
    from automl_bridge.cloud.objects import ObjectStore

__all__ = ["PLAN_FILE", "keep_plan", "plan_of"]

PLAN_FILE = "plan.json"


def keep_plan(plan: Plan, folder: Location, objects: ObjectStore) -> None:
    """Write a plan into the folder of its job, before the job exists.

    Raises
    ------
    RejectedError
        If the folder holds the plan of a job that does something else.
    """
    if objects.create(folder, PLAN_FILE, plan.model_dump_json().encode(), "application/json"):
        return
    there = plan_of(folder, objects)
    if there is not None and there.spec.digest() != plan.spec.digest():
        raise RejectedError(
            f"{folder.uri} belongs to another job of the name {plan.spec.name}",
            hint="start a new run: it has a new name",
        )


def plan_of(folder: Location, objects: ObjectStore) -> Plan | None:
    """Return the plan that was kept beside a job; None if it is not there any more."""
    held = objects.read(folder, PLAN_FILE)
    return None if held is None else Plan.model_validate_json(held)
