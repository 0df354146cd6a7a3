"""Time series in a long table: which rows are whose, and what a model is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl_bridge.errors import BackendError
from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["WINDOW", "Panel", "aligned", "key_columns", "parts_columns", "question", "series_codes", "series_name"]

WINDOW = "automl_bridge_window"
"""Column that tells apart the same series seen from several origins; only where a holdout has several windows."""


def key_columns(table: pa.Table, forecast: ForecastSpec) -> list[str]:
    """Return the names of the columns that tell series (and windows) apart; empty if the table is one series."""
    return [*forecast.series, *([WINDOW] if WINDOW in table.column_names else [])]


def series_codes(table: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each row's series: 0, 1, … in the order of the keys' values (text by code point)."""
    import numpy as np

    codes = np.zeros(table.num_rows, np.int64)
    for key in keys:
        ranks, count = _ranks(table[key])
        _, codes = np.unique(codes * count + ranks, return_inverse=True)
    return np.asarray(codes.reshape(-1), np.int64)


def _ranks(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], int]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], max(1, len(order))


def series_name(table: pa.Table, row: int, forecast: ForecastSpec) -> str:
    """Write the series of a row for a reader: ``series "a, 1" ``; nothing where there is one only."""
    if not forecast.series:
        return ""
    return 'series "' + ", ".join(str(table[name][row].as_py()) for name in forecast.series) + '" '


@dataclass(frozen=True)
class Panel:
    """Series one after another, as arrays.

    Parameters
    ----------
    table
        The rows, sorted by series, then time.
    starts
        Where each series begins, and at the end the number of rows: shape (series + 1,).
    values
        The target; NaN where it is missing, shape (rows,).
    """

    table: pa.Table
    starts: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, table: pa.Table, forecast: ForecastSpec, target: str) -> Panel:
        """Read a sorted table, as all parts of a Dataset are."""
        import numpy as np
        import pyarrow as pa

        changed = np.zeros(max(0, table.num_rows - 1), bool)
        for key in key_columns(table, forecast):
            codes, _ = _ranks(table[key])
            changed |= codes[1:] != codes[:-1]
        starts = np.r_[0, np.flatnonzero(changed) + 1, table.num_rows] if table.num_rows else np.zeros(1, np.int64)
        values = table[target].cast(pa.float64()).to_numpy(zero_copy_only=False)
        return cls(table, starts.astype(np.int64), np.asarray(values, np.float64))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each series."""
        import numpy as np

        return np.asarray(self.starts[1:] - self.starts[:-1], np.int64)

    @property
    def codes(self) -> NDArray[np.int64]:
        """Number of each row's series."""
        import numpy as np

        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)


def question(dataset: Dataset) -> pa.Table:
    """Return what a model is asked: the rows of ``context`` and ``predict``, sorted; those to forecast lack a target.

    Parameters
    ----------
    dataset
        Of a predict job.
    """
    import numpy as np
    import pyarrow as pa

    context, predict = dataset.parts["context"], dataset.parts["predict"]
    assert dataset.forecast is not None
    whole = pa.concat_tables([context, predict.cast(context.schema)])
    codes = series_codes(whole, key_columns(whole, dataset.forecast))
    # Both parts are sorted by time within a series, and what is to be forecast comes after what is known.
    return whole.take(pa.array(np.argsort(codes, kind="stable")))


def aligned(dataset: Dataset, answers: pa.Table, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a service's answers in the order of the rows of ``predict``.

    Parameters
    ----------
    dataset
        Of the predict job.
    answers
        Series and time columns of the answers, under the dataset's own names, in any order; further rows are left out.
    values
        Shape (answers, outputs).

    Raises
    ------
    BackendError
        If a row has no answer; names series and stamp.
    """
    import numpy as np
    import pyarrow as pa

    from automl_bridge.data.cast import cast_like

    assert dataset.forecast is not None
    wanted = dataset.parts["predict"]
    names = [*key_columns(wanted, dataset.forecast), dataset.forecast.time]
    columns = {column.name: column for column in dataset.profile.columns}
    theirs = pa.table([cast_like(answers[name], columns[name]) for name in names], names=names)
    both = pa.concat_tables([wanted.select(names), theirs.cast(wanted.select(names).schema)])
    codes = series_codes(both, names)
    ours, given = codes[: wanted.num_rows], codes[wanted.num_rows :]
    place = np.full(int(codes.max(initial=-1)) + 1, -1)
    place[given] = np.arange(len(given))
    found = place[ours]
    if (found < 0).any():
        row = int((found < 0).argmax())
        name = series_name(wanted, row, dataset.forecast)
        raise BackendError(f"the service gave no forecast for {name}{wanted[dataset.forecast.time][row]}")
    return np.asarray(values[found], np.float64)


def parts_columns(profile: Profile) -> list[str]:
    """Return the columns that all parts have: series, window, time, target and features, in the profile's order."""
    kept = {Role.SERIES, Role.GROUP, Role.TIME, Role.TARGET, Role.FEATURE}
    return [column.name for column in profile.columns if column.role in kept]
