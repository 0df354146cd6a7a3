"""TableEncoder: a table as arrays that models take, learned from the training rows and stored as JSON.

What becomes of a column:

===========  =====================================================================================================
kind         arrays
===========  =====================================================================================================
numeric,     one number. Missing is NaN. Infinite values and values far outside training's range are drawn to ten
integer      ranges beyond it, so that every row can be predicted. Numbers that float32 would blur (stamps, large
             identifiers) are counted from training's least one; those that it cannot hold are scaled down.
boolean      one number, 0 or 1
datetime     numbers ``name.days`` (since training's first), ``.month``, ``.day``, ``.weekday`` (Monday is 0), and
             ``.hour`` (with its fraction) if training had times of day; all in the column's own zone
categorical  one code: 1, 2, … by falling frequency in training; 0 for missing. Levels with a single row, and all
             after the 252 most frequent, share the last code, and so do unseen ones; where training had no such
             levels, unseen ones are 0
text         numbers ``name.length`` (characters) and ``name.words``; the text itself is for others
             (`TableEncoder.text_names`)
image        nothing; for others (`TableEncoder.image_names`)
===========  =====================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.data.encode_columns import Encoding, Levels, fit_column, from_document
from automl_bridge.errors import BundleError
from automl_bridge.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile

__all__ = ["Encoded", "TableEncoder"]

_FORMAT = 1


class Encoded(NamedTuple):
    """A table as arrays.

    Parameters
    ----------
    numeric
        Shape (rows, numbers), float32, NaN where missing, never infinite.
    categorical
        Shape (rows, categories), int32, codes from 0 to the cardinality minus 1.
    """

    numeric: NDArray[np.float32]
    categorical: NDArray[np.int32]


class TableEncoder:
    """Turns the features of a table into arrays; made by `fit` or `from_json`.

    Parameters
    ----------
    encodings
        One per column, in the profile's order.
    text_names, image_names
        Columns whose content is left to others.
    """

    def __init__(
        self, encodings: Sequence[Encoding], text_names: Sequence[str] = (), image_names: Sequence[str] = ()
    ) -> None:
        self._encodings = tuple(encodings)
        self.text_names = tuple(text_names)
        self.image_names = tuple(image_names)

    @classmethod
    def fit(cls, table: pa.Table, columns: Sequence[ColumnProfile], seed: int = 0) -> TableEncoder:
        """Learn from the training rows.

        Parameters
        ----------
        table
            Training rows with (at least) ``columns``.
        columns
            The features, as in ``profile.features``.
        seed
            Kept for encodings that draw at random; none does.
        """
        del seed
        encodings = [fit_column(table[column.name], column) for column in columns if column.kind is not Kind.IMAGE]
        texts = [column.name for column in columns if column.kind is Kind.TEXT]
        return cls(encodings, texts, [column.name for column in columns if column.kind is Kind.IMAGE])

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """Names of the numbers, in the order of `Encoded.numeric`."""
        return tuple(name for each in self._encodings if not isinstance(each, Levels) for name in each.outputs)

    @property
    def categorical_names(self) -> tuple[str, ...]:
        """Names of the categories, in the order of `Encoded.categorical`."""
        return tuple(each.name for each in self._encodings if isinstance(each, Levels))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each category, 0 among them."""
        return tuple(each.cardinality for each in self._encodings if isinstance(each, Levels))

    def transform(self, table: pa.Table) -> Encoded:
        """Turn rows into arrays.

        Parameters
        ----------
        table
            With the columns it was fitted on, by name, in training's types (`Dataset.features`).
        """
        import numpy as np

        rows = table.num_rows
        # Filled column by column, so the columns lie one after the other.
        numeric = np.empty((len(self.numeric_names), rows), np.float32)
        categorical = np.empty((len(self.categorical_names), rows), np.int32)
        number = category = 0
        for encoding in self._encodings:
            column = table[encoding.name]
            if isinstance(encoding, Levels):
                categorical[category] = encoding.codes(column)
                category += 1
            else:
                width = len(encoding.outputs)
                encoding.write(column, numeric[number : number + width])
                number += width
        return Encoded(np.ascontiguousarray(numeric.T), np.ascontiguousarray(categorical.T))

    def to_json(self) -> dict[str, Any]:
        """Return what was learned as a JSON document; `from_json` reads it back exactly."""
        return {
            "format": _FORMAT,
            "columns": [encoding.document() for encoding in self._encodings],
            "text": list(self.text_names),
            "image": list(self.image_names),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableEncoder:
        """Read what `to_json` wrote.

        Raises
        ------
        BundleError
            If it is from a newer version.
        """
        if document["format"] > _FORMAT:
            raise BundleError(
                f"the encoder has format {document['format']}; this version reads up to {_FORMAT}",
                hint="upgrade automl-bridge",
            )
        return cls([from_document(each) for each in document["columns"]], document["text"], document["image"])
