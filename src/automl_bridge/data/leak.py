"""Columns that give the target away: the same information, one to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_number, is_text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["leaking"]

_SAMPLE_ROWS = 20_000
_MIN_ROWS = 20
_FIRST_ROWS = 500
_APART = 1000


def leaking(table: pa.Table, names: list[str], target: NDArray[np.float64], *, classes: int) -> list[str]:
    """Return those of ``names`` that stand one to one with the target in the first 20,000 rows.

    For classes: every value of the column (missing is one too) goes with one class, and every class with one value;
    or it is missing in all rows of one of two classes, and in no row of the other; or its numbers lie close about one
    value a class (within a thousandth of what is between the classes).
    For numbers: the column is the target, times a factor, plus a constant.

    Parameters
    ----------
    target
        Class codes or values, shape (rows,).
    classes
        Number of classes; 0 for numbers.
    """
    import numpy as np

    if table.num_rows < _MIN_ROWS:
        return []
    rows = min(table.num_rows, _SAMPLE_ROWS)
    target = target[:rows]
    columns = {name: table[name].slice(0, rows) for name in names}
    if not classes:
        return [name for name, column in columns.items() if _same_numbers(column, target)]
    # A look at the first rows rules nearly every column out.
    for stretch in sorted({min(_FIRST_ROWS, rows), rows}):
        labels, own = np.unique(target[:stretch], return_inverse=True)
        columns = {
            name: column for name, column in columns.items() if _tells(column.slice(0, stretch), own, len(labels))
        }
    return list(columns)


def _tells(column: pa.ChunkedArray, own: NDArray[np.int64], labels: int) -> bool:
    if _one_to_one(column, own, labels):
        return True
    if column.null_count:
        return _one_to_one(column.is_null(), own, labels)
    return is_number(column.type) and not is_text(column.type) and _in_bunches(column, own, labels)


def _in_bunches(column: pa.ChunkedArray, own: NDArray[np.int64], labels: int) -> bool:
    """Whether each class has numbers of its own, close together and far from those of the others."""
    import numpy as np

    values = np.asarray(column.cast("float64", safe=False).to_numpy())
    if labels < 2 or not np.isfinite(values).all():
        return False
    low, high = np.full(labels, np.inf), np.full(labels, -np.inf)
    np.minimum.at(low, own, values)
    np.maximum.at(high, own, values)
    order = np.argsort(low)
    between = (low[order][1:] - high[order][:-1]).min()
    return bool(between > _APART * (high - low).max() >= 0)


def _one_to_one(column: pa.ChunkedArray, own: NDArray[np.int64], labels: int) -> bool:
    import numpy as np

    codes = column.combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy().astype(np.int64)
    width = int(codes.max()) + 1
    return 1 < width == labels == len(np.unique(codes * labels + own))


def _same_numbers(column: pa.ChunkedArray, target: NDArray[np.float64]) -> bool:
    import numpy as np

    if not is_number(column.type) or is_text(column.type) or column.null_count:
        return False
    values = np.asarray(column.slice(0, _FIRST_ROWS).cast("float64", safe=False).to_numpy())
    if not _affine(values, target[: len(values)]):
        return False
    return _affine(np.asarray(column.cast("float64", safe=False).to_numpy()), target)


def _affine(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    import numpy as np

    if not np.isfinite(left).all():
        return False
    left, right = left - left.mean(), right - right.mean()
    scale = np.abs(left).max() * np.abs(right).max()
    if not 0 < scale < np.inf:
        return False
    left, right = left / np.abs(left).max(), right / np.abs(right).max()
    return bool(1 - (left @ right) ** 2 / ((left @ left) * (right @ right)) < 1e-12)
