"""What a CSV file does not say of itself: its encoding and its separator."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from automl_bridge.data.csv_cells import any_size
from automl_bridge.data.csv_preamble import preamble
from automl_bridge.data.tidy import check_names
from automl_bridge.errors import EncodingError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Dialect", "decoded", "encoding_error", "skipping", "sniff"]

_SAMPLE = 1 << 18
_SEPARATORS = ",;\t|"
_MARK = codecs.BOM_UTF8
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Dialect(NamedTuple):
    """Separator and names, as the first lines show them; and the bytes and lines that stand before the header."""

    separator: str
    names: list[str]
    start: int = 0
    lines: int = 0


def decoded(opener: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
    """Return an opener of the same text in UTF-8: files with a UTF-16 or UTF-32 mark are rewritten in memory."""
    with opener() as file:
        head = file.read(4)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                try:
                    text = (head + file.read()).decode(encoding)
                except UnicodeDecodeError as error:
                    raise EncodingError(
                        f"the file starts with the mark of {encoding}, but is not {encoding}: {error.reason}",
                        hint="save it as UTF-8",
                    ) from error
                held = text.encode()
                return lambda: io.BytesIO(held)
    return opener


def skipping(opener: Callable[[], BinaryIO], start: int) -> Callable[[], BinaryIO]:
    """Return an opener of the same file from the byte ``start`` on."""

    def opened() -> BinaryIO:
        file = opener()
        file.read(start)
        return file

    return opened if start else opener


def sniff(opener: Callable[[], BinaryIO], name: str) -> Dialect:
    """Find separator and header in the first lines.

    The separator is the one that cuts most of the first records into as many cells as the header, at least two;
    the earliest of comma, semicolon, tab and pipe among equals. A file of one column has none: comma. What stands
    before the header is left out by the rule of `csv_preamble.preamble`, and may name another separator.

    Raises
    ------
    SchemaError
        If a name is empty or there twice.
    EncodingError
        If the first lines are not UTF-8.
    UnreadableError
        If there is no header.
    """
    with opener() as file:
        sample = file.read(_SAMPLE)
    if b"\0" in sample:
        raise EncodingError(
            f"{name} holds null bytes: it is UTF-16 without a mark, or no text at all",
            hint=f"convert it: iconv -f utf-16le -t utf-8 {name} > utf8.csv",
        )
    try:
        text = sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(sample) < _SAMPLE or error.start < len(sample) - 4:
            raise encoding_error(opener, name) from None
        text = sample[: error.start].decode("utf-8-sig")
    if len(sample) == _SAMPLE:
        text = text[: text.rfind("\n") + 1] or text
    if not text.strip():
        raise UnreadableError(f"{name} is empty: no header and no rows", hint="give a file with a header and rows")
    before = preamble(text, _separator)
    start = before.characters and len(text[: before.characters].encode()) + len(_MARK) * sample.startswith(_MARK)
    text = text[before.characters :]
    separator = before.separator or _separator(text)
    with any_size():
        names = next((row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row), None)
    if names is None:
        raise UnreadableError(f"{name} has no header and no rows", hint="give a file with a header and rows")
    check_names(names, name)
    return Dialect(separator, names, start, before.lines)


def _separator(text: str) -> str:
    return max(_SEPARATORS, key=lambda each: _fit(text, each))


def _fit(text: str, separator: str) -> tuple[bool, float, int]:
    try:
        with any_size():
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            widths = [len(row) for row, _ in zip((row for row in reader if row), range(200), strict=False)]
    except csv.Error:
        return (False, 0.0, 0)
    if not widths or widths[0] < 2:
        return (False, 0.0, 0)
    same = sum(width == widths[0] for width in widths) / len(widths)
    return (True, round(same, 2), widths[0])


def encoding_error(opener: Callable[[], BinaryIO], name: str, line: int = 1) -> EncodingError:
    """Return the error that says where ``name`` stops being UTF-8, and how to convert it; ``line`` is its first."""
    with opener() as file:
        for raw in file:
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                guess = raw[max(0, error.start - 12) : error.start + 12].decode("cp1252", errors="replace").strip()
                return EncodingError(
                    f"{name} is not in the encoding UTF-8: byte 0x{raw[error.start]:02x} in line {line} "
                    f"(in Windows-1252 it would read “{guess}”)",
                    hint=f"convert it: iconv -f cp1252 -t utf-8 {name} > utf8.csv; "
                    f"or in Python pass pandas.read_csv({name!r}, encoding='cp1252')",
                )
            line += 1
    return EncodingError(f"{name} is not in the encoding UTF-8", hint="save it as UTF-8")
