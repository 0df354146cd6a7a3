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


def leaking(table: pa.Table, names: list[str], target: NDArray[np.float64], *, classes: int) -> list[str]:
    """Return those of ``names`` that stand one to one with the target in the first 20,000 rows.

    For classes: every value of the column (missing is one too) goes with one class, and every class with one value.
    For numbers: the column is the target, times a factor, plus a constant.

    Parameters
    ----------
    target
        Class codes or values, shape (rows,).
    classes
        Number of classes; 0 for numbers.
    """
    if table.num_rows < _MIN_ROWS:
        return []
    rows = min(table.num_rows, _SAMPLE_ROWS)
    target = target[:rows]
    found = []
    for name in names:
        column = table[name].slice(0, rows)
        if _same_classes(column, target) if classes else _same_numbers(column, target):
            found.append(name)
    return found


def _same_classes(column: pa.ChunkedArray, target: NDArray[np.float64]) -> bool:
    import numpy as np

    # A look at the first rows rules nearly every column out.
    for rows in (_FIRST_ROWS, len(column)):
        part = column.slice(0, rows).combine_chunks()
        codes = part.dictionary_encode(null_encoding="encode").indices.to_numpy().astype(np.int64)
        labels, own = np.unique(target[:rows], return_inverse=True)
        width = int(codes.max()) + 1
        if width != len(labels) or len(np.unique(codes * len(labels) + own)) != width:
            return False
    return width > 1


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
