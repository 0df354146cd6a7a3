"""Files of plain text: a text a line."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from automl_bridge.data.csv_dialect import decoded, encoding_error
from automl_bridge.errors import UnreadableError

__all__ = ["is_text_file", "read_text_file"]

_MARK = "\ufeff"


def is_text_file(source: Any) -> bool:
    """Whether ``source`` is a path that ends in ``.txt``."""
    return isinstance(source, str | PathLike) and str(source).lower().endswith(".txt")


def read_text_file(source: str | PathLike[str]) -> list[str]:
    """Return the lines of a file in UTF-8 (or UTF-16 with a mark); empty lines are texts, too.

    Raises
    ------
    UnreadableError
        If it cannot be read, or is empty.
    EncodingError
        If it is in another encoding.
    """
    path = Path(fspath(source).removeprefix("file://")).expanduser()
    opener = decoded(lambda: path.open("rb"))
    try:
        with opener() as file:
            content = file.read()
    except OSError as error:
        raise UnreadableError(f"cannot read {source}: {error.strerror}", hint="check the path") from error
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise encoding_error(opener, path.name, 1) from None
    lines = text.removeprefix(_MARK).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    if not lines:
        raise UnreadableError(f"{source} is empty", hint="write a text a line")
    return lines
