"""From a budget to the limits that the service takes, and what then stands behind a dollar cap.

The request has no dollars, no instance type and no number of instances: runtime is what it can bound. A cap in
dollars therefore becomes a runtime limit for an assumed number of instances of an assumed type, and the engine
watches the metered child jobs. Worst case of a job (hours; limits ``sagemaker.cost_1`` to ``sagemaker.cost_4``)::

    tables, forecasting:  P · R · K          P instances at work at once, R runtime limit, K instances a job (1)
    images, text:         2 · R · K          one candidate, and as much again for jobs before and after it
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.backend import Cap
from automl_bridge.budget import format_duration
from automl_bridge.capabilities import Feature
from automl_bridge.errors import BudgetError, UnsupportedError
from automl_bridge.task import Task
from automl_bridge_sagemaker.limits import limit, refusal
from automl_bridge_sagemaker.rates import PROCESSING, TRAINING, rate

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.settings import Mode, SageMakerSettings

__all__ = ["NO_GUARANTEE", "TABULAR", "Limits", "cap_for", "limits_for", "parallelism", "resolved_mode"]

TABULAR = frozenset({Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION})

NO_GUARANTEE = "SageMaker Autopilot takes no dollars, instance type or instance count: it bounds hours only"

_DAY = 86_400


class Limits(NamedTuple):
    """What bounds the job.

    Parameters
    ----------
    candidates
        ``MaxCandidates``; None: the service's default.
    runtime
        ``MaxAutoMLJobRuntimeInSeconds``; None: the service's default, 30 days.
    usd
        What the limits sent come to at the assumed instances and prices; None where no cap was asked for.
    """

    candidates: int | None
    runtime: int | None
    usd: float | None = None

    @property
    def hours(self) -> float:
        """The longest that the job can run, in hours."""
        seconds = self.runtime or limit("sagemaker.all.max_runtime_days").number * _DAY
        return seconds / 3600

    def native(self) -> dict[str, object]:
        """Return the service's ``CompletionCriteria``."""
        criteria: dict[str, object] = {}
        if self.candidates is not None:
            criteria["MaxCandidates"] = self.candidates
        if self.runtime is not None:
            # One candidate cannot take longer than the job: said, so that it cannot outlive the job's limit.
            criteria["MaxRuntimePerTrainingJobInSeconds"] = self.runtime
            criteria["MaxAutoMLJobRuntimeInSeconds"] = self.runtime
        return criteria


def resolved_mode(spec: JobSpec, settings: SageMakerSettings) -> Mode:
    """Return the training mode that is sent for a table: the one that is set, else what AUTO would choose, said."""
    if settings.mode is not None:
        return settings.mode
    small = spec.profile.bytes <= limit("sagemaker.tabular.auto_mode_mb").number * 1e6
    return "ENSEMBLING" if small else "HYPERPARAMETER_TUNING"


def parallelism(spec: JobSpec, settings: SageMakerSettings) -> int:
    """Return how many instances are taken to work at once."""
    return settings.assumed_parallelism if spec.task in TABULAR or spec.task is Task.FORECASTING else 2


def limits_for(
    spec: JobSpec, settings: SageMakerSettings, reserve: float | None, book: PriceBook | None = None
) -> Limits:
    """Return the tightest native limits that the budget gives.

    Parameters
    ----------
    reserve
        Dollars that stay for predicting the holdout.
    book
        The prices that hold; those of this folder where None.

    Raises
    ------
    BudgetError
        If the budget is too small for the service; names the least that would do.
    LimitError
        If there are more trials than the service takes.
    UnsupportedError
        If the cap must be guaranteed, or cannot be computed because a price is not known.
    """
    budget = spec.budget
    runtime = None if budget.max_time is None else math.floor(budget.max_time)
    usd = None
    if budget.max_cost_usd is not None:
        if spec.cap == "strict":
            hint = "use --cap any for a watched cap, or a backend whose cap is guaranteed (vertex, azure, autokeras)"
            raise UnsupportedError(f"sagemaker has no {Feature.GUARANTEED_CAP}: {NO_GUARANTEE}", hint=hint)
        lanes, per_hour = parallelism(spec, settings), _hourly(settings, book)
        bought = _bought_seconds(settings, lanes, per_hour, budget.max_cost_usd, reserve or 0.0)
        runtime = bought if runtime is None else min(runtime, bought)
        usd = lanes * per_hour * runtime / 3600 + (reserve or 0.0)
    if runtime is not None:
        least = int(limit("sagemaker.all.min_runtime").number)
        if runtime < least:
            message = f"max_time {format_duration(runtime)} is too short for a SageMaker Autopilot job"
            error = BudgetError(message, hint=f"give it {format_duration(least)} or more, or use a local backend")
            error.limit, error.source = "sagemaker.all.min_runtime", limit("sagemaker.all.min_runtime").source
            raise error
        runtime = min(runtime, int(limit("sagemaker.all.max_runtime_days").number * _DAY))
    return Limits(_candidates(spec), runtime, usd)


def _candidates(spec: JobSpec) -> int | None:
    if spec.task not in TABULAR:
        return int(limit("sagemaker.single.max_candidates").number)
    asked, most = spec.budget.max_trials, int(limit("sagemaker.tabular.max_candidates").number)
    if asked is not None and asked > most:
        raise refusal(
            "sagemaker.tabular.max_candidates",
            f"SageMaker Autopilot takes at most {most} candidates, {asked} were asked for",
            f"use max_trials {most} or less",
        )
    return asked


def _hourly(settings: SageMakerSettings, book: PriceBook | None) -> float:
    """Return dollars per hour of the assumed instance: the dearer of training and processing."""
    rates = [rate(part, settings.assumed_instance, settings.region, book) for part in (TRAINING, PROCESSING)]
    known = [usd for usd in rates if usd is not None]
    if not known:
        raise UnsupportedError(
            f"max_cost cannot be kept: no price is known for {settings.assumed_instance} in {settings.region}",
            hint="bound the job by max_time, or set assumed_instance to a type whose price is known there",
        )
    return max(known)


def _bought_seconds(settings: SageMakerSettings, lanes: int, hourly: float, usd: float, reserve: float) -> int:
    """Return the runtime, in whole minutes, whose worst case the dollars pay."""
    per_hour = lanes * hourly
    seconds = 60 * math.floor((usd - reserve) / per_hour * 60)
    least = limit("sagemaker.all.min_runtime").number
    if seconds < least:
        needed = math.ceil(100 * (per_hour * least / 3600 + reserve)) / 100
        raise BudgetError(
            f"max_cost ${usd:,.2f} is too little for a SageMaker Autopilot job: {format_duration(least)} with "
            f"{lanes} × {settings.assumed_instance} and the prediction come to ${needed:,.2f}",
            hint=f"give it ${needed:,.2f} or more, or use a local backend",
        )
    return seconds


def cap_for(spec: JobSpec, settings: SageMakerSettings, limits: Limits, *, reserve_known: bool) -> Cap:
    """Say what stands behind the cost cap, with the assumption spelled out."""
    if limits.usd is None:
        return Cap(kind="none", because=f"no cost cap was asked for; {NO_GUARANTEE}")
    because = (
        f"SageMaker bounds hours, not instances; at {parallelism(spec, settings)} × {settings.assumed_instance} "
        f"in parallel the limits sent come to ${limits.usd:,.2f}, and the engine stops the job when its metered "
        "child jobs near the cap"
    )
    if not reserve_known:
        because += f"; no price is known for predicting in {settings.region}, so its training price was set aside"
    return Cap(kind="watched", because=because)
