"""JobSpec to Plan: pure, without network or credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Cap, Plan, PlannedResource
from automl_bridge.cloud.stored import JOB_FOLDER, STAGED_DATA
from automl_bridge.task import Task
from automl_bridge_vertex.checks import check_predict, check_train
from automl_bridge_vertex.expected_usage import predict_usage, reserve_for, train_usage
from automl_bridge_vertex.layout import data_location, job_location
from automl_bridge_vertex.native_limits import cap_for, limits_for, time_note
from automl_bridge_vertex.objectives import IMAGE_OBJECTIVE, objective_for
from automl_bridge_vertex.rates import Rates, training
from automl_bridge_vertex.requests import predict_request, train_request

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.native_limits import Limits
    from automl_bridge_vertex.settings import VertexSettings

__all__ = [
    "BATCH_JOB",
    "DATASET",
    "ENDPOINT",
    "JOB_FOLDER",
    "MODEL",
    "PIPELINE",
    "STAGED_DATA",
    "plan_predict",
    "plan_train",
]

DATASET, PIPELINE, MODEL = "dataset", "training pipeline", "model"
BATCH_JOB, ENDPOINT = "batch prediction job", "endpoint"


def plan_train(spec: JobSpec, settings: VertexSettings, book: PriceBook | None = None) -> Plan:
    """Return the plan of a training job.

    Parameters
    ----------
    book
        Prices; None: those of ``prices.csv``.

    Raises
    ------
    UsageError
        For what the service, or the budget, does not take; names limit and source.
    """
    notes = check_train(spec, settings)
    objective = objective_for(spec)
    rates = Rates(settings.location, book)
    reserve = reserve_for(spec, settings, rates)
    limits = limits_for(spec, settings, rates, reserve)
    expected = train_usage(spec, settings, limits)
    return Plan(
        spec=spec,
        backend="vertex",
        request=train_request(spec, settings, limits, objective),
        objective=objective,
        cap=cap_for(spec, limits, reserve),
        resources=(
            PlannedResource(kind=DATASET, name=spec.name, temporary=True),
            # The record stays and bills nothing; "deleting" it means that it does not run on.
            PlannedResource(kind=PIPELINE, name=spec.name, temporary=True),
            PlannedResource(kind=MODEL, name=spec.name, temporary=False),
            PlannedResource(kind=STAGED_DATA, name=data_location(spec, settings).uri, temporary=False),
            PlannedResource(kind=JOB_FOLDER, name=job_location(spec.name, settings).uri, temporary=False),
        ),
        limits_sent=limits.native(),
        usage=expected.usage,
        duration=expected.duration,
        notes=(*_money_notes(spec, settings, limits), *_notes(spec, settings), *notes),
    )


def plan_predict(spec: JobSpec, settings: VertexSettings, book: PriceBook | None = None) -> Plan:
    """Return the plan of a predict job: one batch prediction job, and what it leaves is gone afterwards."""
    check_predict(spec, settings)
    expected = predict_usage(spec, settings)
    return Plan(
        spec=spec,
        backend="vertex",
        request=predict_request(spec, settings),
        cap=_predict_cap(spec, settings, Rates(settings.location, book)),
        resources=(
            PlannedResource(kind=BATCH_JOB, name=spec.name),
            PlannedResource(kind=JOB_FOLDER, name=job_location(spec.name, settings).uri),
        ),
        usage=expected.usage,
        duration=expected.duration,
        notes=_missing(settings),
    )


def _predict_cap(spec: JobSpec, settings: VertexSettings, rates: Rates) -> Cap:
    usd = spec.budget.max_cost_usd
    if usd is None:
        return Cap(kind="none", because="no cost cap was asked for")
    (item,) = predict_usage(spec, settings).usage.likely.items
    price = rates.usd(item.sku, item.unit)
    if spec.task is Task.FORECASTING and price is not None and price * item.quantity <= usd:
        return Cap(kind="guaranteed", because=f"{1000 * item.quantity:,.0f} points cost ${price * item.quantity:,.2f}")
    machine = "automatic nodes" if spec.task is Task.IMAGE_CLASSIFICATION else f"one {settings.predict_machine}"
    return Cap(kind="watched", because=f"a batch prediction job has no limit in time or dollars; it runs on {machine}")


def _missing(settings: VertexSettings) -> tuple[str, ...]:
    missing = settings.missing()
    return (f"{' and '.join(missing)} must be set before this can run",) if missing else ()


def _money_notes(spec: JobSpec, settings: VertexSettings, limits: Limits) -> tuple[str, ...]:
    """Say first what it costs at least: that surprises people."""
    least = limits.least / 1000
    nodes = f"{least:g} node hour{'s' if least != 1 else ''}"
    place = settings.location
    if limits.rate is None:
        first = (
            f"the least budget of Vertex AI is {nodes}; what {training(spec, settings)} costs in {place} is not known"
        )
    else:
        first = (
            f"the least budget of Vertex AI is {nodes}, ${limits.rate * least:,.2f} in {place}; this job is sent with "
            f"{limits.milli:,} milli node hours, at most ${limits.usd:,.2f}"
        )
    taken = time_note(spec, limits)
    return (first, taken) if taken else (first,)


def _notes(spec: JobSpec, settings: VertexSettings) -> tuple[str, ...]:
    notes = [*_missing(settings)]
    if spec.objective == "nearest" and spec.task is Task.IMAGE_CLASSIFICATION:
        notes.append(f"objective: {IMAGE_OBJECTIVE}")
    if (spec.budget.max_trials or 1) > 1:
        notes.append("Vertex AI gives one model and takes no number of trials, whatever max_trials says")
    notes.append(
        "how long it takes and how fast one machine predicts are guesses; Vertex AI's own metrics are of a model from "
        "before the last refit, on rows that it chose itself"
    )
    return tuple(notes)
