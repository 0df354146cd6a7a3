"""JobSpec to Plan: pure, without network or credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Cap, Plan, PlannedResource
from automl_bridge.cloud.stored import JOB_FOLDER, STAGED_DATA
from automl_bridge_sagemaker.checks import check_predict, check_train
from automl_bridge_sagemaker.expected_usage import predict_usage, reserve_for, train_usage
from automl_bridge_sagemaker.layout import data_location, job_location
from automl_bridge_sagemaker.native_limits import NO_GUARANTEE, TABULAR, cap_for, limits_for
from automl_bridge_sagemaker.objectives import objective_for
from automl_bridge_sagemaker.requests import predict_request, train_request

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["AUTOML_JOB", "JOB_FOLDER", "MODEL", "STAGED_DATA", "TRANSFORM_JOB", "plan_predict", "plan_train"]

AUTOML_JOB, TRANSFORM_JOB, MODEL = "AutoML job", "transform job", "model"


def plan_train(spec: JobSpec, settings: SageMakerSettings, book: PriceBook | None = None) -> Plan:
    """Return the plan of a training job; `book` holds the prices, those of this folder where None.

    Raises
    ------
    UsageError
        For what the service, or the budget, does not take; names limit and source.
    """
    notes = check_train(spec, settings)
    objective = objective_for(spec)
    reserve = reserve_for(spec, settings, book)
    limits = limits_for(spec, settings, reserve.usd, book)
    expected = train_usage(spec, settings, limits)
    return Plan(
        spec=spec,
        backend="sagemaker",
        request=train_request(spec, settings, limits, objective),
        objective=objective,
        cap=cap_for(spec, settings, limits, reserve_known=reserve.known),
        resources=(
            # The record stays for ever and bills nothing; "deleting" it means that it does not run on.
            PlannedResource(kind=AUTOML_JOB, name=spec.name, temporary=True),
            PlannedResource(kind=STAGED_DATA, name=data_location(spec, settings).uri, temporary=False),
            PlannedResource(kind=JOB_FOLDER, name=job_location(spec.name, settings).uri, temporary=False),
        ),
        limits_sent=limits.native(),
        usage=expected.usage,
        duration=expected.duration,
        notes=(*_notes(spec, settings), *notes),
    )


def plan_predict(spec: JobSpec, settings: SageMakerSettings) -> Plan:
    """Return the plan of a predict job: a model, a transform job, and both gone afterwards."""
    check_predict(spec, settings)
    expected = predict_usage(spec, settings)
    cap = Cap(kind="none", because="no cost cap was asked for")
    if spec.budget.max_cost_usd is not None:
        cap = Cap(kind="watched", because=f"a transform job has no limit in time or dollars; {NO_GUARANTEE}")
    return Plan(
        spec=spec,
        backend="sagemaker",
        request=predict_request(spec, settings),
        cap=cap,
        resources=(
            PlannedResource(kind=TRANSFORM_JOB, name=spec.name),
            PlannedResource(kind=MODEL, name=spec.name),
            PlannedResource(kind=JOB_FOLDER, name=job_location(spec.name, settings).uri),
        ),
        usage=expected.usage,
        duration=expected.duration,
        notes=_missing(settings),
    )


def _missing(settings: SageMakerSettings) -> tuple[str, ...]:
    missing = settings.missing()
    return (f"{' and '.join(missing)} must be set before this can run",) if missing else ()


def _notes(spec: JobSpec, settings: SageMakerSettings) -> tuple[str, ...]:
    notes = [
        f"usage is a guess at {settings.assumed_parallelism} × {settings.assumed_instance}: SageMaker picks its own",
        *_missing(settings),
    ]
    if spec.task in TABULAR and spec.metric in {"f1", "precision", "recall"}:
        notes.append("which of the two classes SageMaker takes as the positive one is not documented")
    if spec.task not in TABULAR and (spec.budget.max_trials or 1) > 1:
        notes.append(f"SageMaker trains one candidate for {spec.task}, whatever max_trials says")
    if spec.budget.max_time is None and spec.budget.max_cost_usd is None:
        notes.append("without max_time or max_cost SageMaker may run for up to 30 days")
    return tuple(notes)
