"""Labels of a CSV file that look like missing values: ``NA`` may be Namibia, or "not applicable".

In the target of a file, and only if it holds text, a word that stands for missing elsewhere (``NA``, ``NULL`` …) is
a label

* where the column's kind is set by hand to categorical or text;
* where it is quoted, while other labels are not, or while missing cells are not: it was quoted on purpose;
* if it is ``NA``, ``N/A`` or ``n/a`` and as frequent as a label: at least half as frequent as the median label and at
  most twice as the most frequent one; but not where all other labels are quoted and it is not, as R writes missing.

All else is missing, and so are empty cells, always. What was found is told by the field's metadata.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_text
from automl_bridge.data.tidy import MISSING_WORDS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.csv_parse import CsvParser

__all__ = ["label_note", "missing_hint", "missing_words", "with_labels", "without_words"]

_MAYBE_LABELS = ("NA", "N/A", "n/a")
_MOST_LABELS = 50


def with_labels(parser: CsvParser, table: pa.Table, name: str, *, by_hand: bool) -> pa.Table:
    """Return ``table`` with the labels of the target ``name`` by the rule of this module.

    Parameters
    ----------
    parser, table
        The file, and what was read from it.
    name
        Of the target; a column that is not there, or has no missing value, is left as it is.
    by_hand
        Whether its kind was set to categorical or text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in table.column_names or not table[name].null_count:
        return table
    column, index = table[name], table.column_names.index(name)
    words = parser.as_text([name], strings_can_be_null=False)[name]
    if not is_text(column.type) and not pa.types.is_null(column.type):
        return _told(table, index, column, words)
    column = column.cast(pa.string())
    values, missing = words.to_numpy(), pc.is_null(column).to_numpy()
    kept = missing & (values != "")
    if not by_hand:
        kept &= _labels(values, missing, _quoted(parser, name, column))
    return _told(table, index, pc.if_else(pa.array(kept), words, column), words, kept)


def _quoted(parser: CsvParser, name: str, column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a word for missing, or one of the most frequent labels, stands in quotes."""
    import pyarrow.compute as pc
    import pyarrow.csv

    counted = pc.value_counts(column.drop_null())
    order = pc.sort_indices(counted.field("counts"), sort_keys=[("", "descending")])[:_MOST_LABELS]
    null_values = [*pyarrow.csv.ConvertOptions().null_values, *counted.field("values").take(order).to_pylist()]
    # Arrow says nothing of quotes, but can be told that only what has none may be missing.
    read = parser.as_text([name], quoted_strings_can_be_null=False, null_values=null_values)[name]
    found: NDArray[np.bool_] = pc.and_(pc.is_valid(read), pc.is_in(read, value_set=_array(null_values))).to_numpy()
    return found


def _labels(values: NDArray[np.object_], missing: NDArray[np.bool_], quoted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells hold a label, among those that look ``missing``."""
    import numpy as np

    all_quoted = bool(quoted[~missing].all()) and not missing.all()
    on_purpose = not all_quoted or bool((missing & ~quoted).any())
    kept = missing & quoted & on_purpose
    counts = np.unique(values[~missing | kept].astype(str), return_counts=True)[1]
    if not len(counts):
        return kept
    for word in _MAYBE_LABELS:
        cells = missing & ~kept & (values == word)
        as_r_writes_it = all_quoted and not quoted[cells].any()
        if not as_r_writes_it and np.median(counts) / 2 <= cells.sum() <= counts.max() * 2:
            kept |= cells
    return kept


def _told(
    table: pa.Table,
    index: int,
    column: pa.ChunkedArray,
    words: pa.ChunkedArray,
    kept: NDArray[np.bool_] | None = None,
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    before = table.schema.field(index)
    field = pa.field(before.name, column.type)
    found = {
        "missing": _counts(words.filter(pc.is_null(column))),
        "labels": {} if kept is None else _counts(words.filter(pa.array(kept))),
    }
    return table.set_column(
        index, field.with_metadata({**(before.metadata or {}), MISSING_WORDS: json.dumps(found)}), column
    )


def _counts(words: pa.ChunkedArray) -> dict[str, int]:
    import pyarrow.compute as pc

    counted = pc.value_counts(words)
    found = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))


def _array(words: list[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array([word for word in words if word], pa.string())


def missing_words(field: pa.Field) -> str:
    """Say which words were read as missing: `` (12 hold NA, 3 are empty)``; nothing if no file was read."""
    found = _held(field).get("missing", {})
    told = [f"{count:,} hold {word}" if word.strip() else f"{count:,} are empty" for word, count in found.items()]
    return f" ({', '.join(told[:5])})" if told else ""


def missing_hint(field: pa.Field) -> str | None:
    """Say how a word that was read as missing becomes a label; None if there is none."""
    word = next((word for word in _held(field).get("missing", {}) if word.strip()), None)
    if word is None:
        return None
    return f"if {word} is a label, say so: --type {field.name}=categorical"


def label_note(field: pa.Field) -> tuple[str, ...]:
    """Say which words were read as labels though they often stand for missing."""
    return tuple(
        f'"{word}" is read as a label of "{field.name}" ({count:,} rows), not as missing; '
        "if it means missing, leave those cells empty"
        for word, count in _held(field).get("labels", {}).items()
    )


def without_words(field: pa.Field) -> pa.Field:
    """Return the field without what this module noted in it."""
    kept = {key: value for key, value in (field.metadata or {}).items() if key != MISSING_WORDS}
    return field.with_metadata(kept or None)


def _held(field: pa.Field) -> dict[str, dict[str, int]]:
    held: dict[str, dict[str, int]] = json.loads((field.metadata or {}).get(MISSING_WORDS, b"{}"))
    return held
