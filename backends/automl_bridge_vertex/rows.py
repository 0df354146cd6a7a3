"""Rows as Vertex AI reads them: those of `cloud.wire`, with stamps as RFC 3339, series by name, and row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.rows import rows_of
from automl_bridge.cloud.wire import wire_column
from automl_bridge.spec import Kind, Role
from automl_bridge_vertex.columns import (
    is_stamped,
    key_column,
    series_column,
    target_column,
    time_column,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ColumnProfile, ForecastSpec, Profile

__all__ = ["asked_rows", "asked_series", "series_rows", "table_rows"]


def _stamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``2024-12-31T23:59:00Z`` for ``2024-12-31 23:59:00``: the form that is read without being told one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.replace_substring(column, " ", "T", max_replacements=1)
    return pc.binary_join_element_wise(text, pa.scalar("Z"), pa.scalar(""))


def _written(column: pa.ChunkedArray, seen: ColumnProfile) -> pa.ChunkedArray:
    wired = wire_column(column, seen)
    return _stamps(wired) if is_stamped(seen) else wired


def _restamped(rows: pa.Table, profile: Profile) -> pa.Table:
    for column in profile.features:
        if is_stamped(column):
            index = rows.column_names.index(column.safe_name)
            rows = rows.set_column(index, column.safe_name, _stamps(rows[column.safe_name]))
    return rows


def table_rows(held: Dataset, part: str) -> pa.Table:
    """Return the rows of a table to train on: features, target, weights, and the time to split by."""
    rows = _restamped(rows_of(held, part), held.profile)
    time = time_column(held.profile)
    if time is not None and time.safe_name not in rows.column_names:
        rows = rows.append_column(time.safe_name, _written(held.parts[part][time.name], time))
    return rows


def asked_rows(held: Dataset, part: str) -> pa.Table:
    """Return the rows of a table to predict, each with its number."""
    key = key_column(held.profile)
    rows = _restamped(rows_of(held, part), held.profile)
    return rows.append_column(key, held.parts[part][key])


def series_rows(held: Dataset, part: str, forecast: ForecastSpec) -> pa.Table:
    """Return the rows of series: their name, time, target, covariates; and the row numbers where there are some."""
    import pyarrow as pa

    profile, table = held.profile, held.parts[part]
    by_name = {column.name: column for column in profile.columns}
    time, target = by_name[forecast.time], profile.with_role(Role.TARGET)[0]
    columns = {series_column(profile): _series(table, [by_name[name] for name in forecast.series])}
    if len(forecast.series) > 1:
        # Each says something of its own: they go along as attributes of the series.
        columns |= {by_name[name].safe_name: _words(table[name], by_name[name]) for name in forecast.series}
    columns[time.safe_name] = _written(table[time.name], time)
    number = target.model_copy(update={"kind": Kind.NUMERIC})
    columns[target_column(profile)] = wire_column(table[target.name], number)
    columns |= {column.safe_name: _written(table[column.name], column) for column in profile.features}
    for weight in profile.with_role(Role.WEIGHT):
        if weight.name in table.column_names:
            columns[weight.safe_name] = wire_column(table[weight.name], weight)
    key = key_column(profile)
    if key in table.column_names:
        columns[key] = table[key]
    return pa.table(columns)


def _words(column: pa.ChunkedArray, seen: ColumnProfile) -> pa.ChunkedArray:
    return wire_column(column, seen.model_copy(update={"kind": Kind.CATEGORICAL}))


def _series(table: pa.Table, keys: list[ColumnProfile]) -> pa.ChunkedArray:
    """Return one text a series; no two series have the same."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not keys:
        return pa.chunked_array([pa.array(["v:"] * table.num_rows, pa.string())])
    # A backslash in a value is written as two, so that one before a letter is always ours.
    parts = [pc.fill_null(pc.replace_substring(_words(table[key.name], key), "|", "\\p"), "\\0") for key in keys]
    return pc.binary_join_element_wise(*parts, pa.scalar("|"))


def asked_series(dataset: Dataset) -> pa.Table:
    """Return what is asked of a forecast as one table: history, then the rows without a target, which are numbered.

    The numbers are those of the rows of ``predict``; rows of history have none.
    """
    import numpy as np
    import pyarrow as pa

    from automl_bridge.data.series import question

    table = question(dataset)
    target = dataset.profile.with_role(Role.TARGET)[0].name
    missing = table[target].is_null().to_numpy()
    numbers = np.cumsum(missing) - 1
    return table.append_column(key_column(dataset.profile), pa.array(numbers, mask=~missing))
