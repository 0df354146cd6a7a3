"""What a forecast looks back at: the holdout as a question, and the end of the data that a model keeps with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.data.dataset import Dataset
from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.series import WINDOW, key_columns, parts_columns, series_codes
from automl_bridge.data.series_regular import first_of
from automl_bridge.spec import ColumnProfile, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ForecastSpec, Profile

__all__ = [
    "CONTEXT_FILE",
    "asked",
    "forecast_dataset",
    "holdout_question",
    "read_context",
    "tail",
    "validation_question",
    "write_context",
]

CONTEXT_FILE = "context.arrow"
"""The end of the data, in a bundle: what its model looks back at where new data have no history."""


def forecast_dataset(
    context: pa.Table, predict: pa.Table, profile: Profile, forecast: ForecastSpec, notes: Sequence[str] = ()
) -> Dataset:
    """Put the dataset of a predict job together.

    Parameters
    ----------
    context, predict
        Sorted; with the columns of `series.parts_columns`, and perhaps `series.WINDOW`.
    profile
        Of the training data, under the name of these.
    """
    import pyarrow as pa

    columns = [column for column in profile.columns if column.name in set(parts_columns(profile))]
    if WINDOW in context.column_names:
        columns.append(
            ColumnProfile(name=WINDOW, safe_name=WINDOW, kind=Kind.INTEGER, role=Role.GROUP, arrow_type="int32")
        )
    names = [column.name for column in columns]
    context, predict = context.select(names), predict.select(names).cast(context.select(names).schema)
    both = pa.concat_tables([context, predict])
    counted = tuple(
        column.model_copy(update={"missing": both[column.name].null_count, "arrow_type": str(both[column.name].type)})
        for column in columns
    )
    new = profile.model_copy(
        update={
            "rows": {"context": context.num_rows, "predict": predict.num_rows},
            "bytes": both.nbytes,
            "columns": counted,
            "fingerprint": fingerprint(both),
        }
    )
    return Dataset(new, {"context": context, "predict": predict}, None, tuple(notes), "", forecast)


def asked(table: pa.Table, profile: Profile, forecast: ForecastSpec) -> pa.Table:
    """Return rows as they are known before their time: without the target, and without what is not known in advance."""
    import pyarrow as pa

    hidden = {
        column.name
        for column in profile.columns
        if column.role is Role.TARGET or (column.role is Role.FEATURE and column.name not in forecast.known_future)
    }
    for index, field in enumerate(table.schema):
        if field.name in hidden:
            table = table.set_column(index, field, pa.nulls(table.num_rows, field.type))
    return table


def holdout_question(dataset: Dataset) -> Dataset:
    """Return the holdout as data to predict, in its own order; each window is asked from an origin of its own."""
    import numpy as np
    import pyarrow as pa

    forecast, profile = dataset.forecast, dataset.profile
    assert forecast is not None
    rows = _Whole.of(dataset)
    scored = np.isin(rows.codes, rows.codes[rows.held])
    contexts: list[pa.Table] = []
    questions: list[pa.Table] = []
    for window in range(forecast.windows):
        origin = (forecast.windows - window) * forecast.horizon
        least = forecast.lookback if forecast.windows > 1 else len(rows.codes)
        known = scored & (rows.left > origin) & (rows.left <= origin + least)
        wanted = rows.held & (rows.left <= origin) & (rows.left > origin - forecast.horizon)
        for chosen, into in ((known, contexts), (wanted, questions)):
            part = rows.table.filter(pa.array(chosen))
            if forecast.windows > 1:
                part = part.append_column(WINDOW, pa.array(np.full(part.num_rows, window, np.int32)))
            into.append(part)
    context, predict = (_by_series(pa.concat_tables(tables), forecast) for tables in (contexts, questions))
    name = f"{profile.name} (holdout)"
    question = asked(predict, profile, forecast)
    return forecast_dataset(context, question, profile.model_copy(update={"name": name}), forecast)


def validation_question(dataset: Dataset) -> pa.Table:
    """Return what a model is asked of the validation part: its series' rows of both parts, the later without target."""
    import numpy as np
    import pyarrow as pa

    forecast = dataset.forecast
    assert forecast is not None
    train, wanted = dataset.parts["train"], dataset.parts["validation"]
    codes = series_codes(pa.concat_tables([train, wanted]), forecast.series)
    chosen = np.isin(codes[: train.num_rows], codes[train.num_rows :])
    whole = pa.concat_tables([train.filter(pa.array(chosen)), asked(wanted, dataset.profile, forecast)])
    order = np.argsort(np.r_[codes[: train.num_rows][chosen], codes[train.num_rows :]], kind="stable")
    return whole.take(pa.array(order))


class _Whole(NamedTuple):
    """All rows, sorted: whose each is, its steps to the end of the series (1 for the last), and if it is held out."""

    table: pa.Table
    codes: NDArray[np.int64]
    left: NDArray[np.int64]
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Dataset) -> _Whole:
        """Put the parts together again."""
        import numpy as np
        import pyarrow as pa

        assert dataset.forecast is not None
        names = [part for part in ("train", "validation", "holdout") if part in dataset.parts]
        whole = pa.concat_tables([dataset.parts[part] for part in names])
        held = np.repeat([part == "holdout" for part in names], [dataset.parts[part].num_rows for part in names])
        codes = series_codes(whole, dataset.forecast.series)
        # Of each series the parts follow one another.
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        ends = first_of(codes) + np.bincount(codes)[codes]
        return cls(whole.take(pa.array(order)), codes, ends - np.arange(len(codes)), held[order])


def _by_series(table: pa.Table, forecast: ForecastSpec) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    codes = series_codes(table, key_columns(table, forecast))
    return table.take(pa.array(np.argsort(codes, kind="stable")))


def tail(dataset: Dataset) -> pa.Table:
    """Return the last ``forecast.lookback`` rows of each series, over all parts."""
    import pyarrow as pa

    assert dataset.forecast is not None
    rows = _Whole.of(dataset)
    return rows.table.filter(pa.array(rows.left <= dataset.forecast.lookback))


def write_context(table: pa.Table) -> bytes:
    """Write rows as an Arrow file in memory."""
    import io

    import pyarrow as pa

    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def read_context(content: bytes) -> pa.Table:
    """Read what `write_context` wrote."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.BufferReader(content)).read_all()
