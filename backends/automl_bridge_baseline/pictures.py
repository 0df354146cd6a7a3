"""Pictures as numbers: small grey or colour pixels, how rough each region is, and how often colours occur."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile

__all__ = ["PictureColumn"]

_FINE = 32
"""Side in pixels at which pictures are looked at; smaller ones are not made larger than their own size."""
_PIXELS = {1: 16, 3: 10}
"""Side of the pixels that become columns, by channels."""
_REGIONS = 4
_BINS = 8
_ROWS = 2_048
"""Pictures in memory at a time: 6 MB of them."""


@dataclass(frozen=True)
class PictureColumn:
    """How one column of pictures becomes numbers.

    Parameters
    ----------
    name
        Of the column.
    height, width
        Size in pixels at which pictures are looked at.
    channels
        1 for grey, 3 for RGB.
    """

    name: str
    height: int
    width: int
    channels: int

    @classmethod
    def of(cls, column: ColumnProfile) -> PictureColumn:
        """Return what suits a column's typical size."""
        image = column.image
        if image is None:
            return cls(column.name, _FINE, _FINE, 3)
        return cls(column.name, min(_FINE, image.height), min(_FINE, image.width), image.channels)

    def transform(self, column: pa.ChunkedArray, places: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return numbers in [0, 1], shape (rows, numbers), of all rows or those at ``places``; NaN where missing."""
        from automl_bridge.data.images import decode

        parts = []
        for start in range(0, len(column) if places is None else len(places), _ROWS):
            rows = column.slice(start, _ROWS) if places is None else column.take(places[start : start + _ROWS])
            pixels = decode(rows, size=(self.height, self.width), channels=self.channels)
            numbers = self._numbers(pixels.astype(np.float32) * np.float32(1 / 255))
            numbers[~rows.is_valid().to_numpy()] = np.nan
            parts.append(numbers)
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def document(self) -> dict[str, Any]:
        """Return it for JSON; ``PictureColumn(**document)`` reads it back."""
        return asdict(self)

    def _numbers(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        grey = pixels.mean(axis=3)
        rough = np.zeros_like(grey)
        rough[:, 1:] += np.abs(np.diff(grey, axis=1))
        rough[:, :, 1:] += np.abs(np.diff(grey, axis=2))
        side = _PIXELS[self.channels]
        blocks = [
            _shrunk(pixels, side).reshape(len(pixels), -1),
            _shrunk(rough[:, :, :, None], _REGIONS).reshape(len(pixels), -1),
        ]
        if self.channels == 3:
            level = np.minimum((pixels * _BINS).astype(np.int64), _BINS - 1)
            blocks += [(level == step).mean(axis=(1, 2), dtype=np.float32) for step in range(_BINS)]
        return np.hstack(blocks).astype(np.float32)


def _shrunk(pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average pictures of shape (rows, height, width, channels) over a grid of at most ``side`` by ``side``."""
    for axis in (1, 2):
        length = pixels.shape[axis]
        if length > side:
            starts = np.linspace(0, length, side, endpoint=False).astype(np.int64)
            counts = np.diff(np.append(starts, length)).astype(np.float32)
            shape = [1, 1, 1, 1]
            shape[axis] = side
            pixels = (np.add.reduceat(pixels, starts, axis=axis) / counts.reshape(shape)).astype(np.float32)
    return pixels
