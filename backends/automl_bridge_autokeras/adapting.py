"""Fits the preprocessing layers that a network may hold (``keras.layers.Normalization``) to the training rows.

AutoKeras does so only for layers that stand directly behind an input. Our own space has none: its scales are fitted
before the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from automl_bridge_autokeras.forward import Forward

if TYPE_CHECKING:
    from automl_bridge_autokeras.judging import Arrays

__all__ = ["adapt"]

_ROWS = 2000  # rows that are enough for a mean and a variance


def adapt(model: keras.Model, train: Arrays) -> None:
    """Fit every layer that can be, in the order in which data pass through them."""
    layers = [layer for layer in model.layers if hasattr(layer, "adapt")]
    if not layers:
        return
    step = max(1, train.rows // _ROWS)
    sample = [array[::step] for array in train.inputs]
    for layer in layers:
        values = Forward(keras.Model(model.inputs, layer.input))(sample)
        layer.adapt(values.astype(np.float32))
