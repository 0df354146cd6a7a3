"""From a budget to the limits that the service takes, and what then stands behind a dollar cap.

The job's timeout bounds its time and `nodes` the machines that work at once, so together they bound the bill. The
timeout does not cover the ensembles and the explanation that follow it (limit ``azure.tabular.timeout_covers``), so
a budget in time or dollars switches both off. Worst case of a run, in hours of a machine (limits ``azure.cost_1`` to
``azure.cost_4``)::

    nodes · (timeout + start + idle)  +  1 · (timeout of the predict job + start + idle)

with ten minutes set aside for the start of a machine and two for the idle time before it is given back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.backend import Cap
from automl_bridge.budget import format_duration
from automl_bridge.errors import BudgetError, UnsupportedError
from automl_bridge.task import Task
from automl_bridge_azure.limits import limit, refusal
from automl_bridge_azure.rates import planned_region, rate

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.settings import AzureSettings

__all__ = [
    "GPU", "TABULAR", "Limits", "cap_for", "hourly", "likely_idle_hours", "limits_for", "node_hours",
    "predict_minutes", "predict_size", "train_size",
]  # fmt: skip

TABULAR = frozenset({Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING})
GPU = frozenset({Task.IMAGE_CLASSIFICATION, Task.TEXT_CLASSIFICATION})

_START_HOURS = 0.08
"""Start of a machine, as it usually is; a guess."""
_ROWS_PER_MINUTE = 20_000
"""Rows of a table that are surely predicted in a minute; a guess with room."""
_IMAGES_PER_MINUTE = 100


class Limits(NamedTuple):
    """What bounds the job.

    Parameters
    ----------
    timeout
        Of the whole job, in minutes.
    trials, concurrent
        Trials in all, and at a time.
    ensembles
        Whether ensembles may follow the trials; the timeout does not cover them.
    usd
        What the limits come to in the worst case; None where no cap was asked for.
    """

    timeout: int
    trials: int
    concurrent: int
    ensembles: bool
    usd: float | None = None

    @property
    def hours(self) -> float:
        """The longest that a machine works for the job, in hours."""
        return self.timeout / 60


def train_size(spec: JobSpec, settings: AzureSettings) -> str:
    """Return the machine size that trains."""
    return settings.gpu_instance_type if spec.task in GPU else settings.instance_type


def predict_size(spec: JobSpec, settings: AzureSettings) -> str:
    """Return the machine size that predicts: the same, since the run's environment is made for it."""
    return train_size(spec, settings)


def node_hours() -> float:
    """Return the hours that a machine bills without working: start and idle time."""
    return limit("azure.all.node_start").number / 60 + limit("azure.all.idle_seconds").number / 3600


def likely_idle_hours(factor: float = 1.0) -> float:
    """Return the hours that a machine probably bills without working; its start is a guess, ``factor`` times which.

    A machine bills while it starts and while it runs, busy or not (limit ``azure.all.billed_states``), and a cluster
    keeps it for a while after its last job (``azure.all.idle_seconds``); serverless machines are billed as clusters'
    are (how-to-use-serverless-compute).
    """
    return factor * _START_HOURS + limit("azure.all.idle_seconds").number / 3600


def predict_minutes(task: Task, rows: int) -> int:
    """Return the timeout of a job that predicts so many rows, in minutes."""
    pace = _IMAGES_PER_MINUTE if task in GPU else _ROWS_PER_MINUTE
    return int(limit("azure.all.predict_timeout").number) + math.ceil(rows / pace)


def limits_for(spec: JobSpec, settings: AzureSettings, book: PriceBook | None = None) -> Limits:
    """Return the native limits that the budget gives; every one of them is sent.

    Raises
    ------
    BudgetError
        If the budget is too small for the service; names the least that would do.
    LimitError
        If there are more trials, or there is more data, than the service takes in that time.
    UnsupportedError
        If a cap in dollars cannot be computed because a price is not known.
    """
    trials = _trials(spec)
    concurrent = min(settings.nodes, trials)
    capped = spec.budget.max_cost_usd is not None
    bounded = capped or spec.budget.max_time is not None
    ensembles = spec.task in TABULAR and (settings.ensembles if settings.ensembles is not None else not bounded)
    if capped and ensembles:
        raise UnsupportedError(
            "a cap in dollars needs ensembles off: the service's timeout does not cover them",
            hint="leave the setting ensembles out",
        )
    least = _least_minutes(spec)
    minutes = min(_asked_minutes(spec, least), _most_minutes(spec))
    if spec.budget.max_cost_usd is not None:
        minutes = min(minutes, _bought_minutes(spec, settings, concurrent, least, book))
    usd = _worst_usd(spec, settings, concurrent, minutes, book) if capped else None
    return Limits(minutes, trials, concurrent, ensembles, usd)


def _trials(spec: JobSpec) -> int:
    asked = spec.budget.max_trials
    if spec.task in TABULAR:
        most = int(limit("azure.tabular.max_trials").number)
        if asked is not None and asked > most:
            raise refusal(
                "azure.tabular.max_trials",
                f"Azure Automated ML takes at most {most} trials, {asked} were asked for",
                f"use max_trials {most} or less",
            )
        return asked or most
    # Without a sweep, which images and texts do not get here, one model is trained with the default parameters.
    return 1


def _least_minutes(spec: JobSpec) -> int:
    """Return the shortest timeout that the service takes for this data."""
    least = int(limit("azure.tabular.timeout").number)
    rows, columns = spec.profile.rows.get("train", 0), len(spec.profile.features) + 1
    if spec.task in TABULAR and rows * columns > limit("azure.tabular.cells_for_long_timeout").number:
        # The page says that 60 or less fails, the code that less than 60 does: more than 60 is right for both.
        return int(limit("azure.tabular.long_timeout").number) + 1
    return least


def _most_minutes(spec: JobSpec) -> int:
    days = limit("azure.all.max_days").number
    if spec.task is Task.IMAGE_CLASSIFICATION:
        days = min(days, limit("azure.image.timeout").number)
    return int(days * 24 * 60)


def _asked_minutes(spec: JobSpec, least: int) -> int:
    if spec.budget.max_time is None:
        # Dollars bound the time, if they are given; else the shorter of the two documented defaults is sent.
        capped = spec.budget.max_cost_usd is not None
        return _most_minutes(spec) if capped else max(least, int(limit("azure.tabular.default_timeout").number))
    minutes = math.floor(spec.budget.max_time / 60)
    if minutes < least:
        name = (
            "azure.tabular.timeout" if least == limit("azure.tabular.timeout").number else "azure.tabular.long_timeout"
        )
        why = "" if name == "azure.tabular.timeout" else " for more than 10 million cells"
        error = BudgetError(
            f"max_time {format_duration(spec.budget.max_time)} is too short for an Azure Automated ML job{why}",
            hint=f"give it {format_duration(least * 60)} or more, or use a local backend",
        )
        error.limit, error.source = name, limit(name).source
        raise error
    return minutes


def hourly(size: str, settings: AzureSettings, book: PriceBook | None) -> float:
    """Return dollars per hour of a machine where plans are made for; raises `UnsupportedError` if it is not known."""
    region = planned_region(settings)
    usd = rate(size, region, book)
    if usd is None:
        raise UnsupportedError(
            f"max_cost cannot be kept: no price is known for {size} in {region}",
            hint="bound it by max_time, choose a size whose price is known there, or add its price (setting prices)",
        )
    return usd


def _reserve_usd(spec: JobSpec, settings: AzureSettings, book: PriceBook | None) -> float:
    """Return dollars that predicting the holdout may cost in the worst case."""
    rows = spec.profile.rows.get("holdout", 0)
    if not rows:
        return 0.0
    hours = predict_minutes(spec.task, rows) / 60 + node_hours()
    return hours * hourly(predict_size(spec, settings), settings, book)


def _worst_usd(spec: JobSpec, settings: AzureSettings, nodes: int, minutes: int, book: PriceBook | None) -> float:
    hours = nodes * (minutes / 60 + node_hours())
    return hours * hourly(train_size(spec, settings), settings, book) + _reserve_usd(spec, settings, book)


def _bought_minutes(spec: JobSpec, settings: AzureSettings, nodes: int, least: int, book: PriceBook | None) -> int:
    """Return the timeout, in whole minutes, whose worst case the dollars pay."""
    usd = spec.budget.max_cost_usd
    assert usd is not None
    per_hour = nodes * hourly(train_size(spec, settings), settings, book)
    reserve = _reserve_usd(spec, settings, book)
    minutes = math.floor(60 * ((usd - reserve) / per_hour - node_hours()) + 1e-9)
    if minutes < least:
        needed = math.ceil(100 * _worst_usd(spec, settings, nodes, least, book)) / 100
        raise BudgetError(
            f"max_cost ${usd:,.2f} is too little for an Azure Automated ML job: {format_duration(least * 60)} on "
            f"{nodes} × {train_size(spec, settings)} with start, idle time and the prediction come to ${needed:,.2f}",
            hint=f"give it ${needed:,.2f} or more, or use a local backend",
        )
    return minutes


def cap_for(spec: JobSpec, settings: AzureSettings, limits: Limits) -> Cap:
    """Say what stands behind the cost cap."""
    if limits.usd is None:
        return Cap(kind="none", because="no cost cap was asked for")
    size = train_size(spec, settings)
    because = (
        f"the job's timeout of {format_duration(limits.timeout * 60)} × {limits.concurrent} × {size}, with "
        f"{round(60 * node_hours())} min a machine for start and idle time, and the predict job's own timeout come to "
        f"${limits.usd:,.2f}; ensembles and explanation, which the timeout does not cover, are off"
    )
    return Cap(kind="guaranteed", because=because)
