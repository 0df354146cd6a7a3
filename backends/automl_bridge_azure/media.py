"""Pictures as the service reads them: a file each, and one line of JSON a picture that says where it is and what."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.cloud.staging import Piece
from automl_bridge.cloud.wire import class_code
from automl_bridge.errors import DataError
from automl_bridge_azure.layout import aml_uri
from automl_bridge_azure.mltable import NAME, mltable
from automl_bridge_azure.requests import IMAGE_LABEL

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.cloud.layout import Location
    from automl_bridge.data.dataset import Dataset

__all__ = ["image_pieces"]

ANNOTATIONS = "annotations.jsonl"
_PNG = b"\x89PNG"


def image_pieces(dataset: Dataset, part: str, place: Location, workspace: str) -> list[Piece]:
    """Return the pictures of one part, their annotations and the MLTable, last.

    Parameters
    ----------
    place
        The folder that they go to: annotations name pictures by their whole address.
    workspace
        Resource id of the workspace.

    Raises
    ------
    DataError
        If a picture is missing: the service takes none that is.
    """
    column = dataset.features(part).column(0)
    if column.null_count:
        raise DataError(f"{column.null_count} pictures of {part} are missing", hint="leave those rows out")
    names = [f"image-{row:07d}{_suffix(column, row)}" for row in range(len(column))]
    pictures = [Piece(name, partial(_content, column, row), _mime(name)) for row, name in enumerate(names)]
    lines = Piece(ANNOTATIONS, partial(_annotations, dataset, part, names, place, workspace), "application/jsonl")
    return [*pictures, lines, Piece(NAME, partial(mltable, [ANNOTATIONS], "images"), "text/yaml")]


def _content(column: pa.ChunkedArray, row: int) -> bytes:
    return bytes(column[row].as_py())


def _suffix(column: pa.ChunkedArray, row: int) -> str:
    return ".png" if memoryview(column[row].as_buffer())[:4] == _PNG else ".jpg"


def _mime(name: str) -> str:
    return "image/png" if name.endswith(".png") else "image/jpeg"


def _annotations(dataset: Dataset, part: str, names: list[str], place: Location, workspace: str) -> bytes:
    base = "azureml:/" + workspace.replace("resourceGroups", "resourcegroups").replace(
        "providers/Microsoft.MachineLearningServices/", ""
    )
    tail = aml_uri(place).removeprefix("azureml://")
    codes = dataset.target_codes(part).tolist()
    return "".join(
        json.dumps({"image_url": f"{base}/{tail}{name}", IMAGE_LABEL: class_code(code)}) + "\n"
        for name, code in zip(names, codes, strict=True)
    ).encode()
