"""The search space for series, as AutoKeras blocks: what is read of a window and of the steps to come, and the head.

* A window is read as it is, by dilated causal convolutions (WaveNet; Bai et al., 2018, arXiv:1803.01271), or as trend
  and rest (DLinear; Zeng et al., AAAI 2023, arXiv:2205.13504).
* Steps to come are read by the same small layers, together for the trunk, and once more each for itself at the end
  (TiDE; Das et al., TMLR 2023, arXiv:2304.08424): what is known of a step works on that step.
* All steps and quantiles are forecast at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tree
from autokeras.engine import block as block_module
from keras import layers, ops

from automl_bridge_autokeras.heads import ValueHead

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AheadBlock", "ForecastHead", "MembersQuantiles", "StepsBlock", "WindowBlock"]


def _register(cls: type) -> Any:
    return keras.saving.register_keras_serializable(package="automl_bridge")(cls)


@_register
class WindowBlock(block_module.Block):  # type: ignore[misc]
    """Reads a window of scaled values, shape (rows, steps), into a vector a row.

    Hyperparameters: ``reads`` (``plain``, ``trend`` or ``conv``), ``filters``.

    Parameters
    ----------
    season
        Steps that the trend is averaged over.
    """

    def __init__(self, season: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.season = season

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        return {**super().get_config(), "season": self.season}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        reads = hp.Choice("reads", ["plain", "trend", "conv"], default="plain")
        if reads == "plain":
            return node
        steps = int(node.shape[-1])
        column = layers.Reshape((steps, 1))(node)
        if reads == "trend":
            width = min(steps, max(3, self.season))
            trend = layers.Flatten()(layers.AveragePooling1D(width, strides=1, padding="same")(column))
            return layers.Concatenate()([trend, layers.Subtract()([node, trend])])
        return _convolved(node, column, steps, hp.Choice("filters", [8, 16, 32], default=16))


def _convolved(node: Any, column: Any, steps: int, filters: int) -> Any:
    seen, dilation, now = 1, 1, column
    while seen < steps and dilation <= 64:
        new = layers.Conv1D(filters, 3, padding="causal", dilation_rate=dilation, activation="relu")(now)
        now = new if dilation == 1 else layers.Add()([now, new])
        seen, dilation = seen + 2 * dilation, dilation * 2
    last = layers.Flatten()(layers.Cropping1D((steps - 1, 0))(now))
    return layers.Concatenate()([node, last, layers.GlobalAveragePooling1D()(now)])


@_register
class AheadBlock(block_module.Block):  # type: ignore[misc]
    """Reads what is known of the steps to come, shape (rows, horizon, numbers), into a vector a row.

    Hyperparameter: ``width``, numbers a step.
    """

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        width = hp.Choice("width", [2, 4, 8], default=4)
        return layers.Flatten()(
            layers.Dense(width, activation="relu")(layers.Dense(4 * width, activation="relu")(node))
        )


@_register
class StepsBlock(block_module.Block):  # type: ignore[misc]
    """Spreads what the trunk says, shape (rows, members, units), over the steps: (rows, members, horizon, width).

    Further inputs, shape (rows, horizon, numbers) each, are read step by step and added.

    Hyperparameter: ``width``, numbers a step.

    Parameters
    ----------
    horizon
        Number of steps.
    """

    def __init__(self, horizon: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = horizon

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        return {**super().get_config(), "horizon": self.horizon}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        trunk, *steps = tree.flatten(inputs)
        width = hp.Choice("width", [8, 16, 32], default=16)
        spread = layers.Dense(self.horizon * width)(trunk)
        spread = layers.Reshape((int(trunk.shape[1]), self.horizon, width))(spread)
        known = layers.Concatenate()(steps) if len(steps) > 1 else steps[0]
        known = layers.Dense(width)(layers.Dense(2 * width, activation="relu")(known))
        return layers.ReLU()(ops.add(spread, layers.Reshape((1, self.horizon, width))(known)))


class ForecastHead(ValueHead):
    """Scaled point forecasts and quantiles of ``horizon`` steps: outputs (rows, (1 + quantiles) × horizon).

    It goes on (rows, members, horizon, width), the same weights for all steps, or on (rows, members, units). A second
    input, shape (rows, horizon), is a forecast that outputs may be added to.

    Hyperparameter: ``linear``, whether they are.

    Parameters
    ----------
    horizon, quantiles
        Steps, and levels.
    error
        Of the point forecast: ``squared`` or ``absolute``.
    """

    def __init__(self, horizon: int, quantiles: Sequence[float], error: str = "absolute", **kwargs: Any) -> None:
        super().__init__(horizon * (1 + len(quantiles)), error, **kwargs)
        self.horizon, self.quantiles = horizon, list(quantiles)
        self.loss = MembersQuantiles(horizon, quantiles, error)

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers."""
        node, *linear = tree.flatten(inputs)
        if len(node.shape) == 3:
            return super().build(hp, node)
        members, count = int(node.shape[1]), 1 + len(self.quantiles)
        shape = (members, count, self.horizon)
        node = layers.EinsumDense("bkhd,kdq->bkqh", output_shape=shape, bias_axes="kqh", name=f"{self.name}_members")(
            node
        )
        if linear and hp.Boolean("linear", default=False):
            node = ops.add(node, layers.Reshape((1, 1, self.horizon))(linear[0]))
        return layers.Reshape((members, count * self.horizon))(node)

    def get_config(self) -> dict[str, Any]:
        """Return what the head is rebuilt from."""
        name = super().get_config()["name"]
        return {"horizon": self.horizon, "quantiles": self.quantiles, "error": self.error, "name": name}


class MembersQuantiles(keras.losses.Loss):  # type: ignore[misc]
    """Error of the point forecast and twice the mean quantile loss of each member, averaged over members and steps."""

    def __init__(self, horizon: int, quantiles: Sequence[float], error: str = "absolute", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.quantiles, self.error = horizon, list(quantiles), error

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return a loss a row; shapes (rows, horizon) and (rows, members, (1 + quantiles) × horizon)."""
        count = 1 + len(self.quantiles)
        members = y_pred.shape[1]
        outputs = ops.reshape(y_pred, (-1, members, count, self.horizon))
        over = ops.cast(y_true, y_pred.dtype)[:, None, None, :] - outputs
        point = over[:, :, 0, :]
        loss = ops.square(point) if self.error == "squared" else ops.abs(point)
        loss = ops.mean(loss, axis=(1, 2))
        if self.quantiles:
            levels = ops.reshape(ops.cast(self.quantiles, y_pred.dtype), (1, 1, -1, 1))
            rest = over[:, :, 1:, :]
            loss = loss + 2 * ops.mean(ops.maximum(levels * rest, (levels - 1) * rest), axis=(1, 2, 3))
        return loss
