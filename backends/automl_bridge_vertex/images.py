"""Images on their way to Vertex AI: each an object named by its content, and lists that say which is what.

Images are those of the data room: PNG or JPEG, as a person sees them. An image that is missing is left out of what is
trained on; in what is asked it is a grey square, so that every row has its answer.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.cloud.staging import Folder, Piece
from automl_bridge.cloud.wire import class_code
from automl_bridge_vertex.names import IMAGES_A_LIST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset

__all__ = ["image_folders"]


class _Row(NamedTuple):
    """A row with an image: its number, and the name and kind of its object."""

    number: int
    name: str
    mime: str


def image_folders(dataset: Dataset, part: str, place: Location, digest: str) -> list[Folder]:
    """Return what is staged of a part: the images, and the lists that name them.

    Parameters
    ----------
    place
        Folder of the lists; the images lie beside it.
    digest
        Of the split.
    """
    column = dataset.parts[part][dataset.profile.features[0].name]
    asked = part == "predict"
    rows = list(_rows(column, asked=asked))
    held = place.above / f"{part}-images"
    unique = {row.name: row for row in rows}
    pieces = [Piece(row.name, partial(_body, column, row.number), row.mime) for row in unique.values()]
    if asked:
        lines = [json.dumps({"content": held.uri + row.name, "mimeType": row.mime}) for row in rows]
    else:
        codes = dataset.target_codes(part)
        lines = [
            json.dumps(
                {
                    "imageGcsUri": held.uri + row.name,
                    "classificationAnnotation": {"displayName": class_code(int(codes[row.number]))},
                }
            )
            for row in rows
        ]
    lists = list(_lists(lines, dataset.profile.rows[part]))
    return [Folder(held, pieces, digest), Folder(place, lists, digest, {"rows": len(rows), "format": "jsonl"})]


def _rows(column: pa.ChunkedArray, *, asked: bool) -> Iterator[_Row]:
    for index in range(len(column)):
        body = column[index].as_py()
        if body is None and not asked:
            continue
        content = _blank() if body is None else body
        kind = "png" if content.startswith(b"\x89PNG") else "jpg"
        name = f"{hashlib.sha256(content).hexdigest()[:40]}.{kind}"
        yield _Row(index, name, "image/png" if kind == "png" else "image/jpeg")


def _body(column: pa.ChunkedArray, index: int) -> bytes:
    body = column[index].as_py()
    return _blank() if body is None else bytes(body)


@cache
def _blank() -> bytes:
    import io

    from PIL import Image

    sink = io.BytesIO()
    Image.new("L", (32, 32), 128).save(sink, "PNG")
    return sink.getvalue()


def _lists(lines: Sequence[str], rows: int) -> Iterator[Piece]:
    """Cut the lines into as many lists as the plan names, whatever images are missing."""
    from automl_bridge_vertex.names import image_lists

    for number, name in enumerate(image_lists(rows)):
        held = lines[number * IMAGES_A_LIST : (number + 1) * IMAGES_A_LIST]
        yield Piece(name, partial(_text, held), "application/jsonl")


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
