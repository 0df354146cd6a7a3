"""A dataset's rows as objects of about one size, in the form of `wire`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from automl_bridge.cloud.staging import Piece
from automl_bridge.cloud.wire import csv_bytes, parquet_bytes, wire_rows
from automl_bridge.data.parts import StoredParts
from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from automl_bridge.data.dataset import Dataset

__all__ = ["OBJECT_BYTES", "row_pieces", "rows_of"]

OBJECT_BYTES = 8 * 2**20
"""Rows of about so many bytes in memory become one object: small enough to hold a few, large enough to send well."""

_SUFFIX = {"parquet": ".parquet", "csv": ".csv"}
_MIME = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


def row_pieces(
    dataset: Dataset,
    part: str,
    *,
    form: Literal["csv", "parquet"] = "csv",
    header: bool = True,
    most_objects: int = 500,
    rows: Callable[[Dataset, str], pa.Table] | None = None,
) -> list[Piece]:
    """Return the objects that hold the rows of one part, ``part-00000.csv`` and on, in their order.

    Parameters
    ----------
    dataset, part
        The rows. A saved dataset is mapped anew for each object, so that its pages go when the object is sent.
    form, header
        How they are written; each CSV has a header, or none.
    most_objects
        At most so many objects; they grow instead.
    rows
        Makes the table that is written of a dataset that holds a slice of the part; `rows_of` by default.
    """
    total = dataset.profile.rows[part]
    step = _rows_per_object(dataset, total, most_objects)
    make = rows or rows_of

    def body(start: int) -> bytes:
        table = make(_slice(dataset, part, start, min(step, total - start)), part)
        return parquet_bytes(table) if form == "parquet" else csv_bytes(table, header=header)

    return [
        Piece(f"part-{number:05d}{_SUFFIX[form]}", partial(body, start), _MIME[form])
        for number, start in enumerate(range(0, total, step))
    ]


def rows_of(held: Dataset, part: str) -> pa.Table:
    """Return the rows of a part under safe names, with target and weights unless they are to be predicted."""
    profile = held.profile
    if part == "predict":
        return wire_rows(held.features(part), profile)
    weights = profile.with_role(Role.WEIGHT)
    return wire_rows(
        held.features(part),
        profile,
        codes=held.target_codes(part) if profile.classes else None,
        values=None if profile.classes else held.target_values(part)[:, 0],
        weights=held.weights(part),
        names=(profile.with_role(Role.TARGET)[0].safe_name, weights[0].safe_name if weights else "weight"),
    )


def _slice(dataset: Dataset, part: str, start: int, rows: int) -> Dataset:
    whole = dataset
    if dataset.path is not None:
        whole = replace(dataset, parts=StoredParts(dataset.path, (part,)))
    return replace(whole, parts={part: whole.parts[part].slice(start, rows)})


def _rows_per_object(dataset: Dataset, rows: int, most_objects: int) -> int:
    profile = dataset.profile
    per_row = max(1.0, profile.bytes / max(1, sum(profile.rows.values())))
    size = max(float(OBJECT_BYTES), rows * per_row / most_objects)
    return max(1, math.ceil(size / per_row))
