"""Models of images."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.sandbox.trainers.candidates import Candidate, UnusableDataError
from automl_bridge.sandbox.trainers.texts import classify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["features_of", "train_images"]

SIDE = 16


def features_of(image: bytes) -> NDArray[np.float64]:
    """Return an encoded image (PNG, JPEG) as 16 × 16 colour values around zero, shape (768,).

    Raises
    ------
    UnusableDataError
        If it is no image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image)) as opened:
            small = opened.convert("RGB").resize((SIDE, SIDE))
    except (UnidentifiedImageError, OSError) as error:
        raise UnusableDataError(f"not an image: {error}") from None
    return np.asarray(small, dtype=np.float64).reshape(-1) / 127.5 - 1.0


def train_images(
    train: Sequence[tuple[bytes, str]],
    validation: Sequence[tuple[bytes, str]] | None,
    *,
    candidates: int = 1,
    validation_fraction: float = 0.2,
    seed: int = 0,
) -> Iterator[Candidate]:
    """Train on pairs of encoded image and label and yield each candidate; see `train_table` for the rest."""
    if not train:
        raise UnusableDataError("there are no images")
    held = None if validation is None else np.stack([features_of(image) for image, _label in validation])
    yield from classify(
        "image",
        np.stack([features_of(image) for image, _label in train]),
        [label for _image, label in train],
        held,
        None if validation is None else [label for _image, label in validation],
        candidates=candidates,
        validation_fraction=validation_fraction,
        seed=seed,
    )
