"""Pictures for a neural net: all of one size, chosen by what is in the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile

__all__ = ["ImageInputs"]

_LEAST_SIDE = 4  # a convolution of 3 × 3 needs something to look at
_SIDES = (96, 64, 48, 32)  # longest side, in pixels, of larger pictures; smaller ones keep their size
_BYTES = 2**30  # of all pictures of a search, as bytes a pixel
_FEW_PIXELS = 15_000_000  # more than this many pixels in all are learned from at 64, which takes less than half as long
_FIT_ROWS = 1000  # pictures that the brightness is taken from
_POOLED = 8  # side of the picture that a linear model sees


@dataclass(frozen=True)
class ImageInputs:
    """What was fitted to one column of pictures.

    Parameters
    ----------
    height, width, channels
        Of the arrays.
    mean, deviation
        Of the pixels' values in training, 0 to 255, over all channels.
    """

    height: int
    width: int
    channels: int
    mean: float
    deviation: float

    @classmethod
    def fit(
        cls, column: pa.ChunkedArray, profile: ColumnProfile, *, rows: int, seed: int, side: int | None = None
    ) -> ImageInputs:
        """Fit to the training rows; ``side`` sets the longest side in pixels."""
        from automl_bridge.data.images import decode

        assert profile.image is not None
        height, width = _size(profile.image.height, profile.image.width, profile.image.channels, rows, side)
        channels = profile.image.channels
        present = column.drop_null()
        if len(present) > _FIT_ROWS:
            chosen = np.sort(np.random.default_rng(seed).choice(len(present), _FIT_ROWS, replace=False))
            present = present.take(chosen)
        pixels = decode(present, size=(height, width), channels=channels)
        if not pixels.size:
            return cls(height, width, channels, 127.5, 64.0)
        return cls(height, width, channels, float(pixels.mean()), max(float(pixels.std()), 1.0))

    def transform(self, column: pa.ChunkedArray) -> NDArray[np.uint8]:
        """Return shape (rows, height, width, channels); a missing picture is of the mean brightness."""
        from automl_bridge.data.images import decode

        pixels = decode(column, size=(self.height, self.width), channels=self.channels)
        if column.null_count:
            pixels[np.asarray(column.is_null().to_numpy(zero_copy_only=False), bool)] = round(self.mean)
        return pixels

    def linear(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return small grey pictures, shape (rows, at most 64)."""
        grey = pixels.mean(axis=3, dtype=np.float32)
        rows = np.array_split(np.arange(self.height), min(_POOLED, self.height))
        columns = np.array_split(np.arange(self.width), min(_POOLED, self.width))
        pooled = [grey[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1].mean(axis=(1, 2)) for r in rows for c in columns]
        return ((np.column_stack(pooled) - self.mean) / self.deviation).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ImageInputs:
        """Rebuild it from `to_json`."""
        return cls(**document)


def _size(height: int, width: int, channels: int, rows: int, side: int | None) -> tuple[int, int]:
    """Return height and width of the arrays: the pictures' own up to a bound that the number of rows sets."""
    longest = max(height, width)
    if side is None:
        # The smallest is taken where even it is too much.
        fits = [s for s in _SIDES if rows * s * s <= _FEW_PIXELS or s < _SIDES[0]]
        fits = [s for s in fits if rows * s * s * channels <= _BYTES] or [_SIDES[-1]]
        side = min(longest, fits[0])
    share = side / longest
    return max(_LEAST_SIDE, round(height * share)), max(_LEAST_SIDE, round(width * share))
