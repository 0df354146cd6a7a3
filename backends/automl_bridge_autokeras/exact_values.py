"""Numbers that stand for something: values that come back in many rows, each with a code of its own.

A product's number, a postcode, a family's size: how large they are says little, which one it is says much. Trees cut
such a number out; bins of equal numbers of rows cannot. NumPy only, JSON in and out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ExactValues"]

_LEAST_ROWS = 4  # of a value: fewer teach nothing of it
_LEAST_VALUES = 9  # of a column: fewer are told apart by bins
_MOST_VALUES = 2000
_LEAST_MEAN = 8  # rows a value
_COVERED = 0.5  # share of a column's rows that such values have


@dataclass(frozen=True)
class ExactValues:
    """The columns that have such values, and the values.

    Parameters
    ----------
    columns
        Indices of the numeric columns.
    values
        Of each: ascending, ``float32``. Codes are 1, 2, … in this order; 0 is any other value, or none.
    """

    columns: tuple[int, ...] = ()
    values: tuple[NDArray[np.float32], ...] = ()

    @classmethod
    def fit(cls, numeric: NDArray[np.float32]) -> ExactValues:
        """Find them in training's numbers, shape (rows, columns), NaN where a value is missing."""
        found = {index: kept for index, column in enumerate(numeric.T) if (kept := _kept(column)) is not None}
        return cls(tuple(found), tuple(found.values()))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each column, 0 among them."""
        return tuple(len(values) + 1 for values in self.values)

    def codes(self, numeric: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the codes of rows, shape (rows, columns with such values)."""
        codes = np.zeros((len(numeric), len(self.columns)), np.int32)
        for place, (index, values) in enumerate(zip(self.columns, self.values, strict=True)):
            column = numeric[:, index]
            at = np.minimum(np.searchsorted(values, column), len(values) - 1)
            codes[:, place] = np.where(values[at] == column, at + 1, 0)
        return codes

    def to_json(self) -> list[dict[str, Any]]:
        """Return what `from_json` reads."""
        return [{"column": c, "values": v.tolist()} for c, v in zip(self.columns, self.values, strict=True)]

    @classmethod
    def from_json(cls, document: Sequence[dict[str, Any]]) -> ExactValues:
        """Rebuild them from `to_json`."""
        values = tuple(np.array(each["values"], np.float32) for each in document)
        return cls(tuple(int(each["column"]) for each in document), values)


def _kept(column: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return the values of a column that come back; None if it is not made of such values."""
    values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    often = counts >= _LEAST_ROWS
    if not _LEAST_VALUES <= often.sum() <= _MOST_VALUES or len(column) < _LEAST_MEAN * len(values):
        return None
    return values[often] if counts[often].sum() >= _COVERED * len(column) else None
