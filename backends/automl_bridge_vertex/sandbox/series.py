"""Forecasting: the checks on the data, training, and what a forecast looks at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_series
from automl_bridge_vertex.sandbox import measures
from automl_bridge_vertex.sandbox.csvs import is_null, moment_of, number_of, read_table
from automl_bridge_vertex.sandbox.errors import invalid
from automl_bridge_vertex.sandbox.splits import split_rows
from automl_bridge_vertex.sandbox.tables import check_size, take
from automl_bridge_vertex.sandbox.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge.sandbox.trainers import SeriesModel
    from automl_bridge_vertex.sandbox.store import Store
    from automl_bridge_vertex.sandbox.tasks import Task

__all__ = ["group", "step_of", "train", "turned"]

COLUMNS = (3, 100)  # VX-TS-2
LONGEST = 3000  # steps of a series, VX-TS-4
SEASONS = {"hour": 24, "day": 7, "week": 52, "month": 12, "year": 1}
SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604_800}


def group(table: Mapping[str, Sequence[str]], series: str, time: str, time_format: str) -> dict[str, list[int]]:
    """Return each series' rows in order of time.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for a time that is missing or cannot be read.
    """
    moments = [moment_of(text, time_format) for text in table[time]]
    if None in moments:
        row = moments.index(None)
        raise invalid(f'The time column {time} has an invalid value in row {row + 1}: "{table[time][row]}".')
    groups: dict[str, list[int]] = {}
    for row in sorted(range(len(moments)), key=lambda row: moments[row] or 0.0):
        groups.setdefault(table[series][row], []).append(row)
    return groups


def step_of(moment: float, unit: str, quantity: int) -> int:
    """Return the number of a time step, so that steps of all series are in step with each other."""
    if unit in SECONDS:
        return int(moment // (SECONDS[unit] * quantity))
    date = datetime.fromtimestamp(moment, tz=UTC)
    return date.year if unit == "year" else date.year * 12 + date.month


def turned(model: SeriesModel, first: int) -> SeriesModel:
    """Return the model for a history whose first step has this number: its season begins elsewhere."""
    start = first % len(model.profile)
    return replace(model, profile=[*model.profile[start:], *model.profile[:start]])


def train(store: Store, task: Task, sources: Sequence[str], config: Any, vocabulary: Mapping[str, int]) -> Trained:
    """Train on the objects at ``sources``. Covariates are checked to be there; the model looks at the target alone.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for data that the service would give up on; it becomes the pipeline's error.
    """
    inputs = task.inputs
    table, _broken = read_table(store, sources)
    check_size(table, COLUMNS)
    own = (inputs.target_column, inputs.time_column, inputs.time_series_identifier_column, inputs.weight_column)
    roles = (
        *inputs.time_series_attribute_columns,
        *inputs.available_at_forecast_columns,
        *inputs.unavailable_at_forecast_columns,
    )
    missing = sorted({name for name in (*own, *roles, *task.columns()) if name and name not in table})
    if missing:
        raise invalid(f"Columns not found in the dataset: {', '.join(missing)}.")
    for name in own[:3]:
        nulls = sum(map(is_null, table[name]))
        if nulls:
            raise invalid(f"The column {name} has {nulls} missing values; it must have none.")
    if config.WhichOneof("split") in {"predefined_split", "timestamp_split"}:
        sets = split_rows(config, table, range(len(table[own[0]])), vocabulary)
        table = take(table, sorted(row for rows in sets for row in rows))
    return _fit(task, table)


def _fit(task: Task, table: Mapping[str, Sequence[str]]) -> Trained:
    inputs = task.inputs
    detail = task.columns().get(inputs.time_column, ("", None))[1]
    time_format = getattr(detail, "time_format", "")
    groups = group(table, inputs.time_series_identifier_column, inputs.time_column, time_format)
    longest = max(map(len, groups.values()), default=0)
    if longest > LONGEST:
        raise invalid(f"A time series has {longest} time steps; at most {LONGEST} are allowed.")
    unit, quantity = inputs.data_granularity.unit, int(inputs.data_granularity.quantity)
    season = SEASONS.get(unit, 60 // quantity)
    horizon, levels = int(inputs.forecast_horizon), sorted(inputs.quantiles)
    values: dict[str, NDArray[np.float64]] = {}
    for key, rows in groups.items():
        first = step_of(moment_of(table[inputs.time_column][rows[0]], time_format) or 0.0, unit, quantity)
        late = -first % season  # every series begins with its season
        kept = rows[late:] if len(rows) - late >= horizon + 4 else rows
        numbers = [number_of(table[inputs.target_column][row]) for row in kept]
        if None in numbers:
            raise invalid(f"The target column {inputs.target_column} must be numeric.")
        values[key] = np.array(numbers, dtype=np.float64)
    columns = {
        "target": inputs.target_column,
        "time": inputs.time_column,
        "series": inputs.time_series_identifier_column,
        "time_format": time_format,
        "quantiles": levels,
        "features": [name for name in inputs.available_at_forecast_columns if name != inputs.time_column],
        "context": int(inputs.context_window),
        "step": (unit, quantity),
    }
    try:
        found = next(
            iter(train_series(values, horizon=horizon, season=season, levels=levels or [0.5], columns=columns))
        )
    except UnusableDataError as error:
        raise invalid(str(error)) from None
    model: Any = found.model
    metrics, points = _evaluate(model, values, horizon, levels)
    counts = (sum(map(len, values.values())) - 2 * points, points, points)
    return Trained(model, [], metrics, "forecasting", counts, columns)


def _evaluate(
    model: Any, values: Mapping[str, NDArray[np.float64]], horizon: int, levels: Sequence[float]
) -> tuple[dict[str, Any], int]:
    """Score on the last ``horizon`` steps of each series, the test set of a chronological split."""
    usable = [one for one in values.values() if len(one) >= horizon + 4]
    truth = np.concatenate([one[-horizon:] for one in usable])
    said = np.concatenate([model.forecast(one[:-horizon], levels) for one in usable])
    quantiles = {level: said[:, 1 + place] for place, level in enumerate(levels)}
    return measures.of_forecast(truth, said[:, 0], quantiles), len(truth)
