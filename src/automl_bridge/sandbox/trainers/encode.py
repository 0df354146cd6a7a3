"""Rows of text to numbers: what a service's feature engineering does, in small. State is JSON."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Encoder", "as_text", "hash_texts"]

MAX_CATEGORIES = 20
TEXT_DIMENSIONS = 64
TEXT_LENGTH = 25  # mean characters from which a column of mostly different values is prose
NULLS = frozenset({"", "nan", "null", "none", "na", "n/a", "nat"})


def as_text(values: Sequence[Any]) -> list[str]:
    """Write values as a CSV file holds them; a missing one is the empty string."""
    return ["" if v is None or (isinstance(v, float) and math.isnan(v)) else str(v) for v in values]


class Encoder:
    """Turn columns of text into a float matrix; fitted once, then the same for every row.

    A column is numeric if every value that is there is a number, a date if every one is an ISO date, prose if
    its values are long and mostly different, else a category. ``kinds`` overrules that by name.
    """

    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self.columns = columns

    @property
    def names(self) -> list[str]:
        """Names of the columns it reads, in order."""
        return [column["name"] for column in self.columns]

    @classmethod
    def fit(cls, table: Mapping[str, Sequence[str]], kinds: Mapping[str, str] | None = None) -> Encoder:
        """Learn from columns of text; ``kinds`` are ``numeric``, ``category``, ``text`` or ``datetime`` by name."""
        kinds = kinds or {}
        return cls([_fit_column(name, values, kinds.get(name)) for name, values in table.items()])

    def transform(self, table: Mapping[str, Sequence[str]]) -> NDArray[np.float64]:
        """Return the matrix of shape (rows, features)."""
        parts = [_transform_column(column, table[column["name"]]) for column in self.columns]
        return np.hstack(parts) if parts else np.zeros((0, 0))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the learned state."""
        return self.columns


def _fit_column(name: str, values: Sequence[str], kind: str | None) -> dict[str, Any]:
    present = [value for value in values if value.strip().lower() not in NULLS]
    kind = kind or _guess(present)
    column: dict[str, Any] = {"name": name, "kind": kind}
    if kind in {"numeric", "datetime"}:
        numbers = _numbers(values) if kind == "numeric" else _moments(values)
        known = numbers[np.isfinite(numbers)]
        column["center"] = float(np.median(known)) if len(known) else 0.0
        column["scale"] = float(known.std()) or 1.0 if len(known) else 1.0
    elif kind == "category":
        lowered = [value.strip().lower() for value in present]
        names, counts = np.unique(lowered, return_counts=True) if lowered else (np.array([]), np.array([]))
        column["categories"] = [str(one) for one in names[np.argsort(-counts, kind="stable")][:MAX_CATEGORIES]]
    return column


def _guess(present: Sequence[str]) -> str:
    if not present:
        return "category"
    if np.isfinite(_numbers(present)).all():
        return "numeric"
    if np.isfinite(_moments(present[:200])).all():
        return "datetime"
    lengths = sum(map(len, present)) / len(present)
    different = len(set(present)) / len(present)
    return "text" if lengths >= TEXT_LENGTH and different > 0.5 else "category"


def _transform_column(column: dict[str, Any], values: Sequence[str]) -> NDArray[np.float64]:
    kind = column["kind"]
    if kind == "text":
        return hash_texts(values, TEXT_DIMENSIONS)
    if kind == "category":
        place = {name: position for position, name in enumerate(column["categories"])}
        encoded = np.zeros((len(values), len(place) + 1))
        rows = np.arange(len(values))
        encoded[rows, [place.get(value.strip().lower(), len(place)) for value in values]] = 1.0
        return encoded
    numbers = _numbers(values) if kind == "numeric" else _moments(values)
    missing = ~np.isfinite(numbers)
    scaled = np.where(missing, 0.0, (numbers - column["center"]) / column["scale"])
    return np.column_stack([np.clip(scaled, -20.0, 20.0), missing.astype(float)])


def _numbers(values: Sequence[str]) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _moments(values: Sequence[str]) -> NDArray[np.float64]:
    return np.array([_moment(value) for value in values], dtype=np.float64)


def _moment(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return math.nan
    return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 (a difference)


def hash_texts(texts: Sequence[str], dimensions: int) -> NDArray[np.float64]:
    """Return word counts hashed into ``dimensions`` columns, rows of length one; knows no state."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(n_features=dimensions, alternate_sign=False).transform(texts)
    return np.asarray(hashed.toarray(), dtype=np.float64)
