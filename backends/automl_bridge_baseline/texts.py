"""Texts as weighted terms (TF-IDF), and those in turn as a few numbers.

A term is a word, two neighbouring words, a sign (emoji and punctuation tell much), or a piece of one to three
characters: pieces are what languages without spaces are read by, and what helps with short texts.
"""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MAX_CHARACTERS", "TextColumn"]

MAX_CHARACTERS = 30_000
"""A text is read up to here: about ten pages. One of 300,000 characters would take a second and 100 MB of its own."""

_WORD = r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]"
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\x00]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff]"
)
"""Thai, Lao, Burmese, Khmer, Kana and Han: scripts whose words are not set apart by spaces."""
_SAMPLE = 2_000
_SHORT = 2_000_000
"""Characters of all texts up to which pieces are counted in any language."""
_TERMS = {"word": 30_000, "char": 20_000}
_COUNTED = 20_000_000
"""Characters from which terms are chosen: pairs of words in more would take gigabytes before the rare ones go."""
_COMPONENTS = 32
_FACTORED_ROWS = 20_000


@dataclass
class TextColumn:
    """What was learned from one column of texts.

    Parameters
    ----------
    name
        Of the column.
    terms
        By the kind of the terms (``word``, ``char``): the terms, in the order of the columns that they become.
    idf
        Weights of the terms, of all kinds one after the other.
    components
        Directions in which texts differ most, shape (components, terms); made by `factor`.
    """

    name: str
    terms: dict[str, list[str]]
    idf: NDArray[np.float32]
    components: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str, share: int = 1) -> TextColumn:
        """Count the terms of the training rows, or of a part of them, and keep the most frequent.

        Parameters
        ----------
        share
            Among how many columns the number of terms is divided.
        """
        from sklearn.feature_extraction.text import CountVectorizer

        column = _sampled(column)
        kinds = ["word", "char"] if _wants_pieces(column) else ["word"]
        terms: dict[str, list[str]] = {}
        weights = []
        for kind in kinds:
            counter = CountVectorizer(
                **_analysis(kind), max_features=max(1, _TERMS[kind] // share), min_df=2 if len(column) >= 100 else 1
            )
            try:
                counts = counter.fit_transform(_cleaned(column))
            except ValueError:
                continue  # no term is there often enough, or at all
            terms[kind] = list(counter.get_feature_names_out())
            present = np.bincount(counts.indices, minlength=counts.shape[1])
            weights.append(np.log((1 + counts.shape[0]) / (1 + present)) + 1)
        idf = np.concatenate(weights) if weights else np.zeros(0)
        return cls(name, terms, idf.astype(np.float32))

    def transform(self, column: pa.ChunkedArray) -> Any:
        """Return weights of terms, a CSR matrix of shape (rows, terms); rows of each kind have length 1 or 0."""
        from scipy import sparse
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.preprocessing import normalize

        blocks, start = [], 0
        for kind, terms in self.terms.items():
            counter = CountVectorizer(**_analysis(kind), vocabulary=terms, dtype=np.float32)
            counts = counter.transform(_cleaned(column)).tocsr()
            counts.data = 1 + np.log(counts.data)
            weighted = counts.multiply(self.idf[start : start + len(terms)]).tocsr().astype(np.float32)
            blocks.append(normalize(weighted, copy=False))
            start += len(terms)
        if not blocks:
            return sparse.csr_matrix((len(column), 0), dtype=np.float32)
        return sparse.hstack(blocks, format="csr")

    def factor(self, weights: Any, seed: int) -> None:
        """Find the directions in which the training rows differ most, from 20,000 of them at most."""
        from sklearn.utils.extmath import randomized_svd

        rows, width = weights.shape
        count = min(_COMPONENTS, rows - 1, width - 1)
        if count < 1:
            return
        if rows > _FACTORED_ROWS:
            weights = weights[:: -(-rows // _FACTORED_ROWS)]
        _, _, directions = randomized_svd(weights, count, n_iter=3, random_state=seed)
        self.components = directions.astype(np.float32)

    def numbers(self, weights: Any) -> NDArray[np.float32]:
        """Return the few numbers that boosting reads, shape (rows, components)."""
        if not len(self.components):
            return np.zeros((weights.shape[0], 0), np.float32)
        return np.asarray(weights @ self.components.T, np.float32)

    def document(self) -> dict[str, Any]:
        """Return what is no array, for JSON."""
        return {"name": self.name, "terms": self.terms}

    def arrays(self) -> bytes:
        """Return the arrays as a file of numpy's."""
        buffer = io.BytesIO()
        np.savez(buffer, idf=self.idf, components=self.components)
        return buffer.getvalue()

    @classmethod
    def restore(cls, document: dict[str, Any], arrays: bytes) -> TextColumn:
        """Read back what `document` and `arrays` returned."""
        with np.load(io.BytesIO(arrays), allow_pickle=False) as held:
            return cls(document["name"], document["terms"], held["idf"], held["components"])


def _analysis(kind: str) -> dict[str, Any]:
    common: dict[str, Any] = {"lowercase": False, "preprocessor": None}
    if kind == "word":
        return common | {"analyzer": "word", "token_pattern": _WORD, "ngram_range": (1, 2)}
    return common | {"analyzer": "char", "ngram_range": (1, 3)}


def _cleaned(column: pa.ChunkedArray) -> Iterator[str]:
    """Give the texts in lower case, composed alike, without invisible signs; nothing for a missing one."""
    for chunk in column.chunks:
        for value in chunk:
            text = (value.as_py() or "")[:MAX_CHARACTERS]
            if not text.isascii():
                text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
            yield text.lower()


def _sampled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.min_element_wise(pc.utf8_length(column), MAX_CHARACTERS)
    step = -(-(pc.sum(lengths).as_py() or 0) // _COUNTED)
    return column if step <= 1 else column.take(pa.array(np.arange(0, len(column), step)))


def _wants_pieces(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    if (pc.sum(pc.utf8_length(column)).as_py() or 0) <= _SHORT:
        return True
    sample: Sequence[str] = [text[:500] for text in column.slice(0, _SAMPLE).drop_null().to_pylist()]
    characters = sum(map(len, sample))
    return sum(len(_UNSPACED.findall(text)) for text in sample) > 0.1 * characters
