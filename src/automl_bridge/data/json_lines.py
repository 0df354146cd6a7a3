"""JSON lines: one object a line; or a JSON file that is a list of objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

from automl_bridge.data.csv_dialect import decoded, encoding_error
from automl_bridge.data.values import array_of
from automl_bridge.errors import SchemaError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

__all__ = ["is_json", "read_json"]

_MARK = b"\xef\xbb\xbf"
_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines", ".json")


def is_json(head: bytes, path: str) -> bool:
    """Whether a file is JSON: by its name, or because it begins like an object, or like a list of objects."""
    if path.lower().removesuffix(".gz").removesuffix(".bz2").removesuffix(".zst").endswith(_SUFFIXES):
        return True
    start = head.removeprefix(_MARK).lstrip()
    return start.startswith((b'{"', b"{ ", b'[{"')) or start in {b"{", b"[{"}


def read_json(opener: Callable[[], BinaryIO], name: str) -> pa.Table:
    """Read a table from JSON lines, or from a list of objects.

    Columns are all names that occur, in the order in which they do; what an object lacks is missing.

    Raises
    ------
    EncodingError
        If it is not UTF-8, nor UTF-16 with a mark.
    UnreadableError
        If a line is no JSON; names it.
    SchemaError
        If a line is no object, or a name stands in it twice, or values are nested.
    """
    import pyarrow as pa

    opener = decoded(opener)
    columns: dict[str, list[Any]] = {}
    rows = 0
    for record in _records(opener, name):
        for key, value in record.items():
            held = columns.get(key)
            if held is None:
                held = columns[key] = [None] * rows
            held.append(value)
        rows += 1
        if len(record) < len(columns):
            for held in columns.values():
                if len(held) < rows:
                    held.append(None)
    if not rows:
        raise UnreadableError(f"{name} holds no records", hint="give one JSON object a line")
    if not columns:
        raise SchemaError(f"the {rows:,} records of {name} are empty", hint="give objects with values")
    return pa.table({key: array_of(values, key) for key, values in columns.items()})


def _records(opener: Callable[[], BinaryIO], name: str) -> Iterator[dict[str, Any]]:
    with opener() as file:
        start = file.read(256).removeprefix(_MARK).lstrip()
    if start.startswith(b"["):
        yield from _listed(opener, name)
        return
    with opener() as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(_MARK) if number == 1 else line
            if text.strip():
                yield _record(_parsed(text, opener, name, f"line {number}"), name, f"line {number}")


def _listed(opener: Callable[[], BinaryIO], name: str) -> Iterator[dict[str, Any]]:
    with opener() as file:
        found = _parsed(file.read().removeprefix(_MARK), opener, name, "it")
    for number, record in enumerate(found, 1):
        yield _record(record, name, f"record {number}")


def _parsed(text: bytes, opener: Callable[[], BinaryIO], name: str, where: str) -> Any:
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise encoding_error(opener, name, 1) from None
    except json.JSONDecodeError as error:
        at = where if where != "it" else f"line {error.lineno}"
        shown = text[max(0, error.pos - 20) :][:60].decode(errors="replace").strip()
        raise UnreadableError(
            f"{at} of {name} is no JSON: {error.msg} at column {error.colno}: {shown}",
            hint="write one JSON object a line (JSON lines)",
        ) from None
    except RecursionError:
        raise UnreadableError(f"{where} of {name} is nested too deeply") from None
    except _DoubledError as error:
        raise SchemaError(
            f'{where} of {name} holds "{error}" twice', hint="give every value a name of its own"
        ) from None


class _DoubledError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledError(next(name for name in names if names.count(name) > 1))
    return found


def _record(found: Any, name: str, where: str) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    raise SchemaError(
        f"{where} of {name} is no object, but {json.dumps(found, ensure_ascii=False)[:60]}",
        hint='write objects: {"text": "…", "label": "…"}',
    )
