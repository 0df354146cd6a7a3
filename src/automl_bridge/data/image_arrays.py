"""Pictures that are arrays: numpy of 3 or 4 dimensions, lists of such, Pillow's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.data.image_folder import IMAGE_COLUMN
from automl_bridge.data.image_work import spread
from automl_bridge.data.tidy import IMAGE_HINT, SCALE_HINT, UNNAMED
from automl_bridge.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ImageProfile

__all__ = ["from_image_arrays", "is_image_arrays", "picture_arrays"]

_DEPTHS = (1, 2, 3, 4)
_FULL = {"b": 1.0, "uint8": 255.0, "uint16": 65535.0}


def is_image_arrays(source: Any) -> bool:
    """Whether ``source`` is pictures: an array of 3 or 4 dimensions; a sequence of arrays or of Pillow's pictures."""
    if getattr(source, "ndim", 0) in {3, 4} and hasattr(source, "__array__"):
        return True
    if getattr(source, "ndim", 1) != 1 or getattr(getattr(source, "dtype", None), "kind", "O") != "O":
        return False
    if not isinstance(source, list | tuple) and type(source).__module__.partition(".")[0] != "numpy":
        return False
    present = [value for value in source if value is not None]
    return bool(present) and all(_is_picture(value) for value in present)


def picture_arrays(source: Any) -> list[NDArray[Any] | None]:
    """Return pictures as arrays of shape (height, width) or (height, width, channels); None where one is missing.

    Raises
    ------
    SchemaError
        If a shape is no picture's.
    """
    import numpy as np

    if getattr(source, "ndim", 0) in {3, 4}:
        array = np.asarray(source)
        if not all(array.shape[1:]):
            raise SchemaError(f"pictures of shape {array.shape[1:]} have no pixels", hint="give at least one each")
        if array.ndim == 4:
            array = _channels_last(array)
        if array.dtype.kind not in "buif":
            raise SchemaError(f"pictures of type {array.dtype} are not read", hint="give uint8, or floats from 0 to 1")
        return list(array)
    return [None if value is None else _one(value, row) for row, value in enumerate(source)]


def from_image_arrays(source: Any, like: ImageProfile | None = None) -> pa.Table:
    """Return pictures as a table of one column ``image``, encoded as PNG.

    ``uint8`` is taken as it is, ``uint16`` scaled. Of other numbers, 0 is black (or the least value, where there are
    smaller ones), and white is 1 where none is greater, 255 where none is greater than that and one greater than 64,
    and the greatest value otherwise.

    Parameters
    ----------
    source
        As in `is_image_arrays`: numbers of shape (rows, height, width) or (rows, height, width, channels) with 1
        (grey), 2 (grey and opacity), 3 (RGB) or 4 (RGB and opacity) channels; channels may also stand second.
    like
        What training saw; new arrays are scaled as its were.

    Raises
    ------
    SchemaError
        For other shapes, values that are no numbers, and NaN.
    """
    import pyarrow as pa

    arrays = picture_arrays(source)
    if not arrays:
        raise SchemaError("0 sample(s) while a minimum of 1 is required.", hint="give at least one picture")
    black, white = _scale(arrays, like)
    contents = list(spread(lambda array: None if array is None else _png(array, black, white), arrays))
    scale = {SCALE_HINT: json.dumps([black, white]).encode()}
    field = pa.field(IMAGE_COLUMN, pa.large_binary(), metadata={IMAGE_HINT: b"1"} | scale)
    column = pa.array(contents, pa.large_binary())
    return pa.Table.from_arrays([column], schema=pa.schema([field], metadata={UNNAMED: b"1"}))


def _is_picture(value: Any) -> bool:
    if getattr(value, "ndim", 0) in {2, 3} and hasattr(value, "__array__") and not hasattr(value, "columns"):
        return True
    return type(value).__module__.startswith("PIL.")


def _one(value: Any, row: int) -> NDArray[Any]:
    import numpy as np

    if type(value).__module__.startswith("PIL."):
        from automl_bridge.data.images import as_seen

        value = as_seen(value)
    array = np.asarray(value)
    if array.dtype.kind not in "buif" or (array.ndim == 3 and array.shape[2] not in _DEPTHS) or not array.size:
        raise SchemaError(
            f"picture {row + 1} has the shape {array.shape} and the type {array.dtype}",
            hint="give numbers of shape (height, width) or (height, width, channels)",
        )
    return array


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    if array.shape[3] in _DEPTHS and array.size:
        return array
    if array.shape[1] in _DEPTHS and array.size:
        return array.transpose(0, 2, 3, 1)  # as PyTorch has it
    raise SchemaError(
        f"pictures of shape {array.shape[1:]} are not read", hint="give 1, 2, 3 or 4 channels in the last dimension"
    )


def _scale(arrays: list[NDArray[Any] | None], like: ImageProfile | None) -> tuple[float, float]:
    """Return the values that mean black and white."""
    import numpy as np

    present = [array for array in arrays if array is not None]
    kinds = {str(array.dtype) if array.dtype.kind != "b" else "b" for array in present}
    if len(kinds) == 1 and (full := _FULL.get(next(iter(kinds)))):
        return 0.0, full
    # numpy's own minimum of minima: Python's passes over NaN.
    least, most = float(np.min([array.min() for array in present])), float(np.max([array.max() for array in present]))
    if not np.isfinite(least + most):
        raise SchemaError("Input X contains NaN or infinity: pictures are finite numbers", hint="fill them in")
    if (
        like is not None
        and like.black is not None
        and like.white is not None
        and not (like.white > 1 >= most > 0 and like.white == 255)
    ):
        return like.black, like.white
    black = min(0.0, least)
    if most <= 1 and black in {0.0, -1.0}:
        return black, 1.0
    return black, 255.0 if black == 0 and 64 < most <= 255 else most


def _png(array: NDArray[Any], black: float, white: float) -> bytes:
    import numpy as np
    from PIL import Image

    from automl_bridge.data.images import as_seen, encoded

    if array.dtype != np.uint8 or (black, white) != (0.0, 255.0):
        values = (array.astype(np.float64) - black) * (255.0 / ((white - black) or 1.0))
        array = np.clip(np.round(values), 0, 255).astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return encoded(as_seen(Image.fromarray(np.ascontiguousarray(array))))
