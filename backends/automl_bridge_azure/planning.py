"""JobSpec to Plan: pure, without network or credentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_bridge.backend import Cap, Plan, PlannedResource
from automl_bridge.cloud.stored import JOB_FOLDER, STAGED_DATA
from automl_bridge.errors import BudgetError
from automl_bridge_azure.checks import check_predict, check_train
from automl_bridge_azure.expected_usage import predict_usage, train_usage
from automl_bridge_azure.layout import aml_uri, data_location, job_location
from automl_bridge_azure.native_limits import cap_for, hourly, limits_for, node_hours, predict_size
from automl_bridge_azure.objectives import objective_for
from automl_bridge_azure.rates import planned_region
from automl_bridge_azure.requests import predict_request, predict_timeout, train_request

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.settings import AzureSettings

__all__ = [
    "AUTOML_JOB",
    "COMMAND_JOB",
    "COMPUTE",
    "ENDPOINT",
    "JOB_FOLDER",
    "STAGED_DATA",
    "plan_predict",
    "plan_train",
]

AUTOML_JOB, COMMAND_JOB = "AutoML job", "command job"
COMPUTE, ENDPOINT = "compute", "endpoint"


def plan_train(spec: JobSpec, settings: AzureSettings, book: PriceBook | None = None) -> Plan:
    """Return the plan of a training job.

    Parameters
    ----------
    book
        Prices that hold, if not the built-in ones.

    Raises
    ------
    UsageError
        For what the service, or the budget, does not take; names limit and source.
    """
    notes = check_train(spec, settings)
    objective = objective_for(spec)
    limits = limits_for(spec, settings, book)
    expected = train_usage(spec, settings, limits)
    request = train_request(spec, settings, limits, objective)
    return Plan(
        spec=spec,
        backend="azure",
        request=request,
        objective=objective,
        cap=cap_for(spec, settings, limits),
        resources=(
            # The record stays in the workspace and bills nothing; "deleting" it means that it does not run on.
            PlannedResource(kind=AUTOML_JOB, name=spec.name, temporary=True),
            PlannedResource(kind=STAGED_DATA, name=aml_uri(data_location(spec, settings)), temporary=False),
        ),
        limits_sent=request["body"]["properties"]["taskDetails"]["limitSettings"],  # type: ignore[index]
        usage=expected.usage,
        duration=expected.duration,
        notes=(*_notes(spec, settings, ensembles=limits.ensembles), *notes),
    )


def plan_predict(spec: JobSpec, settings: AzureSettings, book: PriceBook | None = None) -> Plan:
    """Return the plan of a predict job: a command job that is gone, with its files, afterwards."""
    check_predict(spec, settings)
    minutes, cap = _predict_cap(spec, settings, book)
    request = predict_request(spec, settings, minutes)
    expected = predict_usage(spec, settings, minutes)
    return Plan(
        spec=spec,
        backend="azure",
        request=request,
        cap=cap,
        resources=(
            PlannedResource(kind=COMMAND_JOB, name=spec.name),
            PlannedResource(kind=JOB_FOLDER, name=aml_uri(job_location(spec.name, settings))),
        ),
        limits_sent={"timeout": request["body"]["properties"]["limits"]["timeout"]},  # type: ignore[index]
        usage=expected.usage,
        duration=expected.duration,
        notes=_missing(settings),
    )


def _predict_cap(spec: JobSpec, settings: AzureSettings, book: PriceBook | None) -> tuple[int, Cap]:
    """Return the timeout of a predict job in minutes, cut to what is left of the dollars, and what bounds its cost."""
    minutes = predict_timeout(spec)
    usd = spec.budget.max_cost_usd
    if usd is None:
        return minutes, Cap(kind="none", because="no cost cap was asked for")
    size = predict_size(spec, settings)
    per_hour = hourly(size, settings, book)
    bought = math.floor(60 * (usd / per_hour - node_hours()) + 1e-9)
    if bought < 5:
        needed = math.ceil(100 * per_hour * (5 / 60 + node_hours())) / 100
        raise BudgetError(
            f"${usd:,.2f} is too little to predict on {size}: five minutes and the start come to ${needed:,.2f}",
            hint=f"give it ${needed:,.2f} or more",
        )
    minutes = min(minutes, bought)
    worst = per_hour * (minutes / 60 + node_hours())
    return minutes, Cap(
        kind="guaranteed",
        because=f"the job's timeout of {minutes} min × {size}, start and idle time with it, comes to ${worst:,.2f}",
    )


def _missing(settings: AzureSettings) -> tuple[str, ...]:
    missing = settings.missing()
    return (f"{' and '.join(missing)} must be set before this can run",) if missing else ()


def _notes(spec: JobSpec, settings: AzureSettings, *, ensembles: bool) -> tuple[str, ...]:
    notes = ["expected usage is a guess: the service publishes no running times", *_missing(settings)]
    if settings.region is None:
        notes.append(f"prices are those of {planned_region(settings)}: no region is set")
    if settings.tier == "Spot":
        notes.append("no price of spot machines is known here; caps take the price of dedicated ones, which is higher")
    if ensembles:
        notes.append(
            "ensembles are built after the job's timeout, and no limit bounds them; max_time or max_cost leave them out"
        )
    if spec.budget.max_time is None and spec.budget.max_cost_usd is None:
        notes.append("without max_time or max_cost a timeout of 6 hours is sent")
    if any(column.role == "weight" for column in spec.profile.columns) and spec.task.is_classification:
        notes.append("the service weights training rows; its own metrics are weighted too")
    return tuple(notes)
