"""What stands before the header of a CSV file: Excel's ``sep=;``, and comment lines."""

from __future__ import annotations

import csv
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.data.csv_cells import any_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Preamble", "preamble"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
_EXCEL = re.compile(r'(?i)"?sep=(.)"?[ \t]*(?:\r\n|\n|\r|$)')
_NUMBER = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)?\s*")


class Preamble(NamedTuple):
    """Characters and lines before the header, and the separator that they name, if any."""

    characters: int
    lines: int
    separator: str | None


def preamble(text: str, find_separator: Callable[[str], str]) -> Preamble:
    """Find what stands before the header in the first lines of a file.

    A first line ``sep=;`` names the separator, as Excel reads and writes it. Lines that start with ``#`` are
    comments if they have another number of cells than the first line that does not. One that has as many cells is
    the header (``#id,name``); but it is a comment if it starts with ``#`` and a space, the line after it holds no
    number, and the one after that does: then the line after it is the header.

    Parameters
    ----------
    text
        The first lines, without the file's mark.
    find_separator
        Function of the lines from the header on, for files that do not name it.
    """
    named = _EXCEL.match(text)
    start = named.end() if named else 0
    lines = list(_lines(text, start))
    rest = next((place for place, line in lines if line.strip() and not line.startswith("#")), None)
    if rest is not None:
        separator = named[1] if named else find_separator(text[rest:])
        start = next(place for place, line in lines if place == rest or _is_header(lines, place, rest, separator))
    lines_before = sum(1 for place, _ in _lines(text, 0) if place < start)
    return Preamble(start, lines_before, named[1] if named else None)


def _is_header(lines: list[tuple[int, str]], place: int, rest: int, separator: str) -> bool:
    """Whether the comment-like line at ``place`` is the header of the lines from ``rest`` on."""
    by_place = dict(lines)
    cells = _cells(by_place[place], separator)
    if not cells or len(cells) != len(_cells(by_place[rest], separator)):
        return False
    after = (line for other, line in lines if other > place and line.strip())
    following = [_cells(line, separator) for line in itertools.islice(after, 2)]
    spoken = by_place[place].startswith("# ") and len(following) == 2
    if len(cells) == 1:
        return not spoken
    return not (spoken and not _has_number(following[0]) and _has_number(following[1]))


def _has_number(cells: list[str]) -> bool:
    return any(_NUMBER.fullmatch(cell) for cell in cells)


def _cells(line: str, separator: str) -> list[str]:
    try:
        with any_size():
            return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return []


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    while start < len(text):
        found = _LINE.match(text, start)
        assert found
        yield start, found[0]
        start = found.end()
