"""Pictures as a person sees them: upright, 8 bit, grey or RGB; and as arrays of one size."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["MAX_PIXELS", "Seen", "as_seen", "decode", "encoded", "measured", "seen", "without_warnings"]

MAX_PIXELS = 100_000_000
"""Pictures with more are refused before they are decoded: as RGB they would take 300 MB, whatever the file's size."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how to turn a picture."""
_QUALITY = 95
"""Of a JPEG that is encoded anew; colours at full resolution."""


_HEAVY_PIXELS = 12_000_000
_HEAVY = threading.BoundedSemaphore(2)
"""Of large pictures two at a time are decoded, however many threads there are."""


class Seen(NamedTuple):
    """An encoded picture in the one form: PNG or JPEG, upright, 8 bit, grey or RGB.

    Parameters
    ----------
    content
        The file.
    width, height
        In pixels.
    channels
        1 or 3.
    format
        ``PNG`` or ``JPEG``.
    """

    content: bytes
    width: int
    height: int
    channels: int
    format: str


def seen(content: bytes) -> Seen:
    """Bring an encoded picture into the one form; what is in it already keeps its own bytes.

    All of it is decoded, so that a file that was cut short is found here. Of several pictures in one file the first
    counts.

    Raises
    ------
    ValueError
        If it has more than `MAX_PIXELS`.
    Exception
        Whatever Pillow raises on files that are damaged, or are no pictures.
    """
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        _check_size(image.size)
        kind = "JPEG" if image.format in {"JPEG", "MPO"} else "PNG"
        with _weighed(image.size):
            return _seen(image, content, kind)


def _seen(image: Image.Image, content: bytes, kind: str) -> Seen:
    width, height = image.size
    if _is_plain(image, content):
        # A JPEG is read to its end at an eighth of the size, too, in a third of the time.
        image.draft(image.mode, (max(1, width // 8), max(1, height // 8)))
        image.load()
        return Seen(content, width, height, len(image.getbands()), kind)
    plain = as_seen(image)
    return Seen(encoded(plain, kind), *plain.size, len(plain.getbands()), kind)


@contextmanager
def _weighed(size: tuple[int, int]) -> Iterator[None]:
    if size[0] * size[1] < _HEAVY_PIXELS:
        yield
        return
    with _HEAVY:
        yield


def measured(content: bytes) -> Seen:
    """Return a picture that is in the one form, by its header only."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        kind = "PNG" if image.format == "PNG" else "JPEG"
        return Seen(content, *image.size, len(image.getbands()), kind)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """Return a grey or RGB picture as a file of the format ``kind``."""
    buffer = io.BytesIO()
    if kind == "JPEG":
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    else:
        image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def as_seen(image: Image.Image) -> Image.Image:
    """Return a picture of any mode as a person sees it: mode ``L`` or ``RGB``, upright.

    Transparent parts lie on white. Deep grey is scaled to 8 bit: 16 bit as such; floats up to 1, and what else fits
    into 8 or 16 bit, likewise; all other ranges are stretched from their least value to their greatest. CMYK and Lab
    colours go through the picture's own colour profile, if it has one.
    """
    from PIL import Image

    image = _upright(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        grey = image.mode in {"L", "LA", "La", "1"}
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image)
        return paper.convert("L" if grey else "RGB")
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in {"CMYK", "LAB"} and image.info.get("icc_profile"):
        return _by_profile(image)
    return image.convert("RGB")


def decode(column: pa.ChunkedArray, *, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Return encoded pictures as an array of one size.

    Parameters
    ----------
    column
        Encoded pictures, binary; zeros stand for missing ones.
    size
        Height and width, in pixels; other sizes are scaled to it, not cut (bilinear, averaged when made smaller).
    channels
        1 for grey, 3 for RGB.

    Returns
    -------
    numpy.ndarray
        Shape (rows, height, width, channels).
    """
    import numpy as np

    from automl_bridge.data.image_work import spread

    height, width = size
    found = np.zeros((len(column), height, width, channels), np.uint8)

    def write(place: int) -> None:
        content = column[place].as_py()
        if content is not None:
            found[place] = _array(content, (width, height), channels)

    with without_warnings():
        for _ in spread(write, range(len(column))):
            pass
    return found


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence what Pillow warns of: damaged EXIF does no harm, and sizes are checked before a picture is decoded."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _array(content: bytes, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    mode = "L" if channels == 1 else "RGB"
    with Image.open(io.BytesIO(content)) as image:
        _check_size(image.size)
        if image.mode == mode:
            image.draft(mode, (2 * size[0], 2 * size[1]))
        with _weighed(image.size):
            plain = as_seen(image).convert(mode)
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(plain, np.uint8).reshape(size[1], size[0], channels)


def _check_size(size: tuple[int, int]) -> None:
    pixels = size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise ValueError(
            f"{size[0]:,} × {size[1]:,} are {pixels / 1e6:,.0f} megapixels, more than {MAX_PIXELS / 1e6:.0f}"
        )


def _is_plain(image: Image.Image, content: bytes) -> bool:
    if image.mode not in {"L", "RGB"} or image.has_transparency_data or _orientation(image) != 1:
        return False
    if image.format == "PNG":
        # Byte 24 of a PNG is the depth of a channel; Pillow shows 16 bit RGB and 4 bit grey as 8 bit.
        return content[24] == 8 and not getattr(image, "is_animated", False)
    return image.format in {"JPEG", "MPO"}


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError, EOFError, struct.error):
        return 1  # damaged EXIF says nothing; the picture itself may be sound


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image, ImageOps

    if _orientation(image) not in range(2, 9):
        image.load()
        return image
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, TypeError, struct.error):
        turned = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[_orientation(image)]
        return image.transpose(Image.Transpose(turned))


def _from_deep(image: Image.Image) -> Image.Image:
    import numpy as np
    from PIL import Image

    values = np.asarray(image).astype(np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    least, most = float(values.min()), float(values.max())
    low, high = 0.0, 65535.0
    if not image.mode.startswith("I;16"):
        tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        found = next((top for top in tops if least >= 0 and most <= top), None)
        low, high = (0.0, found) if found else (least, most)
    return Image.fromarray(np.round((values - low) * (255.0 / (high - low or 1.0))).astype(np.uint8))


def _by_profile(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
    assert converted is not None
    return converted
