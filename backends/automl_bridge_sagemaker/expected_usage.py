"""What a job will probably use, before it is run.

No model of Autopilot's running time is published, and nothing here was measured on the live service: the constants
are guesses with room on both sides, and the plan says so. Past runs correct them elsewhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.costs.usage import Part, Usage, UsageItem, UsageRange
from automl_bridge_sagemaker.native_limits import TABULAR, parallelism, resolved_mode
from automl_bridge_sagemaker.rates import BATCH, PROCESSING, TRAINING, rate, sku

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.native_limits import Limits
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["Expected", "Reserve", "predict_usage", "reserve_for", "train_usage"]

_START_HOURS = 0.1
"""Start of an instance and of its container, in hours."""
_TRIAL_HOURS = 0.03
"""One candidate on a small table, in instance-hours."""
_HOURS_PER_MCELL = 0.01
"""What a million cells add to a candidate, in instance-hours."""
_SINGLE_HOURS = 0.75
"""One image, text or forecasting candidate, in instance-hours."""
_PREDICT_ROWS_PER_HOUR = 2e6
_DEFAULT_TRIALS = {"ENSEMBLING": 10, "HYPERPARAMETER_TUNING": 100, "AUTO": 100}
"""Trials where MaxCandidates is not sent: limit ``sagemaker.tabular.default_candidates``."""


class Expected(NamedTuple):
    """Usage of a job, and its wall-clock seconds: least and most."""

    usage: UsageRange
    duration: tuple[float, float]


class Reserve(NamedTuple):
    """Dollars set aside for predicting the holdout; `known` is False where the price is that of training."""

    usd: float | None
    known: bool


def _predict_hours(rows: int) -> float:
    return _START_HOURS + rows / _PREDICT_ROWS_PER_HOUR


def reserve_for(spec: JobSpec, settings: SageMakerSettings, book: PriceBook | None = None) -> Reserve:
    """Return what predicting the holdout may cost: twice what is likely."""
    rows = spec.profile.rows.get("holdout", 0)
    if not rows:
        return Reserve(0.0, True)
    own = rate(BATCH, settings.transform_instance, settings.region, book)
    other = rate(TRAINING, settings.transform_instance, settings.region, book)
    usd = own if own is not None else other
    return Reserve(None if usd is None else usd * 2 * _predict_hours(rows), own is not None)


def train_usage(spec: JobSpec, settings: SageMakerSettings, limits: Limits) -> Expected:
    """Return the usage of a training job, the prediction of its holdout included."""
    lanes = parallelism(spec, settings)
    cells = sum(spec.profile.rows.values()) * len(spec.profile.columns)
    if spec.task in TABULAR:
        trials = limits.candidates or _DEFAULT_TRIALS[resolved_mode(spec, settings)]
        each = _TRIAL_HOURS + _HOURS_PER_MCELL * cells / 1e6
    else:
        trials, each = 1, _SINGLE_HOURS + _HOURS_PER_MCELL * cells / 1e6
    training = trials * (_START_HOURS / 2 + each)
    wall = 2 * _START_HOURS + training / min(lanes, trials)
    most = lanes * limits.hours

    def usage(factor: float) -> Usage:
        hours = min(training * factor, most)
        processing = min(2 * _START_HOURS * factor, max(0.0, most - hours))
        return _usage(spec, settings, hours, processing, factor)

    worst = _usage(spec, settings, most, 0.0, 2.0)
    low, high = usage(0.5), usage(2.0)
    duration = (3600 * min(wall / 2, limits.hours), 3600 * min(wall * 2, limits.hours))
    return Expected(UsageRange(low=low, likely=usage(1.0), high=high, worst=worst), duration)


def _usage(spec: JobSpec, settings: SageMakerSettings, training: float, processing: float, factor: float) -> Usage:
    instance = settings.assumed_instance
    items = [_item(TRAINING, instance, training, "training", settings.region)]
    if processing:
        items.append(_item(PROCESSING, instance, processing, "training", settings.region))
    rows = spec.profile.rows.get("holdout", 0)
    if rows:
        items.append(_batch(settings, factor * _predict_hours(rows)))
    return Usage(items=tuple(items))


def predict_usage(spec: JobSpec, settings: SageMakerSettings) -> Expected:
    """Return the usage of a transform job. It has no native limit in time, so there is no worst case."""
    hours = _predict_hours(sum(spec.profile.rows.values()))
    ranges = [Usage(items=(_batch(settings, factor * hours),)) for factor in (0.5, 1.0, 2.0)]
    usage = UsageRange(low=ranges[0], likely=ranges[1], high=ranges[2])
    return Expected(usage, (3600 * hours / 2, 3600 * hours * 2))


def _batch(settings: SageMakerSettings, hours: float) -> UsageItem:
    return _item(BATCH, settings.transform_instance, hours, "prediction", settings.region)


def _item(part: str, instance: str, hours: float, purpose: Part, region: str) -> UsageItem:
    # Billed by the second (facts of the price list); a tenth of a second is nothing that is billed.
    quantity = math.ceil(hours * 3600) / 3600
    return UsageItem(sku=sku(part, instance), quantity=quantity, unit="instance-hour", part=purpose, region=region)
