"""What a job will probably use, before it is run.

No model of the service's running time is published, and nothing here was measured on the live service: the constants
are guesses with room on both sides, and the plan says so. Past runs correct them elsewhere. One real run is known in
full: three trials on 657 rows and 64 columns took nine minutes of one machine, set-up included.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.costs.usage import Part, Usage, UsageItem, UsageRange
from automl_bridge_azure.native_limits import (
    TABULAR,
    likely_idle_hours,
    node_hours,
    predict_minutes,
    predict_size,
    train_size,
)
from automl_bridge_azure.rates import UNIT, planned_region, sku

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.native_limits import Limits
    from automl_bridge_azure.settings import AzureSettings

__all__ = ["Expected", "predict_usage", "train_usage"]

_SETUP_HOURS = 0.08
"""Set-up and featurization of a small table."""
_TRIAL_HOURS = 0.02
_HOURS_PER_MCELL = 0.01
"""What a million cells add to a trial."""
_SINGLE_HOURS = 0.75
"""One image or text model."""
_LIKELY_TRIALS = 40
"""Where nothing limits them: early termination ends most searches soon after the thirty-first."""
_PREDICT_HOURS = 0.05
_ROWS_PER_HOUR = 4e6


class Expected(NamedTuple):
    """Usage of a job, and its wall-clock seconds: least and most."""

    usage: UsageRange
    duration: tuple[float, float]


def train_usage(spec: JobSpec, settings: AzureSettings, limits: Limits) -> Expected:
    """Return the usage of a training job, the prediction of its holdout included."""
    cells = sum(spec.profile.rows.values()) * len(spec.profile.columns)
    if spec.task in TABULAR:
        trials = min(limits.trials, _LIKELY_TRIALS) + 2 * limits.ensembles
        work = _SETUP_HOURS + trials * (_TRIAL_HOURS + _HOURS_PER_MCELL * cells / 1e6)
    else:
        work = _SINGLE_HOURS + _HOURS_PER_MCELL * cells / 1e6
    nodes = limits.concurrent
    most = nodes * limits.hours

    def usage(factor: float) -> Usage:
        return _usage(spec, settings, min(work * factor, most), nodes, factor)

    worst = None
    if not limits.ensembles:
        worst = _usage(spec, settings, most, nodes, None)
    wall = work / nodes
    duration = (3600 * min(wall / 2, limits.hours), 3600 * (min(wall * 2, limits.hours) + node_hours()))
    return Expected(UsageRange(low=usage(0.5), likely=usage(1.0), high=usage(2.0), worst=worst), duration)


def _usage(spec: JobSpec, settings: AzureSettings, training: float, nodes: int, factor: float | None) -> Usage:
    """Return the usage of a run whose training takes so many hours; ``factor`` None: in the worst case."""
    items = [_item(train_size(spec, settings), training, "training", settings)]
    rows = spec.profile.rows.get("holdout", 0)
    if rows:
        hours = _predict_hours(rows) * factor if factor else predict_minutes(spec.task, rows) / 60
        items.append(_item(predict_size(spec, settings), hours, "prediction", settings))
    # Training and prediction are of one size; the predict job has a machine of its own.
    return Usage(items=(*items, _idle(train_size(spec, settings), nodes + bool(rows), settings, factor)))


def _idle(size: str, machines: int, settings: AzureSettings, factor: float | None) -> UsageItem:
    hours = likely_idle_hours(factor) if factor else node_hours()
    return _item(size, machines * hours, "idle", settings)


def _predict_hours(rows: int) -> float:
    return _PREDICT_HOURS + rows / _ROWS_PER_HOUR


def predict_usage(spec: JobSpec, settings: AzureSettings, minutes: int) -> Expected:
    """Return the usage of a predict job; its timeout bounds it."""
    hours = _predict_hours(sum(spec.profile.rows.values()))
    size = predict_size(spec, settings)

    def usage(working: float, factor: float | None) -> Usage:
        return Usage(items=(_item(size, working, "prediction", settings), _idle(size, 1, settings, factor)))

    low, likely, high = (usage(factor * hours, factor) for factor in (0.5, 1.0, 2.0))
    worst = usage(minutes / 60, None)
    start = likely_idle_hours()
    duration = (3600 * (hours + start) / 2, 3600 * max(2 * (hours + start), minutes / 60))
    return Expected(UsageRange(low=low, likely=likely, high=high, worst=worst), duration)


def _item(size: str, hours: float, purpose: Part, settings: AzureSettings) -> UsageItem:
    return UsageItem(
        sku=sku(size, spot=settings.tier == "Spot"),
        quantity=math.ceil(hours * 3600 - 1e-6) / 3600,
        unit=UNIT,
        part=purpose,
        region=planned_region(settings),
    )
