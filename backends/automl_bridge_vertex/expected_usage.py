"""What a job will probably use, before it is run.

Training is bounded by its budget; how much of it early stopping leaves is a guess. How long a job takes, and how fast a
machine predicts, was not measured on the live service either: the plan says so, and past runs correct it elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.costs.usage import Part, Usage, UsageItem, UsageRange
from automl_bridge.task import Task
from automl_bridge_vertex.native_limits import Reserve
from automl_bridge_vertex.rates import FORECAST_POINTS, IMAGE_BATCH, inference, training

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.native_limits import Limits
    from automl_bridge_vertex.rates import Rates
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["Expected", "predict_usage", "reserve_for", "train_usage"]

_START_HOURS = 0.25
"""Start of the machines and of their containers, in hours."""
_ROWS_PER_HOUR = 1e6
"""Rows of a table that one machine predicts."""
_IMAGES_PER_HOUR = 20_000.0
_WORST = 4.0
"""So many times the likely cost of predicting is set aside."""
_ELSEWHERE = "us-central1"
"""Where the prices of machines that predict are known; elsewhere they stand in, with a third more."""


class Expected(NamedTuple):
    """Usage of a job, and its wall-clock seconds: least and most."""

    usage: UsageRange
    duration: tuple[float, float]


def _prediction(spec: JobSpec, settings: VertexSettings, rows: int, factor: float) -> UsageItem:
    """Return what predicting ``rows`` rows uses: points, or hours of one machine."""
    if spec.task is Task.FORECASTING:
        # A row is a point, whatever else is slow or fast.
        return _item(FORECAST_POINTS, rows / 1000, "1000 points", "prediction", settings)
    if spec.task is Task.IMAGE_CLASSIFICATION:
        hours = _START_HOURS + rows / _IMAGES_PER_HOUR
        return _item(IMAGE_BATCH, factor * hours, "node-hour", "prediction", settings)
    hours = _START_HOURS + rows / _ROWS_PER_HOUR
    return _item(inference(settings.predict_machine), factor * hours, "instance-hour", "prediction", settings)


def reserve_for(spec: JobSpec, settings: VertexSettings, rates: Rates) -> Reserve:
    """Return what predicting the holdout may cost."""
    rows = spec.profile.rows.get("holdout", 0)
    if not rows:
        return Reserve(0.0, "predicting no holdout")
    item = _prediction(spec, settings, rows, _WORST)
    own = rates.usd(item.sku, item.unit)
    if spec.task is Task.FORECASTING:
        words = f"predicting {rows:,} points of the holdout"
    elif spec.task is Task.IMAGE_CLASSIFICATION:
        words = f"predicting {rows:,} images of the holdout, {item.quantity:.1f} node hours"
    else:
        words = f"predicting the holdout, {item.quantity:.1f} hours of one {settings.predict_machine}"
    if own is not None:
        return Reserve(item.quantity * own, words)
    other = rates._replace(region=_ELSEWHERE).usd(item.sku, item.unit)
    if other is None:
        return Reserve(None, f"{item.sku} in {rates.region}", known=False)
    words += f" (its price in {rates.region} is not known; a third more than in {_ELSEWHERE})"
    return Reserve(item.quantity * other * 4 / 3, words, known=False)


def train_usage(spec: JobSpec, settings: VertexSettings, limits: Limits) -> Expected:
    """Return the usage of a training job, the prediction of its holdout included."""
    rows = spec.profile.rows.get("holdout", 0)
    sku, hours = training(spec, settings), limits.node_hours
    # The final cost is attempted to be close to the budget (text of the budget's field); a small one is spent.
    likely = 1.0 if limits.milli < 2 * limits.least or not settings.early_stopping else 0.8

    def usage(share: float, factor: float) -> Usage:
        items = [_item(sku, share * hours, "node-hour", "training", settings)]
        if rows:
            items.append(_prediction(spec, settings, rows, factor))
        return Usage(items=tuple(items))

    wall = 3600 * hours / limits.nodes
    found = UsageRange(low=usage(0.5, 0.5), likely=usage(likely, 1.0), high=usage(1.0, 2.0), worst=usage(1.0, _WORST))
    return Expected(found, (0.5 * wall, 3 * wall + 3600))


def predict_usage(spec: JobSpec, settings: VertexSettings) -> Expected:
    """Return the usage of a batch prediction job. Only that of a forecast is bounded: its points are known."""
    rows = spec.profile.rows["predict"]
    low, likely, high = (Usage(items=(_prediction(spec, settings, rows, factor),)) for factor in (0.5, 1.0, 2.0))
    worst = likely if spec.task is Task.FORECASTING else None
    hours = _START_HOURS + rows / (_IMAGES_PER_HOUR if spec.task is Task.IMAGE_CLASSIFICATION else _ROWS_PER_HOUR)
    return Expected(UsageRange(low=low, likely=likely, high=high, worst=worst), (1800 * hours, 7200 * hours))


def _item(sku: str, quantity: float, unit: str, part: Part, settings: VertexSettings) -> UsageItem:
    return UsageItem(sku=sku, quantity=quantity, unit=unit, part=part, region=settings.location)
