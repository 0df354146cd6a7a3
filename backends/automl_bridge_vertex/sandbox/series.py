"""Forecasting: the checks on the data, training, and what a forecast looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_series
from automl_bridge_vertex.sandbox import measures
from automl_bridge_vertex.sandbox.csvs import is_null, moment_of, number_of, read_table
from automl_bridge_vertex.sandbox.errors import invalid
from automl_bridge_vertex.sandbox.forecaster import Effect, Forecaster, step_of
from automl_bridge_vertex.sandbox.splits import split_rows
from automl_bridge_vertex.sandbox.tables import check_size, take
from automl_bridge_vertex.sandbox.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge_vertex.sandbox.store import Store
    from automl_bridge_vertex.sandbox.tasks import Task

__all__ = ["group", "train"]

COLUMNS = (3, 100)  # VX-TS-2
LONGEST = 3000  # steps of a series, VX-TS-4
SEASONS = {"hour": 24, "day": 7, "week": 52, "month": 12, "year": 1}


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


def train(store: Store, task: Task, sources: Sequence[str], config: Any, vocabulary: Mapping[str, int]) -> Trained:
    """Train on the objects at ``sources``. The model looks at the target's past and at the columns known ahead.

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
    step = (str(inputs.data_granularity.unit), int(inputs.data_granularity.quantity))
    season = SEASONS.get(step[0], 60 // step[1])
    horizon, levels = int(inputs.forecast_horizon), sorted(inputs.quantiles)
    rows = [_aligned(table, one, inputs.time_column, time_format, step, season, horizon) for one in groups.values()]
    rows = [one for one in rows if len(one) >= horizon + 4]  # shorter ones teach nothing
    values = [_numbers(table[inputs.target_column], one, inputs.target_column) for one in rows]
    names = [name for name in inputs.available_at_forecast_columns if name != inputs.time_column]
    effect = None
    if names and rows:
        learned = [one[:-horizon] for one in rows]
        effect = Effect.fit(table, names, learned, [one[:-horizon] for one in values], season)
        values = [one / effect.factors(table, places) for one, places in zip(values, rows, strict=True)]
    try:
        by_number = dict(enumerate(values))
        found = next(iter(train_series(by_number, horizon=horizon, season=season, levels=levels or [0.5], columns={})))
    except UnusableDataError as error:
        raise invalid(str(error)) from None
    model: Any = found.model
    forecaster = Forecaster(model, effect, inputs.time_column, inputs.target_column, time_format, step)
    metrics, points = _evaluate(forecaster, table, rows, levels)
    columns = {
        "target": inputs.target_column,
        "time": inputs.time_column,
        "series": inputs.time_series_identifier_column,
        "time_format": time_format,
        "quantiles": levels,
        "context": int(inputs.context_window),
    }
    counts = (sum(map(len, groups.values())) - 2 * points, points, points)
    return Trained(forecaster, [], metrics, "forecasting", counts, columns)


def _aligned(
    table: Mapping[str, Sequence[str]],
    rows: Sequence[int],
    time: str,
    time_format: str,
    step: tuple[str, int],
    season: int,
    horizon: int,
) -> list[int]:
    """Return the rows of a series from where its season begins."""
    late = -step_of(moment_of(table[time][rows[0]], time_format) or 0.0, *step) % season
    return list(rows[late:] if len(rows) - late >= horizon + 4 else rows)


def _numbers(values: Sequence[str], rows: Sequence[int], target: str) -> NDArray[np.float64]:
    numbers = [number_of(values[row]) for row in rows]
    if None in numbers:
        raise invalid(f"The target column {target} must be numeric.")
    return np.array(numbers, dtype=np.float64)


def _evaluate(
    forecaster: Forecaster, table: Mapping[str, Sequence[str]], rows: Sequence[Sequence[int]], levels: Sequence[float]
) -> tuple[dict[str, Any], int]:
    """Score on the last ``horizon`` steps of each series, the test set of a chronological split."""
    horizon = forecaster.horizon
    truth = np.concatenate([_numbers(table[forecaster.target], one[-horizon:], "") for one in rows])
    said = np.concatenate([forecaster.forecast(table, one[:-horizon], one[-horizon:], levels) for one in rows])
    quantiles = {level: said[:, 1 + place] for place, level in enumerate(levels)}
    return measures.of_forecast(truth, said[:, 0], quantiles), len(truth)
