"""Files with tables: which format, from where, and what to say if it cannot be read."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from automl_bridge.data.csv_file import read_csv
from automl_bridge.data.json_lines import is_json, read_json
from automl_bridge.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pyarrow as pa

    Labels = Mapping[str, bool] | None
    Opener = Callable[[], BinaryIO]

__all__ = ["read_file"]

_FORMATS = "CSV, TSV, JSON lines, Parquet, Arrow and Feather files are read"
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}


def read_file(path: str, name: str, as_text: Collection[str] = (), labels: Labels = None) -> pa.Table:
    """Read the file, the folder of Parquet files or the object at ``path``; `readers.read_table` has what it raises."""
    if re.match(r"^[a-z][a-z0-9+.-]+://", path) and not path.startswith("file://"):
        from automl_bridge.storage import read_object

        held = read_object(path)
        return _read(lambda: io.BytesIO(held), held[:64], name, as_text, labels)
    local = Path(path.removeprefix("file://")).expanduser()
    if local.is_dir():
        return _read_folder(local)
    try:
        with local.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise UnreadableError(f"no such file: {path}", hint="check the path; a relative one starts here") from None
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error
    return _read(lambda: local.open("rb"), head, name, as_text, labels)


def _read(opener: Opener, head: bytes, name: str, as_text: Collection[str], labels: Labels) -> pa.Table:
    import pyarrow as pa

    if not head:
        raise UnreadableError(f"{name} is empty: 0 bytes", hint="give a file with a header and rows")
    for magic, codec in _COMPRESSED.items():
        if head.startswith(magic):
            return _decompressed(opener, codec, name, as_text, labels)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableError(f"{name} is a workbook or an archive, not a table", hint=f"save it as CSV; {_FORMATS}")
    if is_json(head, name):
        return read_json(opener, name)
    reader = next((read for magic, read in _READERS.items() if head.startswith(magic)), None)
    if reader is None:
        return read_csv(opener, name, as_text, labels)
    try:
        with opener() as file:
            return reader(file)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"{name} is damaged: {error}", hint="write it anew") from error


def _ipc_file(file: BinaryIO) -> pa.Table:
    import pyarrow as pa

    return pa.ipc.open_file(pa.PythonFile(file, "r")).read_all()


def _ipc_stream(file: BinaryIO) -> pa.Table:
    import pyarrow as pa

    return pa.ipc.open_stream(pa.PythonFile(file, "r")).read_all()


def _parquet(file: BinaryIO) -> pa.Table:
    import json

    import pyarrow.parquet as pq

    table = pq.ParquetFile(file).read()
    held = (table.schema.metadata or {}).get(b"pandas")
    index: list[Any] = json.loads(held).get("index_columns", []) if held else []
    # pandas keeps an unnamed index as a column; it is no column of the data.
    unnamed = [text for text in index if isinstance(text, str) and text.startswith("__index_level_")]
    return table.drop_columns(unnamed) if unnamed else table


_READERS = {b"PAR1": _parquet, b"ARROW1": _ipc_file, b"\xff\xff\xff\xff": _ipc_stream}


def _decompressed(opener: Opener, codec: str, name: str, as_text: Collection[str], labels: Labels) -> pa.Table:
    import pyarrow as pa

    try:
        with opener() as file:
            held = pa.CompressedInputStream(pa.PythonFile(file, "r"), codec).read()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"{name} is damaged: {error}", hint="write it anew") from error
    return _read(lambda: io.BytesIO(held), held[:64], name, as_text, labels)


def _read_folder(folder: Path) -> pa.Table:
    import pyarrow as pa

    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    if not files:
        raise UnreadableError(f"{folder} is a folder without Parquet files", hint=f"name a file; {_FORMATS}")
    try:
        tables = []
        for path in files:
            with path.open("rb") as file:
                tables.append(_parquet(file))
        return pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"the Parquet files of {folder} do not make one table: {error}") from error
