"""Texts for a neural net: vocabulary and lengths taken from the data; JSON in and out, no pickle.

A text becomes three arrays: the ids of its *terms* (words, pairs of words and, where texts are short, parts of words)
with their *weights* (TF-IDF, of length 1), and the ids of its *words* in order. Text is lower-cased after NFKC.
Languages that write without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are read character by character,
so that pairs of characters stand for their words.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["TextInputs", "tokens"]

_CHARACTERS = 20_000  # of each text that are read; about 3,500 words
_FIT_ROWS = 20_000  # texts that the vocabulary is taken from
_TERMS = 20_000  # terms that are kept: those in most texts
_WORDS = 10_000  # words that are kept
_LEAST_LENGTH, _MOST_LENGTH = 16, 256  # terms, and words, of one text
_NUMBERS = 100_000_000  # terms of all texts: with weights and words, 1.2 GB
_SHORT = 30.0  # words in a text on average; parts of words are terms below it
_FEW_TEXTS = 200  # below, a term may stand in one text only
_PART = "\0"  # begins a part of a word: no word does
_LINEAR_TERMS = 1000  # terms that the linear model reads
_PAD, _UNKNOWN = 0, 1

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
)


@cache
def _token() -> re.Pattern[str]:
    """Words (with the marks that many scripts write vowels with, and inner apostrophes), and single other signs."""
    marks = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))
    vowels = "".join(chr(code) for code in range(0x900, 0x1A00) if unicodedata.category(chr(code)) in {"Mc", "Mn"})
    letter = rf"[\w{marks}{vowels}]"
    return re.compile(rf"{letter}+(?:['’]{letter}+)*|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Return a text's words and signs; unspaced scripts by the character."""
    plain = unicodedata.normalize("NFKC", text[:_CHARACTERS]).lower()
    if not plain.isascii():
        plain = _UNSPACED.sub(r" \g<0> ", plain)
    return _token().findall(plain)


def _terms(words: list[str], *, parts: bool) -> Iterator[str]:
    yield from words
    for left, right in itertools.pairwise(words):
        yield f"{left} {right}"
    if parts:
        for word in words:
            padded = f" {word} "
            for length in (3, 4):
                for start in range(len(padded) - length + 1):
                    yield _PART + padded[start : start + length]


@dataclass(frozen=True)
class TextInputs:
    """What was fitted to one column of texts.

    Parameters
    ----------
    terms
        Ids from 1 on are places in it; 0 is no term.
    rarity
        Inverse document frequency of each term.
    words
        Ids from 2 on are places in it; 0 is no word, 1 an unknown one.
    width, length
        Terms and words of a text at most.
    parts
        Whether parts of words are terms.
    """

    terms: tuple[str, ...]
    rarity: NDArray[np.float64]
    words: tuple[str, ...]
    width: int
    length: int
    parts: bool
    _term_ids: dict[str, int] = field(init=False, repr=False, compare=False)
    _word_ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_term_ids", {term: place for place, term in enumerate(self.terms, 1)})
        object.__setattr__(self, "_word_ids", {word: place for place, word in enumerate(self.words, _UNKNOWN + 1)})

    @classmethod
    def fit(cls, column: pa.ChunkedArray, *, rows: int = 0, seed: int = 0) -> TextInputs:
        """Fit to the training rows; ``rows`` of a search, training and validation, bound how long a text may be."""
        most = max(_LEAST_LENGTH, min(_MOST_LENGTH, _NUMBERS // max(1, rows)))
        if len(column) > _FIT_ROWS:
            chosen = np.sort(np.random.default_rng(seed).choice(len(column), _FIT_ROWS, replace=False))
            column = column.take(chosen)
        texts = [tokens(text) for text in _strings(column)]
        sizes = np.array([len(words) for words in texts if words] or [0])
        parts = bool(sizes.mean() < _SHORT)
        term_counts, word_counts = Counter[str](), Counter[str]()
        distinct = []
        for words in texts:
            found = set(_terms(words, parts=parts))
            distinct.append(len(found))
            term_counts.update(found)
            word_counts.update(set(words))
        least = 1 if len(texts) < _FEW_TEXTS else 2
        terms = _frequent(term_counts, least, _TERMS)
        rarity = [math.log((1 + len(texts)) / (1 + term_counts[term])) + 1 for term in terms]
        return cls(
            terms,
            np.array(rarity, dtype=np.float64),
            _frequent(word_counts, least, _WORDS),
            width=_usual(distinct, most),
            length=_usual(sizes.tolist(), most),
            parts=parts,
        )

    def transform(self, column: pa.ChunkedArray) -> tuple[NDArray[Any], ...]:
        """Return terms (rows, width), their weights, and words (rows, length); a missing text is an empty one."""
        rows = len(column)
        terms = np.zeros((rows, self.width), np.int32)
        weights = np.zeros((rows, self.width), np.float32)
        words = np.full((rows, self.length), _PAD, np.int32)
        for row, text in enumerate(_strings(column)):
            found = tokens(text)
            ids = [self._word_ids.get(word, _UNKNOWN) for word in found[: self.length]]
            words[row, : len(ids)] = ids
            self._write_terms(found, terms[row], weights[row])
        return terms, weights, words

    def _write_terms(self, found: list[str], ids: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        known = self._term_ids
        counted = Counter(known[term] for term in _terms(found, parts=self.parts) if term in known)
        if not counted:
            return
        keys = np.fromiter(counted.keys(), np.int64, len(counted))
        values = (1 + np.log(np.fromiter(counted.values(), np.float64, len(counted)))) * self.rarity[keys - 1]
        if len(keys) > self.width:
            kept = np.argsort(-values, kind="stable")[: self.width]
            keys, values = keys[kept], values[kept]
        ids[: len(keys)] = keys
        weights[: len(keys)] = values / np.sqrt((values**2).sum())

    def linear(self, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weights of the most frequent terms, shape (rows, terms)."""
        kept = min(len(self.terms), _LINEAR_TERMS)
        wide = np.zeros((len(terms), kept + 1), np.float32)
        rows, places = np.nonzero((terms > 0) & (terms <= kept))
        wide[rows, terms[rows, places]] = weights[rows, places]
        return wide[:, 1:] if kept else wide

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "terms": list(self.terms),
            "rarity": self.rarity.tolist(),
            "words": list(self.words),
            "width": self.width,
            "length": self.length,
            "parts": self.parts,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TextInputs:
        """Rebuild it from `to_json`."""
        return cls(
            tuple(document["terms"]),
            np.array(document["rarity"], dtype=np.float64),
            tuple(document["words"]),
            document["width"],
            document["length"],
            document["parts"],
        )


def _strings(column: pa.ChunkedArray) -> Iterator[str]:
    import pyarrow as pa

    for text in column.cast(pa.large_string()):
        yield text.as_py() or ""


def _frequent(counts: Counter[str], least: int, most: int) -> tuple[str, ...]:
    # By count, then by text: the order of rows does not matter.
    kept = [item for item in counts.items() if item[1] >= least]
    kept.sort(key=lambda item: (-item[1], item[0]))
    return tuple(term for term, _ in kept[:most])


def _usual(sizes: Iterable[int], most: int) -> int:
    """Return a size that 19 of 20 texts fit into."""
    return int(min(most, max(1, math.ceil(np.quantile(list(sizes) or [1], 0.95)))))
