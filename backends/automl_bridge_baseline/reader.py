"""From a table to what models read: numbers and codes of its columns, terms of its texts, pixels of its pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.spec import Kind
from automl_bridge_baseline.features import matrix
from automl_bridge_baseline.pictures import PictureColumn
from automl_bridge_baseline.rows import Rows
from automl_bridge_baseline.texts import MAX_CHARACTERS, TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.encode import TableEncoder
    from automl_bridge.spec import ColumnProfile
    from automl_bridge.task import Task

__all__ = ["Reader", "places_to_read"]

_FILE = "encoder.json"
_PICTURES = 30_000
_CHARACTERS = 60_000_000
"""Of all texts; as many as the pictures, they take about a minute to read."""


def places_to_read(
    table: pa.Table, columns: Sequence[ColumnProfile], task: Task, seed: int
) -> NDArray[np.int64] | None:
    """Return which training rows are read, drawn at random, where all would take minutes; None for all."""
    import pyarrow.compute as pc

    if task.value.startswith("tabular"):
        return None
    rows = most = table.num_rows
    for column in columns:
        if column.kind is Kind.IMAGE:
            most = min(most, _PICTURES)
        elif column.kind is Kind.TEXT:
            characters = pc.sum(pc.min_element_wise(pc.utf8_length(table[column.name]), MAX_CHARACTERS)).as_py() or 0
            most = min(most, max(1, int(rows * min(1.0, _CHARACTERS / max(1, characters)))))
    if most >= rows:
        return None
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


class Reader:
    """Turns features into `Rows`; made by `fit` or `restore`.

    Parameters
    ----------
    encoder
        Of the columns of a table.
    texts, pictures
        Of the columns whose content is read; empty for tabular tasks.
    """

    def __init__(
        self, encoder: TableEncoder, texts: Sequence[TextColumn] = (), pictures: Sequence[PictureColumn] = ()
    ) -> None:
        self.encoder = encoder
        self.texts = tuple(texts)
        self.pictures = tuple(pictures)

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        columns: Sequence[ColumnProfile],
        task: Task,
        seed: int,
        places: NDArray[np.int64] | None = None,
    ) -> tuple[Reader, Rows]:
        """Learn from the training rows; returns them as read, too, since reading texts takes most of the time.

        Parameters
        ----------
        places
            The rows to read; all where None.
        """
        from automl_bridge.data.encode import TableEncoder

        media = [column.name for column in columns if column.kind is Kind.IMAGE]
        pixels = table.select(media)
        table = table.drop_columns(media) if places is None else table.drop_columns(media).take(places)
        encoder = TableEncoder.fit(table, [column for column in columns if column.kind is not Kind.IMAGE], seed=seed)
        if task.value.startswith("tabular"):
            reader = cls(encoder)
            return reader, reader.read(table)
        named = [column for column in columns if column.kind is Kind.TEXT]
        texts = [TextColumn.fit(table[column.name], column.name, len(named)) for column in named]
        pictures = [PictureColumn.of(column) for column in columns if column.kind is Kind.IMAGE]
        terms = [text.transform(table[text.name]) for text in texts]
        for text, weights in zip(texts, terms, strict=True):
            text.factor(weights, seed)
        reader = cls(encoder, texts, pictures)
        return reader, reader._joined(
            table, terms, [picture.transform(pixels[picture.name], places) for picture in pictures]
        )

    def read(self, table: pa.Table) -> Rows:
        """Read rows with the columns that it was fitted on, by name."""
        terms = [text.transform(table[text.name]) for text in self.texts]
        return self._joined(table, terms, [picture.transform(table[picture.name]) for picture in self.pictures])

    def _joined(self, table: pa.Table, terms: list[Any], pictures: list[NDArray[np.float32]]) -> Rows:
        # A table without columns does not know how many rows it has.
        numbers = matrix(self.encoder, table) if table.num_columns else np.zeros((len(pictures[0]), 0), np.float32)
        extra = [text.numbers(weights) for text, weights in zip(self.texts, terms, strict=True)]
        extra += pictures
        dense = np.hstack([numbers, *extra]) if extra else numbers
        if not terms:
            return Rows(dense)
        from scipy import sparse

        return Rows(dense, sparse.hstack(terms, format="csr"))

    @property
    def width(self) -> int:
        """Number of terms of all texts."""
        return sum(len(terms) for text in self.texts for terms in text.terms.values())

    def files(self) -> dict[str, bytes]:
        """Return what was learned as the files of a bundle."""
        document = self.encoder.to_json()
        if self.texts or self.pictures:
            document["texts"] = [text.document() for text in self.texts]
            document["pictures"] = [picture.document() for picture in self.pictures]
        arrays = {f"texts_{number}.npz": text.arrays() for number, text in enumerate(self.texts)}
        return {_FILE: json.dumps(document, ensure_ascii=False).encode(), **arrays}

    @classmethod
    def restore(cls, read: Callable[[str], bytes]) -> Reader:
        """Read back what `files` returned; ``read`` gives a file by its name."""
        from automl_bridge.data.encode import TableEncoder

        document = json.loads(read(_FILE))
        texts = [
            TextColumn.restore(held, read(f"texts_{number}.npz"))
            for number, held in enumerate(document.get("texts", ()))
        ]
        pictures = [PictureColumn(**held) for held in document.get("pictures", ())]
        return cls(TableEncoder.from_json(document), texts, pictures)
