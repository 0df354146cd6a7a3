"""From a table to the matrix that scikit-learn reads: numbers, NaN where missing, then the codes of categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge_baseline.joined import inputs

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.data.encode import TableEncoder
    from automl_bridge_baseline.reader import Reader
    from automl_bridge_baseline.rows import Rows

__all__ = ["Layout", "Part", "matrix", "outputs_of", "read_part"]


@dataclass(frozen=True)
class Layout:
    """Which columns of the matrix hold what: indices of numbers and of categories.

    The encoder makes at most 254 codes a category, which is fewer than the 255 that HistGradientBoosting takes.
    """

    numeric: list[int]
    categorical: list[int]
    beside_terms: list[int] = field(default_factory=list)
    """Numbers that a model of terms reads beside them: not those that sum texts up."""
    terms: int = 0
    """Number of terms beside the matrix."""

    @classmethod
    def of(cls, reader: Reader, rows: Rows) -> Layout:
        """Return the layout of what ``reader`` makes: the encoder's matrix, sums of texts, numbers of pictures."""
        encoder = reader.encoder
        numbers, levels = len(encoder.numeric_names), len(encoder.categorical_names)
        sums = sum(len(text.components) for text in reader.texts)
        sizes = {f"{name}.{what}" for name in encoder.text_names for what in ("length", "words")}
        plain = [place for place, name in enumerate(encoder.numeric_names) if name not in sizes]
        return cls(
            numeric=[*range(numbers), *range(numbers + levels, rows.dense.shape[1])],
            categorical=list(range(numbers, numbers + levels)),
            beside_terms=[*plain, *range(numbers + levels + sums, rows.dense.shape[1])],
            terms=0 if rows.terms is None else rows.terms.shape[1],
        )

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.numeric) + len(self.categorical)


@dataclass(frozen=True)
class Part:
    """Rows to learn from, or to score on: what models read, targets (codes, or values per target) and weights."""

    X: Rows
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = field(default=None)

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[np.int64]) -> Part:
        """Return some of the rows."""
        return Part(self.X.take(rows), self.y[rows], None if self.weights is None else self.weights[rows])


def matrix(encoder: TableEncoder, table: pa.Table) -> NDArray[np.float32]:
    """Encode a table; in categories missing is the level 0.

    It is not NaN there: of one level and NaN, scikit-learn 1.9's HistGradientBoosting makes trees that send both to
    the same leaf.
    """
    encoded = encoder.transform(table)
    return np.hstack([encoded.numeric, encoded.categorical.astype(np.float32)])


def read_part(
    dataset: Dataset, name: str, rows: Rows, *, classification: bool, places: NDArray[np.int64] | None = None
) -> Part:
    """Put targets and weights of one part of the data, or of its rows at ``places``, beside what was read of them."""
    y: NDArray[Any] = dataset.target_codes(name) if classification else dataset.target_values(name)
    weights = dataset.weights(name)
    if places is not None:
        y, weights = y[places], None if weights is None else weights[places]
    return Part(rows, y, weights)


def outputs_of(models: list[Any], rows: Rows, classes: int) -> NDArray[np.float64]:
    """Predict as `Outcome` has it; ``models`` holds one classifier, or one regressor per target.

    A class that no training row had gets the probability 0: there is nothing to learn it from.
    """
    if not classes:
        return np.column_stack([model.predict(inputs(model, rows)) for model in models]).astype(np.float64)
    outputs = np.zeros((len(rows), classes))
    outputs[:, models[0].classes_.astype(np.int64)] = models[0].predict_proba(inputs(models[0], rows))
    return outputs
