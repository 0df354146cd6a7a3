"""A learning rate that rises, falls along a cosine, and reaches 0 with the last step, also when that comes earlier."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

__all__ = ["AnnealedRate"]

_WARM = 0.05  # share of the steps in which the rate rises from a tenth


class AnnealedRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Cosine annealing over a number of steps that may be cut while the training runs.

    Parameters
    ----------
    rate
        The highest rate.
    steps
        Steps of the whole training.
    """

    def __init__(self, rate: float, steps: int) -> None:
        self.rate = rate
        self._steps = tf.Variable(float(max(1, steps)), trainable=False)

    def shorten(self, steps: int) -> None:
        """Let the training end after ``steps`` steps in all."""
        self._steps.assign(float(max(1, steps)))

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        share = ops.minimum(ops.cast(step, "float32") / self._steps, 1.0)
        rising = 0.1 + 0.9 * share / _WARM
        falling = 0.5 * (1 + ops.cos(math.pi * (share - _WARM) / (1 - _WARM)))
        return self.rate * ops.where(share < _WARM, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Return what it was made of."""
        return {"rate": self.rate, "steps": int(self._steps.numpy())}
