"""Pictures as Autopilot reads them: an object each, and a manifest that names object and class.

To train, an augmented manifest is the only layout with labels that is documented (API_AutoMLS3DataSource). To
predict, every object under a prefix is a record (developer guide, "Batch transform").
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.cloud.pictures import JPEG, picture_names, picture_pieces
from automl_bridge.cloud.staging import Piece
from automl_bridge.cloud.wire import class_code

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset

__all__ = ["MANIFEST", "asked_pieces", "manifest_piece", "picture_pieces"]

MANIFEST = "images.manifest"
"""Name of the manifest in the folder of a part."""


def manifest_piece(dataset: Dataset, part: str, pictures: Location) -> Piece:
    """Return the manifest of one part; its pictures lie in the folder ``pictures``."""
    column = dataset.profile.features[0].name

    def body() -> bytes:
        names = picture_names(dataset.parts[part][column])
        codes = dataset.target_codes(part).tolist()
        lines = [
            json.dumps({"source-ref": pictures.uri + name, "label-metadata": {"class-name": class_code(code)}})
            for name, code in zip(names, codes, strict=True)
        ]
        return ("\n".join(lines) + "\n").encode()

    return Piece(MANIFEST, body, "application/x-ndjson")


def asked_pieces(dataset: Dataset) -> list[Piece]:
    """Return the pictures to predict, named by their row: answers are found in the rows' order.

    A transform job names one type for all of its objects, so all are PNG.
    """
    column = dataset.parts["predict"][dataset.profile.features[0].name]
    return [
        Piece(f"{row:08d}.png", partial(_png, column, row), "image/png") for row in range(len(picture_names(column)))
    ]


def _png(column: pa.ChunkedArray, row: int) -> bytes:
    import io

    from PIL import Image

    file = bytes(column[row].as_buffer())
    if not file.startswith(JPEG):
        return file
    written = io.BytesIO()
    with Image.open(io.BytesIO(file)) as picture:
        picture.save(written, "PNG")
    return written.getvalue()
