"""Columns of any mix for one neural net: numbers, categories, texts and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from automl_bridge.spec import Kind
from automl_bridge_autokeras.inputs_image import ImageInputs
from automl_bridge_autokeras.inputs_tabular import TableInputs
from automl_bridge_autokeras.inputs_text import TextInputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile

__all__ = ["MixedInputs"]


@dataclass(frozen=True)
class MixedInputs:
    """What was fitted to each column.

    Parameters
    ----------
    table
        All columns but pictures and, where texts stand alone, texts; None if there are none.
    texts, images
        By the column's name.
    """

    kind: ClassVar[str] = "mixed"
    table: TableInputs | None
    texts: dict[str, TextInputs]
    images: dict[str, ImageInputs]

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        columns: Sequence[ColumnProfile],
        *,
        rows: int,
        seed: int = 0,
        side: int | None = None,
    ) -> MixedInputs:
        """Fit to the training rows.

        Parameters
        ----------
        table, columns
            Training rows, and the features in it.
        rows
            Of training and validation together.
        seed
            Of what is drawn to be fitted to.
        side
            Longest side of pictures in pixels; None: by their size and number.
        """
        texts = {c.name: TextInputs.fit(table[c.name], rows=rows, seed=seed) for c in columns if c.kind is Kind.TEXT}
        images = {
            c.name: ImageInputs.fit(table[c.name], c, rows=rows, seed=seed, side=side)
            for c in columns
            if c.kind is Kind.IMAGE
        }
        # A text's length and number of words say something beside other columns.
        alone = len(texts) == len(columns)
        rest = [] if alone else [c for c in columns if c.kind is not Kind.IMAGE]
        return cls(TableInputs.fit(table, rest, seed) if rest else None, texts, images)

    @property
    def levels(self) -> int:
        """Number of category codes over all columns."""
        return 0 if self.table is None else self.table.levels

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays: the table's, ``text_0_terms`` …, ``image_0`` …."""
        texts = [f"text_{i}_{part}" for i in range(len(self.texts)) for part in ("terms", "weights", "words")]
        images = [f"image_{i}" for i in range(len(self.images))]
        return (*(self.table.names if self.table else ()), *texts, *images)

    def transform(self, table: pa.Table) -> tuple[NDArray[Any], ...]:
        """Turn rows into the model's arrays."""
        arrays = [*(self.table.transform(table) if self.table else ())]
        for name, text in self.texts.items():
            arrays.extend(text.transform(table[name]))
        arrays.extend(image.transform(table[name]) for name, image in self.images.items())
        return tuple(arrays)

    def linear(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return the table's arrays, frequent terms and small pictures."""
        place = len(self.table.names) if self.table else 0
        found = list(arrays[:place])
        for text in self.texts.values():
            found.append(text.linear(arrays[place], arrays[place + 1]))
            place += 3
        found.extend(image.linear(arrays[place + i]) for i, image in enumerate(self.images.values()))
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "table": None if self.table is None else self.table.to_json(),
            "texts": {name: text.to_json() for name, text in self.texts.items()},
            "images": {name: image.to_json() for name, image in self.images.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> MixedInputs:
        """Rebuild it from `to_json`."""
        return cls(
            None if document["table"] is None else TableInputs.from_json(document["table"]),
            {name: TextInputs.from_json(each) for name, each in document["texts"].items()},
            {name: ImageInputs.from_json(each) for name, each in document["images"].items()},
        )
