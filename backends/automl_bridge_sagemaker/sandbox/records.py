"""Batch transform around the container: split into records, batch, filter, join, assemble.

Source: developer guide, "Batch transform" and "Associate Prediction Results with Input Records".
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge_sagemaker.sandbox.inference import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["assemble"]

MEGABYTE = 1_000_000
INDICES = re.compile(r"\$\[([-\d:, ]+)\]")


def assemble(body: dict[str, Any], content: bytes, answer: Callable[[bytes], list[str]]) -> bytes:
    """Return the content of an ``.out`` object.

    Without ``SplitType`` the whole object is one payload; with ``Line`` every line is a record, whatever its
    quotes say. Without ``AssembleWith`` nothing stands between the answers to two batches.
    """
    processing = body.get("DataProcessing", {})
    payload_limit = body.get("MaxPayloadInMB", 6) * MEGABYTE or None
    line = body["TransformOutput"].get("AssembleWith") == "Line"
    if body["TransformInput"].get("SplitType", "None") != "Line":
        if payload_limit and len(content) > payload_limit:
            raise InferenceError(f"the object has {len(content)} bytes, more than MaxPayloadInMB allows")
        lines = answer(content)
        return "".join(f"{one}\n" for one in lines).encode() if line else "\n".join(lines).encode()
    parts: list[str] = []
    single = body.get("BatchStrategy") == "SingleRecord"
    for batch in _batches(content, payload_limit, single=single):
        inputs = [_filtered(record, processing.get("InputFilter", "$")) for record in batch]
        lines = answer("\n".join(inputs).encode())
        if len(lines) != len(batch):
            raise InferenceError(f"the container gave {len(lines)} answers to {len(batch)} records")
        if processing.get("JoinSource") == "Input":
            lines = [f"{record},{one}" for record, one in zip(batch, lines, strict=True)]
        lines = [_filtered(one, processing.get("OutputFilter", "$")) for one in lines]
        parts.append("\n".join(lines) + ("\n" if line else ""))
    return "".join(parts).encode()


def _batches(content: bytes, limit: int | None, *, single: bool) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for record in content.decode("utf-8").split("\n"):
        stripped = record.removesuffix("\r")
        if not stripped:
            continue
        weight = len(record.encode()) + 1
        if limit and weight > limit:
            raise InferenceError("a record is larger than MaxPayloadInMB")
        if batch and (single or (limit and size + weight > limit)):
            yield batch
            batch, size = [], 0
        batch.append(stripped)
        size += weight
    if batch:
        yield batch


def _filtered(record: str, path: str) -> str:
    """Select fields of a CSV record by a JSONPath of indices: ``$``, ``$[1:]``, ``$[0,2]``."""
    if path == "$":
        return record
    found = INDICES.fullmatch(path.replace("'", ""))
    if found is None:
        raise InferenceError(f"the filter {path} does not fit CSV")
    take_any_size()
    fields = next(csv.reader([record]))
    kept: list[str] = []
    for part in found[1].split(","):
        if ":" in part:
            start, _, end = part.strip().partition(":")
            kept += fields[int(start) if start else None : int(end) if end else None]
        else:
            place = int(part)
            if not -len(fields) <= place < len(fields):
                raise InferenceError(f"the filter {path} is outside of {len(fields)} fields")
            kept.append(fields[place])
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(kept)
    return buffer.getvalue()
