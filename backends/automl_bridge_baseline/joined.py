"""A linear model of both blocks of `Rows`: scaled columns and terms side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from automl_bridge_baseline.rows import Rows

__all__ = ["Joined", "inputs"]


_REACH = 5.0
"""Scaled columns end here, in standard deviations: new rows may lie far outside, and a line goes on for ever."""


class Joined(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Scales the dense block, puts the terms beside it, and fits a linear model on both.

    Parameters
    ----------
    columns
        A transformer of the dense block.
    model
        A linear classifier or regressor that reads sparse matrices.
    """

    def __init__(self, columns: Any, model: Any) -> None:
        self.columns = columns
        self.model = model

    def fit(self, rows: Rows, y: NDArray[Any], sample_weight: Any = None) -> Joined:
        """Fit both."""
        self.columns.fit(rows.dense)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.model.fit(self._joined(rows), y, **weights)
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes of the model."""
        found: NDArray[Any] = self.model.classes_
        return found

    def predict(self, rows: Rows) -> NDArray[Any]:
        """Predict values or classes."""
        found: NDArray[Any] = self.model.predict(self._joined(rows))
        return found

    def predict_proba(self, rows: Rows) -> NDArray[Any]:
        """Predict probabilities."""
        found: NDArray[Any] = self.model.predict_proba(self._joined(rows))
        return found

    def _joined(self, rows: Rows) -> Any:
        dense = np.clip(self.columns.transform(rows.dense), -_REACH, _REACH)
        if rows.terms is None:
            return dense
        from scipy import sparse

        return sparse.hstack([sparse.csr_matrix(dense), rows.terms], format="csr")


def inputs(model: Any, rows: Rows) -> Any:
    """Return what a model reads of the rows: all of them, or the dense block."""
    return rows if isinstance(model, Joined) else rows.dense
