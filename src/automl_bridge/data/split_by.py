"""How a split is drawn from a table: at random, by groups, or by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_number, is_stamp
from automl_bridge.data.split import split_groups, split_ordered, split_rows
from automl_bridge.errors import SchemaError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.columns import Columns

__all__ = ["assign"]


def assign(
    table: pa.Table,
    columns: Columns,
    codes: NDArray[np.int64] | None,
    *,
    holdout: float,
    validation: float,
    seed: int,
) -> NDArray[np.uint8]:
    """Return the number of each row's part, shape (rows,).

    Parameters
    ----------
    columns
        Says which column is the group and which the time, if any.
    codes
        Class of each row, or None for a regression.

    Raises
    ------
    SchemaError
        If a time is missing, or is neither a stamp nor a number.
    """
    groups = None if columns.group is None else _groups(table[columns.group])
    if columns.time is not None:
        rank = _rank(table[columns.time], columns.time, groups)
        return split_ordered(rank, holdout=holdout, validation=validation)
    if groups is not None:
        return split_groups(groups, holdout=holdout, validation=validation, seed=seed, codes=codes)
    return split_rows(table.num_rows, holdout=holdout, validation=validation, seed=seed, codes=codes)


def _groups(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return groups as numbers, by first appearance; a row whose group is missing is a group of its own."""
    import numpy as np
    import pyarrow.compute as pc

    codes = column.combine_chunks().dictionary_encode().indices
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = numbers < 0
    numbers[alone] = np.arange(int(alone.sum())) + numbers.max() + 1
    _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[numbers]


def _rank(column: pa.ChunkedArray, name: str, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return rows numbered by time, equal times alike; with groups, those numbered by their latest time."""
    import numpy as np
    import pyarrow as pa

    if column.null_count:
        raise SchemaError(
            f'the time "{name}" is missing in {column.null_count} rows', hint="fill it in, or leave those rows out"
        )
    if is_stamp(column.type):
        column = column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
    elif not is_number(column.type):
        raise SchemaError(f'the time "{name}" holds {column.type}', hint="give dates, ISO 8601 text or numbers")
    _, rank = np.unique(column.to_numpy(), return_inverse=True)
    if groups is None:
        return rank.astype(np.int64)
    latest = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(latest, groups, rank)
    place = np.empty(len(latest), np.int64)
    place[np.argsort(latest, kind="stable")] = np.arange(len(latest))
    return place[groups]
