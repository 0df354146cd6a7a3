"""Rows as models read them: a dense block, and a sparse one where there are texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Rows"]


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to predict.

    Parameters
    ----------
    dense
        Shape (rows, columns), float32, NaN where missing.
    terms
        Weights of the terms of texts, a CSR matrix of shape (rows, terms), float32; None where there are no texts.
    """

    dense: NDArray[np.float32]
    terms: Any = None

    def __len__(self) -> int:
        return len(self.dense)

    @property
    def size(self) -> int:
        """Number of stored values."""
        return int(self.dense.size) + (0 if self.terms is None else int(self.terms.nnz))

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Return some of the rows."""
        return Rows(self.dense[rows], None if self.terms is None else self.terms[rows])
