"""Rows of time series as the service reads them: series, stamp, target, features, each with its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.wire import wire_column
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Kind, Role
from automl_bridge_azure.forecast_request import SINGLE_SERIES, wire_names

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec

__all__ = ["series_rows"]


def series_rows(held: Dataset, part: str, forecast: ForecastSpec) -> pa.Table:
    """Return the rows of a part under staged names; those of ``predict`` without target and unknown features."""
    import numpy as np
    import pyarrow as pa

    table, names = held.parts[part], wire_names(held.profile)
    columns: dict[str, object] = {}
    for column in held.profile.columns:
        if column.name not in table.column_names or column.role is Role.GROUP:
            continue
        if column.role is Role.SERIES:
            # Marked, so that a series called 01 is not taken for one called 1.
            marked = column.model_copy(update={"kind": Kind.CATEGORICAL})
            columns[names[column.name]] = wire_column(table[column.name], marked)
        elif column.role is Role.TIME:
            columns[names[column.name]] = _stamps(table[column.name], column.name, forecast)
        elif column.role is Role.TARGET:
            if part != "predict":
                columns[names[column.name]] = table[column.name].cast(pa.float64())
        elif column.role is Role.FEATURE and (part != "predict" or column.name in forecast.known_future):
            columns[names[column.name]] = wire_column(table[column.name], column)
    if not forecast.series:
        columns[SINGLE_SERIES] = pa.array(np.full(table.num_rows, "v:1"))
    return pa.table(columns)


def _stamps(column: pa.ChunkedArray, name: str, forecast: ForecastSpec) -> pa.ChunkedArray:
    """Return stamps without a time zone: days and longer steps by the clock of their zone, shorter ones in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    if not pa.types.is_timestamp(column.type):
        raise SchemaError(f'Azure Automated ML needs stamps in the time column; "{name}" holds {column.type}')
    if column.type.tz:
        local = forecast.zone if forecast.zone and not forecast.freq.lower().endswith(("h", "min", "t")) else "UTC"
        column = pc.local_timestamp(column.cast(pa.timestamp(column.type.unit, local)))
    return column.cast(pa.timestamp("us"), safe=False)
