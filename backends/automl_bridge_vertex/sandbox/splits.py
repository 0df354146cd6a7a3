"""Which rows train, validate and test: fractions, a column, timestamps, strata. Deterministic."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import RpcError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["VOCABULARIES", "check_split", "draw", "fractions_of", "split_rows"]

DEFAULT = (0.8, 0.1, 0.1)
VOCABULARIES = {  # the pages and the API reference disagree; ``settings["predefined_split"]`` picks one
    "reference": {"training": 0, "validation": 1, "test": 2},
    "page": {"TRAIN": 0, "VALIDATE": 1, "TEST": 2, "UNASSIGNED": -1},
}
TOP_VALUES = 500  # of a stratified split's column
Fractions = tuple[float, float, float]


def fractions_of(split: Any) -> Fractions:
    """Return the fractions of a split message; what is left over goes to the sets in their usual proportion."""
    given = (split.training_fraction, split.validation_fraction, split.test_fraction)
    left = max(0.0, 1.0 - sum(given))
    if not any(given):
        return DEFAULT
    train, check, test = (part + left * usual for part, usual in zip(given, DEFAULT, strict=True))
    return train, check, test


def check_split(config: Any, *, tabular: bool) -> None:
    """Refuse a split that the kind of dataset does not have, or fractions beyond 1."""
    kind = config.WhichOneof("split")
    if kind is None:
        return
    if tabular and kind == "filter_split":
        raise invalid("filter_split is supported only for unstructured Datasets.")
    # InputDataConfig restricts the other three to tables; Google's notebooks split images by fractions.
    if not tabular and kind != "fraction_split":
        if kind != "filter_split":
            raise invalid(f"{kind} is supported only for tabular Datasets.")
        missing = [n for n in ("training", "validation", "test") if not getattr(config.filter_split, f"{n}_filter")]
        if missing:
            raise invalid(f"filter_split.{missing[0]}_filter is required; '-' matches nothing.")
    if kind in {"predefined_split", "timestamp_split", "stratified_split"} and not getattr(config, kind).key:
        raise invalid(f"{kind}.key is required.")
    if kind in {"fraction_split", "timestamp_split", "stratified_split"}:
        split = getattr(config, kind)
        given = (split.training_fraction, split.validation_fraction, split.test_fraction)
        if min(given) < 0 or sum(given) > 1.0 + 1e-9:
            raise invalid(f"The fractions of {kind} must not be negative and must sum up to at most 1: {given}.")


def draw(text: str, fractions: Fractions) -> int:
    """Return the set (0, 1, 2) that a row falls into by its content."""
    share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
    return 0 if share < fractions[0] else 1 if share < fractions[0] + fractions[1] else 2


def split_rows(
    config: Any, table: Mapping[str, Sequence[str]], rows: Sequence[int], vocabulary: Mapping[str, int]
) -> list[list[int]]:
    """Return the rows of each set.

    Rows whose key is missing or has another value than the vocabulary's are left out, and nothing says so: that is
    documented (PredefinedSplit, TimestampSplit).
    """
    kind = config.WhichOneof("split")
    key = getattr(config, kind).key if kind in {"predefined_split", "timestamp_split", "stratified_split"} else ""
    if key and key not in table:
        raise RpcError("INVALID_ARGUMENT", f"The split column {key} is not in the dataset.")
    if kind == "predefined_split":
        return _predefined(table[key], rows, vocabulary)
    if kind == "timestamp_split":
        return _by_time(table[key], rows, fractions_of(config.timestamp_split))
    fractions = fractions_of(config.stratified_split if kind == "stratified_split" else config.fraction_split)
    if kind == "stratified_split":
        return _stratified(table[key], rows, fractions)
    names = list(table)
    sets: list[list[int]] = [[], [], []]
    for row in rows:
        sets[draw(f"{row}|" + "|".join(table[name][row] for name in names), fractions)].append(row)
    return sets


def _predefined(values: Sequence[str], rows: Sequence[int], vocabulary: Mapping[str, int]) -> list[list[int]]:
    sets: list[list[int]] = [[], [], []]
    for row in rows:
        place = vocabulary.get(values[row])
        if place == -1:  # UNASSIGNED: training or validation, as the service likes
            place = draw(str(row), (0.889, 0.111, 0.0))
        if place is not None:
            sets[place].append(row)
    return sets


def _by_time(values: Sequence[str], rows: Sequence[int], fractions: Fractions) -> list[list[int]]:
    known = []
    for row in rows:
        text = values[row]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            continue
        if moment.tzinfo is not None and "T" in text.upper():  # RFC 3339 date-time with an offset
            known.append((moment.timestamp(), row))
    return cut([row for _moment, row in sorted(known)], fractions)


def cut(ordered: Sequence[int], fractions: Fractions) -> list[list[int]]:
    """Cut rows in order into three: the earliest train."""
    first = round(len(ordered) * fractions[0])
    second = first + round(len(ordered) * fractions[1])
    return [list(ordered[:first]), list(ordered[first:second]), list(ordered[second:])]


def _stratified(values: Sequence[str], rows: Sequence[int], fractions: Fractions) -> list[list[int]]:
    counts = Counter(values[row] for row in rows)
    strata = {value for value, count in counts.most_common(TOP_VALUES) if count >= 3}
    sets: list[list[int]] = [[], [], []]
    groups: dict[str, list[int]] = {}
    for row in rows:
        if values[row] in strata:
            groups.setdefault(values[row], []).append(row)
        else:
            sets[draw(f"{row}|{values[row]}", fractions)].append(row)
    for group in groups.values():
        for place, part in enumerate(cut(sorted(group, key=draw_key), fractions)):
            sets[place] += part
    return sets


def draw_key(row: int) -> bytes:
    """Return what rows are shuffled by."""
    return hashlib.sha256(str(row).encode()).digest()
