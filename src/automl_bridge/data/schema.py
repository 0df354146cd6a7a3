"""What each column holds, for learning.

The rule, in order; ``types`` overrides it column by column:

===================  ==========================================================================================
in the data          kind
===================  ==========================================================================================
boolean              boolean
whole numbers        integer
floats, decimals     numeric; durations and times of day too (in seconds), and strings that are all durations
                     or all numbers with one sign or thousands (``$1,234.50``, `written`)
dates, timestamps    datetime; so are strings that are all dates or timestamps (`parse_stamps`)
pandas categorical   categorical, whatever its levels are
strings              image, if nine of ten end like a picture's name (``.png``, ``.jpg`` …);
                     text, if most are different and they are long (4 words or 40 characters on average);
                     left out, if at least 95 % of 50 or more values are different, each one word: an identifier;
                     text, if most are different and they have spaces;
                     categorical otherwise
binary               image, if one of the first 100 values starts like a picture; else an error
===================  ==========================================================================================

In languages without spaces every four characters count as one more word. A plain list of strings is text, and so is
a string column that is the only one and would be left out. In tables of more than 200,000 rows, strings are judged by
50 stretches of 1,000 rows, spread evenly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.data.arrow_types import is_integral, is_stamp, is_text
from automl_bridge.data.tidy import CATEGORICAL_HINT, IMAGE_HINT, has_hint
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Kind, Role

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Facts", "facts", "infer_kind", "parse_stamps"]

_IMAGE_NAMES = r"(?i)\.(?:png|jpe?g|jfif|gif|bmp|webp|tiff?|avif|p[bgp]m)\s*$"
_IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
_STAMP = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
_OTHER_DATES = {r"\d{4}/\d{2}/\d{2}": "%Y/%m/%d", r"\d{1,2}\.\d{1,2}\.\d{4}": "%d.%m.%Y"}
_FIRST_FILES = 100
_ALL_ROWS = 200_000
_SAMPLE_ROWS, _STRETCH = 50_000, 1_000
# Where words have no spaces between them, every four characters are one more: names stay one word.
_WORDS = (r"\S+", r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{4}")
_LONG_WORDS, _LONG_CHARACTERS = 4.0, 40.0
_ID_SHARE, _ID_ROWS = 0.95, 50


class Facts(NamedTuple):
    """What was counted in one column: missing values, distinct ones (None if not counted), longest in characters."""

    missing: int
    distinct: int | None
    max_length: int | None


def facts(column: pa.ChunkedArray) -> Facts:
    """Count what a profile says of a column; distinct values only up to 200,000 rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_large_binary(column.type):
        return Facts(column.null_count, None, None)
    counted = len(column) <= _ALL_ROWS
    distinct = pc.count_distinct(column).as_py() if counted and not pa.types.is_decimal(column.type) else None
    if column.null_count == len(column):
        distinct = 0
    longest = pc.max(pc.utf8_length(column)).as_py() if is_text(column.type) else None
    return Facts(column.null_count, distinct, longest)


def infer_kind(field: pa.Field, column: pa.ChunkedArray) -> tuple[Kind, Role]:
    """Return kind and role (feature, or ignored) of a column by the rule of this module.

    Raises
    ------
    SchemaError
        If it holds bytes that are no picture.
    """
    import pyarrow as pa

    kind = field.type
    if has_hint(field, CATEGORICAL_HINT):
        return Kind.CATEGORICAL, Role.FEATURE
    if is_text(kind):
        return _kind_of_strings(column)
    if has_hint(field, IMAGE_HINT):
        return Kind.IMAGE, Role.FEATURE
    if pa.types.is_binary(kind):
        return _kind_of_bytes(field.name, column), Role.FEATURE
    simple = (
        (pa.types.is_boolean(kind), Kind.BOOLEAN),
        (is_integral(kind), Kind.INTEGER),
        (is_stamp(kind), Kind.DATETIME),
    )
    return next((found for fits, found in simple if fits), Kind.NUMERIC), Role.FEATURE


def _kind_of_strings(column: pa.ChunkedArray) -> tuple[Kind, Role]:
    import pyarrow.compute as pc

    sample = _sample(column).drop_null()
    rows = len(sample)
    if not rows:
        return Kind.CATEGORICAL, Role.FEATURE
    if pc.mean(pc.match_substring_regex(sample, _IMAGE_NAMES)).as_py() >= 0.9:
        return Kind.IMAGE, Role.FEATURE
    different = pc.count_distinct(sample).as_py() / rows
    if different <= 0.5:
        return Kind.CATEGORICAL, Role.FEATURE
    words = sum(pc.mean(pc.count_substring_regex(sample, pattern)).as_py() for pattern in _WORDS)
    if words >= _LONG_WORDS or pc.mean(pc.utf8_length(sample)).as_py() >= _LONG_CHARACTERS:
        return Kind.TEXT, Role.FEATURE
    if rows >= _ID_ROWS and different >= _ID_SHARE and words < 1.5:
        return Kind.CATEGORICAL, Role.IGNORED
    return (Kind.TEXT if rows >= _ID_ROWS and words >= 1.5 else Kind.CATEGORICAL), Role.FEATURE


def _kind_of_bytes(name: str, column: pa.ChunkedArray) -> Kind:
    first = column.drop_null().slice(0, _FIRST_FILES).to_pylist()
    if not first or any(content.startswith(_IMAGE_STARTS) or content[4:8] == b"ftyp" for content in first):
        return Kind.IMAGE
    raise SchemaError(
        f'column "{name}" holds bytes that are no picture',
        hint="decode them to text or numbers, or leave the column out",
    )


def _sample(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if len(column) <= _ALL_ROWS:
        return column
    import pyarrow as pa

    # Stretches of neighbours are slices, which copy nothing.
    step = (len(column) - _STRETCH) / (_SAMPLE_ROWS // _STRETCH - 1)
    starts = [int(number * step) for number in range(_SAMPLE_ROWS // _STRETCH)]
    chunks = [chunk for start in starts for chunk in column.slice(start, _STRETCH).chunks]
    return pa.chunked_array(chunks, column.type)


def parse_stamps(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Read a string column of dates or timestamps; None if one value is neither.

    ISO 8601, or with ``2024/12/31`` or ``31.12.2024`` for the date (``12/31/2024`` could be either order, and stays
    text). With an offset in every value the stamps are in UTC, without one in any they have no zone.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    first = column.slice(0, 1000)
    if first.null_count == len(first):
        return None
    if not pc.all(pc.match_substring_regex(first, _STAMP)).as_py():
        return _parse_other(column, first)
    for kind in (pa.date32(), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"), *_zoned()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _parse_other(column: pa.ChunkedArray, first: pa.ChunkedArray) -> pa.ChunkedArray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for pattern, date in _OTHER_DATES.items():
        for end, time in ((r"", ""), (r" \d{2}:\d{2}", " %H:%M"), (r" \d{2}:\d{2}:\d{2}", " %H:%M:%S")):
            if pc.all(pc.match_substring_regex(first, f"^{pattern}{end}$")).as_py():
                try:
                    return pc.strptime(column, format=date + time, unit="s")
                except pa.ArrowInvalid:
                    return None
    return None


def _zoned() -> list[pa.DataType]:
    import pyarrow as pa

    return [pa.timestamp(unit, "UTC") for unit in ("s", "us", "ns")]
