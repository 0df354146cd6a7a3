"""What Autopilot reads: channels of CSV, Parquet and images, as rows of text."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge.sandbox.trainers import UnusableDataError
from automl_bridge.sandbox.trainers.encode import as_text
from automl_bridge_sagemaker.sandbox.store import split_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from automl_bridge_sagemaker.sandbox.store import Store

__all__ = ["Channel", "channels_of", "read_csv", "read_images", "read_table"]

PARQUET = "x-application/vnd.amazon+parquet"
MAX_ROWS = 20_000
"""Rows read of an object: enough to learn from, and a table of a gigabyte does not fill the memory."""
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Channel:
    """Where a channel's objects are, and how they are written."""

    uri: str
    data_type: str
    content_type: str
    gzipped: bool

    def objects(self, store: Store) -> list[tuple[str, int, str]]:
        """Return address, size and content tag of each object, in order."""
        bucket, prefix = split_uri(self.uri)
        if self.data_type == "ManifestFile":
            entries = json.loads(store.read(self.uri))
            base = entries[0]["prefix"]
            uris = [base + entry for entry in entries[1:]]
            return [found for uri in uris for found in Channel(uri, "S3Prefix", "", gzipped=False).objects(store)]
        return [
            (f"s3://{bucket}/{key}", size, tag)
            for key, size, tag in store.list(bucket, prefix)
            if not key.endswith("/")
        ]


def channels_of(config: Sequence[dict[str, Any]], default: str) -> dict[str, Channel]:
    """Return the channels of a request by type; ``default`` is the content type if none is named."""
    found = {}
    for channel in config:
        source = channel["DataSource"]["S3DataSource"]
        found[channel.get("ChannelType", "training")] = Channel(
            source["S3Uri"],
            source["S3DataType"],
            channel.get("ContentType", default),
            channel.get("CompressionType") == "Gzip",
        )
    return found


def read_table(store: Store, channel: Channel) -> dict[str, list[str]]:
    """Read every object of a channel as columns of text; they must have the same columns.

    Raises
    ------
    UnusableDataError
        If an object is not what its content type says.
    """
    table: dict[str, list[str]] = {}
    for uri, _size, _tag in channel.objects(store):
        part = _read_object(store.read(uri), uri, channel)
        if table and list(part) != list(table):
            raise UnusableDataError(f"the columns of {uri} differ from those of the objects before it")
        for name, values in part.items():
            table.setdefault(name, []).extend(values)
    return table


def _read_object(content: bytes, uri: str, channel: Channel) -> dict[str, list[str]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if channel.gzipped:
            content = gzip.decompress(content)
        if channel.content_type.lower() == PARQUET:
            file = parquet.ParquetFile(io.BytesIO(content))
            read = pa.Table.from_batches(_first(file.iter_batches()), file.schema_arrow).slice(0, MAX_ROWS)
            return {name: as_text(read.column(name).to_pylist()) for name in read.column_names}
        header, rows = _csv(content, header=True, most=MAX_ROWS)
    except (pa.ArrowException, OSError, EOFError, zlib.error, ValueError) as error:
        raise UnusableDataError(f"{uri} could not be read as {channel.content_type}: {error}") from None
    if len(set(header)) != len(header):
        raise UnusableDataError(f"{uri} names a column twice")
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def _first(batches: Iterable[Any]) -> Iterator[Any]:
    rows = 0
    for batch in batches:
        yield batch
        rows += len(batch)
        if rows >= MAX_ROWS:
            return


def read_csv(content: bytes) -> list[list[str]]:
    """Read CSV without a header as rows of text; ValueError for rows of another length."""
    return _csv(content, header=False)[1]


def _csv(content: bytes, *, header: bool, most: int | None = None) -> tuple[list[str], list[list[str]]]:
    take_any_size()
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))
    rows = list(itertools.islice((row for row in lines if row), most))
    if not rows:
        return [], []
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise ValueError(f"row {number} has {len(row)} fields, the first has {width}")
    return (rows[0], rows[1:]) if header else ([], rows)


def read_images(store: Store, channel: Channel) -> list[tuple[bytes, str]]:
    """Read images with their labels: by folder, or as an augmented manifest or a manifest lists them.

    Raises
    ------
    UnusableDataError
        If there are none, or one has no label.
    """
    if channel.data_type == "AugmentedManifestFile":
        records = [json.loads(line) for line in store.read(channel.uri).decode().splitlines() if line.strip()]
        found = [(record["source-ref"], _label(record)) for record in records]
    else:
        found = [
            (uri, uri.rsplit("/", 2)[-2])
            for uri, _size, _tag in channel.objects(store)
            if uri.lower().endswith(IMAGE_ENDINGS)
        ]
    if not found:
        raise UnusableDataError(f"no images under {channel.uri}")
    missing = [uri for uri, _name in found if not store.exists(uri)]
    if missing:
        raise UnusableDataError(f"the manifest names {missing[0]}, which is not there")
    return [(store.read(uri), label) for uri, label in found]


def _label(record: dict[str, Any]) -> str:
    for key, value in record.items():
        if key.endswith("-metadata") and isinstance(value, dict) and "class-name" in value:
            return str(value["class-name"])
    raise UnusableDataError(f"an augmented manifest's record has no class-name: {json.dumps(record)[:200]}")
