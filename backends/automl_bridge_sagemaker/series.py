"""Time series as Autopilot reads them, and its forecasts back in the order of our rows.

Files are CSV with a header: the series, the stamp, the target (empty where it is to be forecast) and the covariates.
A forecast is answered as CSV with a header too: the columns that name the series, the stamp, ``mean`` and a column a
quantile (``p10``); seen so in AWS's own sample (aws-samples/time-series-forecasting-with-automlv2), not documented.
"""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.cloud.staging import Piece
from automl_bridge.cloud.wire import csv_bytes, wire_column
from automl_bridge.data.csv_cells import any_size
from automl_bridge.errors import BackendError
from automl_bridge.spec import Kind, Role
from automl_bridge_sagemaker.limits import limit, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["forecast_pieces", "item_column", "quantile_names", "read_forecasts", "series_rows"]

OBJECT_BYTES = 4 * 2**20
"""Whole series of about so many bytes in memory are asked for at once; a request must stay under ``MaxPayloadInMB``."""


def item_column(profile: Profile) -> str:
    """Return the name of the column that a single series is named in: one that no column of the data has."""
    name, taken = "ab_series", {column.safe_name.lower() for column in profile.columns}
    while name in taken:
        name += "_"
    return name


def quantile_names(forecast: ForecastSpec) -> list[str]:
    """Return what Autopilot calls the quantiles: ``p10`` for 0.1."""
    return [f"p{round(100 * quantile)}" for quantile in forecast.quantiles]


def series_rows(table: pa.Table, profile: Profile, forecast: ForecastSpec) -> pa.Table:
    """Return rows under safe names; an empty target asks for a forecast."""
    import numpy as np
    import pyarrow as pa

    columns: dict[str, object] = {}
    if not forecast.series:
        columns[item_column(profile)] = pa.array(np.full(table.num_rows, "v:1"))
    for column in profile.columns:
        if column.name not in table.column_names or column.role is Role.GROUP:
            continue
        seen = column
        if column.role is Role.SERIES:
            # Marked, so that a series called 01 is not taken for one called 1.
            seen = column.model_copy(update={"kind": Kind.CATEGORICAL})
        values = table[column.name]
        if column.role is Role.TIME:
            seen, values = column.model_copy(update={"kind": Kind.DATETIME}), _on_the_wall(values, forecast)
        columns[column.safe_name] = (
            values.cast(pa.float64()) if column.role is Role.TARGET else wire_column(values, seen)
        )
    return pa.table(columns)


def _on_the_wall(stamps: pa.ChunkedArray, forecast: ForecastSpec) -> pa.ChunkedArray:
    """Return stamps of days and longer steps by the clock of their zone: in UTC some would be the day before."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from automl_bridge.data.series_steps import Steps

    zoned = pa.types.is_timestamp(stamps.type) and stamps.type.tz is not None
    return pc.local_timestamp(stamps) if zoned and Steps.parse(forecast.freq).is_calendar else stamps


def forecast_pieces(dataset: Dataset) -> list[Piece]:
    """Return the objects of a question: each holds whole series, their past and the steps to forecast.

    Raises
    ------
    LimitError
        If a series has less history than the service forecasts from; names it.
    """
    from automl_bridge.data.series import Panel, question

    forecast = dataset.forecast
    assert forecast is not None
    panel = Panel.of(question(dataset), forecast, dataset.profile.with_role(Role.TARGET)[0].name)
    _check_history(panel, forecast)
    per_row = max(1.0, panel.table.nbytes / max(1, panel.table.num_rows))

    def body(start: int, stop: int) -> bytes:
        rows = panel.table.slice(start, stop - start)
        return csv_bytes(series_rows(rows, dataset.profile, forecast), header=True)

    cuts = _cuts(panel.starts, max(1, int(OBJECT_BYTES / per_row)))
    return [
        Piece(f"part-{number:05d}.csv", partial(body, start, stop), "text/csv")
        for number, (start, stop) in enumerate(cuts)
    ]


def _check_history(panel: object, forecast: ForecastSpec) -> None:
    import numpy as np

    from automl_bridge.data.series import Panel, series_name

    assert isinstance(panel, Panel)
    known = np.add.reduceat(~np.isnan(panel.values), panel.starts[:-1]) if len(panel.values) else np.zeros(0, int)
    least = int(limit("sagemaker.forecasting.min_history").number)
    if (known < least).any():
        which = int((known < least).argmax())
        name = series_name(panel.table, int(panel.starts[which]), forecast)
        raise refusal(
            "sagemaker.forecasting.min_history",
            f"SageMaker Autopilot forecasts from at least {least} values of history; {name}has {int(known[which])}",
            "give more of its past, or leave the series out",
        )


def _cuts(starts: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Yield first and last row of runs of whole series of about ``most`` rows."""
    first = 0
    for end in starts[1:].tolist():
        if end - first >= most:
            yield first, end
            first = end
    if first < int(starts[-1]):
        yield first, int(starts[-1])


def read_forecasts(asked: bytes, answer: bytes, profile: Profile, forecast: ForecastSpec) -> NDArray[np.float64]:
    """Return the forecasts of one object, in the order of its rows without a target.

    Parameters
    ----------
    asked, answer
        The object as it was sent, and what the service answered to it.

    Returns
    -------
    ndarray
        Shape (rows, 1 + quantiles): the mean, then the quantiles, which are put in order where they cross.

    Raises
    ------
    BackendError
        If a step has no forecast, or the answer has not the columns that were expected; names them.
    """
    import numpy as np

    keys = [column.safe_name for column in profile.with_role(Role.SERIES)] or [item_column(profile)]
    time, target = (profile.with_role(role)[0].safe_name for role in (Role.TIME, Role.TARGET))
    values = _by_step(answer, keys, time, quantile_names(forecast))
    outputs = []
    for row in _records(asked):
        if row[target]:
            continue
        step = (*(row[key] for key in keys), _stamp(row[time]))
        if step not in values:
            raise BackendError(f"the transform job gave no forecast for {', '.join(map(str, step))}")
        outputs.append(values[step])
    found = np.array(outputs, dtype=np.float64).reshape(len(outputs), 1 + len(forecast.quantiles))
    found[:, 1:] = np.sort(found[:, 1:], axis=1)
    return found


def _by_step(answer: bytes, keys: list[str], time: str, names: list[str]) -> dict[tuple[object, ...], list[float]]:
    found: dict[tuple[object, ...], list[float]] = {}
    for number, row in enumerate(_records(answer), start=2):
        missing = [name for name in (*keys, time, *names) if name not in row]
        if missing:
            raise BackendError(
                f"the transform job's answer has no column {', '.join(missing)}; it has {', '.join(row)}"
            )
        try:
            quantiles = [float(row[name]) for name in names]
            mean = float(row["mean"]) if "mean" in row else quantiles[len(names) // 2]
            step = (*(row[key] for key in keys), _stamp(row[time]))
        except (TypeError, ValueError):
            raise _unreadable(number, row) from None
        if not all(map(math.isfinite, (mean, *quantiles))):
            raise _unreadable(number, row)
        found[step] = [mean, *quantiles]
    return found


def _unreadable(number: int, row: dict[str, str]) -> BackendError:
    return BackendError(f"line {number} of the transform job's answer is no forecast: {row}")


def _records(body: bytes) -> Iterator[dict[str, str]]:
    with any_size():
        yield from csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))


def _stamp(text: str) -> datetime:
    """Read a stamp however it is written: ``2024-12-31``, with a time, with a ``T`` or a zone; as UTC."""
    stamp = datetime.fromisoformat(text.strip())
    return stamp if stamp.tzinfo is None else stamp.astimezone(UTC).replace(tzinfo=None)
