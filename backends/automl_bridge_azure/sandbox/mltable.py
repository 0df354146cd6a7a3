"""MLTable folders as they are read: a YAML file that says where rows are and how they are spelled.

Source: reference-yaml-mltable (learn). Values come as text with a type a column, as the trainers take them.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import json
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge.sandbox.trainers import UnusableDataError
from automl_bridge.sandbox.trainers.encode import as_text
from automl_bridge_azure.sandbox.addresses import locate
from automl_bridge_azure.sandbox.errors import AzureError

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.world import World

__all__ = ["Rows", "read_mltable", "tags_of"]

MAX_ROWS = 50_000
"""Rows read of a file: enough to learn from, and a table of a gigabyte does not fill the memory."""
ENCODINGS = {"utf8": "utf-8-sig", "iso88591": "iso-8859-1", "latin1": "latin-1", "ascii": "ascii", "utf16": "utf-16",
             "utf32": "utf-32", "utf8bom": "utf-8-sig", "windows1252": "cp1252"}  # fmt: skip
READERS = ("read_delimited", "read_parquet", "read_json_lines")
QUIET = frozenset({"convert_column_types", "extract_columns_from_partition_format"})


@dataclass
class Rows:
    """Columns of text by name, and the type of each: string, int, float, boolean, datetime."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def tags_of(world: World, uri: str) -> list[tuple[str, int, str]]:
    """Return name, size and tag of what is under an address, so that unchanged data is known again."""
    container, prefix = locate(world, uri)
    return world.blobs.names(container, prefix.rstrip("/"))


def read_mltable(world: World, uri: str) -> Rows:
    """Read the rows of an MLTable folder.

    Raises
    ------
    UnusableDataError
        If there is no MLTable file, or what it says cannot be done.
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]

    container, prefix = _place(world, uri)
    folder = prefix.rstrip("/")
    try:
        content = world.blobs.read(container, f"{folder}/MLTable")
    except FileNotFoundError:
        raise UnusableDataError(f"no MLTable file under {uri}") from None
    try:
        about = yaml.safe_load(content) or {}
    except yaml.YAMLError as error:
        raise UnusableDataError(f"the MLTable file is not valid YAML: {error}") from None
    steps = [_step(step) for step in about.get("transformations") or []]
    files = [file for path in about.get("paths") or [] for file in _files(world, container, folder, path)]
    if not files:
        raise UnusableDataError("the paths of the MLTable file match no file")
    readers = [(name, options) for name, options in steps if name in READERS]
    if len(readers) != 1:
        raise UnusableDataError(f"the MLTable file must have one of {', '.join(READERS)}, it has {len(readers)}")
    return _transform(_read(world, files, *readers[0]), steps)


def _place(world: World, uri: str) -> tuple[str, str]:
    try:
        return locate(world, uri)
    except AzureError as error:
        raise UnusableDataError(error.message) from None


def _step(step: Any) -> tuple[str, Any]:
    if isinstance(step, str):
        return step, {}
    if not isinstance(step, dict) or len(step) != 1:
        raise UnusableDataError(f"a transformation is a name with options, not {step!r}")
    name, options = next(iter(step.items()))
    if isinstance(options, list) and all(isinstance(one, dict) for one in options) and name in READERS:
        options = {key: value for one in options for key, value in one.items()}
    return name, {} if options is None else options


def _files(world: World, container: str, folder: str, path: Any) -> list[tuple[str, str]]:
    if not isinstance(path, dict) or len(path) != 1:
        raise UnusableDataError(f"an entry of paths is file, folder or pattern, not {path!r}")
    kind, where = next(iter(path.items()))
    where = str(where)
    if "://" in where:
        container, full = _place(world, where)
    else:
        full = posixpath.normpath(posixpath.join(folder, where))
    if kind == "file":
        return [(container, full)]
    start = full if kind == "folder" else full.partition("*")[0].rpartition("/")[0]
    names = [name for name, _size, _tag in world.blobs.names(container, start.rstrip("/") + "/")]
    if kind == "pattern":
        names = [name for name in names if fnmatch.fnmatch(name, full)]
    return [(container, name) for name in names if posixpath.basename(name) != "MLTable"]


def _read(world: World, files: list[tuple[str, str]], reader: str, options: dict[str, Any]) -> Rows:
    read = {"read_delimited": _delimited, "read_parquet": _parquet, "read_json_lines": _json_lines}[reader]
    whole = Rows()
    for container, name in files:
        try:
            content = world.blobs.read(container, name)
        except FileNotFoundError:
            raise UnusableDataError(f"the file {name} of the MLTable does not exist") from None
        try:
            part = read(content, options)
        except (OSError, ValueError, csv.Error) as error:
            raise UnusableDataError(f"{name} could not be read by {reader}: {error}") from None
        if whole.columns and set(part.columns) != set(whole.columns):
            raise UnusableDataError(f"the columns of {name} differ from those of the files before it")
        for column, values in part.columns.items():
            whole.columns.setdefault(column, []).extend(values)
        whole.types = whole.types or part.types
    if reader == "read_delimited":
        guessed = options.get("infer_column_types", True)
        whole.types = {name: guess(values) if guessed else "string" for name, values in whole.columns.items()}
    return whole


def _delimited(content: bytes, options: dict[str, Any]) -> Rows:
    encoding = ENCODINGS.get(str(options.get("encoding", "utf8")).lower())
    if encoding is None:
        raise ValueError(f"encoding {options['encoding']!r} is none of {', '.join(ENCODINGS)}")
    text = content.decode(encoding)
    delimiter = str(options.get("delimiter", ","))
    take_any_size()
    if options.get("support_multi_line"):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    else:  # a line break ends a row, within quotes too
        rows = [next(csv.reader([one], delimiter=delimiter)) for one in text.splitlines() if one]
    rows = [row for row in rows if row]
    if str(options.get("header", "all_files_same_headers")) == "no_header":
        header = [f"Column{number + 1}" for number in range(len(rows[0]) if rows else 0)]
    else:
        header, rows = (rows[0], rows[1:]) if rows else ([], [])
    if len(set(header)) != len(header):
        raise ValueError("a column is named twice")
    rows = rows[:MAX_ROWS]
    uneven = next((number for number, row in enumerate(rows) if len(row) != len(header)), None)
    if uneven is not None:
        raise ValueError(f"row {uneven + 1} has {len(rows[uneven])} fields, the header {len(header)}")
    return Rows({name: [row[place] for row in rows] for place, name in enumerate(header)})


def _parquet(content: bytes, _options: dict[str, Any]) -> Rows:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(io.BytesIO(content)).slice(0, MAX_ROWS)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None
    columns = {name: as_text(table.column(name).to_pylist()) for name in table.column_names}
    return Rows(columns, {one.name: _arrow_type(one.type) for one in table.schema})


def _arrow_type(kind: Any) -> str:
    import pyarrow as pa

    checks = (("boolean", pa.types.is_boolean), ("int", pa.types.is_integer), ("float", pa.types.is_floating),
              ("float", pa.types.is_decimal), ("datetime", pa.types.is_temporal))  # fmt: skip
    if pa.types.is_dictionary(kind):
        return _arrow_type(kind.value_type)
    return next((name for name, fits in checks if fits(kind)), "string")


def _json_lines(content: bytes, options: dict[str, Any]) -> Rows:
    encoding = ENCODINGS.get(str(options.get("encoding", "utf8")).lower(), "utf-8")
    rows = []
    for number, text in enumerate(content.decode(encoding).splitlines()):
        try:
            row = json.loads(text) if text.strip() else None
        except ValueError:
            if options.get("invalid_lines") == "drop":
                continue
            raise ValueError(f"line {number + 1} is not JSON") from None
        if row is not None:
            rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows[:MAX_ROWS]] for name in names}
    spelled = {name: [v if isinstance(v, str) else "" if v is None else json.dumps(v) for v in values]
               for name, values in columns.items()}  # fmt: skip
    return Rows(spelled, {name: guess(values) if not _texts(columns[name]) else "string"
                          for name, values in spelled.items()})  # fmt: skip


def _texts(values: list[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def guess(values: list[str]) -> str:
    """Guess the type of a column of text, as the reader does: numbers lose what made them text."""
    present = [value for value in values if value.strip()]
    if not present:
        return "string"
    if all(value.strip().lower() in {"true", "false"} for value in present):
        return "boolean"
    try:
        numbers = [float(value) for value in present]
    except ValueError:
        return "string"
    whole = all(value.strip().lstrip("+-").isdigit() for value in present)
    return "int" if whole and all(abs(number) < 2**63 for number in numbers) else "float"


def _transform(rows: Rows, steps: list[tuple[str, Any]]) -> Rows:
    for name, options in steps:
        if name in {"drop_columns", "keep_columns"}:
            named = [options] if isinstance(options, str) else list(options)
            kept = [one for one in rows.columns if (one in named) is (name == "keep_columns")]
            rows = Rows({one: rows.columns[one] for one in kept}, {one: rows.types[one] for one in kept})
        elif name == "take":
            rows = Rows({one: values[: int(options)] for one, values in rows.columns.items()}, rows.types)
        elif name == "skip":
            rows = Rows({one: values[int(options) :] for one, values in rows.columns.items()}, rows.types)
        elif name == "convert_column_types":
            _convert(rows, options)
        elif name not in READERS and name not in QUIET:
            raise UnusableDataError(f"the sandbox does not do the transformation {name}")
    return rows


def _convert(rows: Rows, options: list[dict[str, Any]]) -> None:
    for one in options:
        named = one.get("columns") or one.get("column_name") or []
        kind = one.get("column_type")
        kind = next(iter(kind)) if isinstance(kind, dict) else str(kind)
        for name in [named] if isinstance(named, str) else named:
            if name not in rows.columns:
                raise UnusableDataError(f"convert_column_types names the column {name}, which is not in the data")
            rows.types[name] = kind
