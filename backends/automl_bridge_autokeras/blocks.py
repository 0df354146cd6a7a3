"""The search space for tables, as AutoKeras blocks that anyone can combine with AutoKeras' own.

Everything is built of Keras' standard layers, so a saved model opens in plain Keras, in its safe mode.

* Numbers: piecewise-linear and periodic embeddings (Gorishniy et al., NeurIPS 2022, arXiv:2203.05556).
* Trunk: dense or residual layers shared by several members that differ by a scale of their inputs and by their
  output layers, trained side by side and averaged (TabM-mini; Gorishniy et al., ICLR 2025, arXiv:2410.24210).
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tree
from autokeras.engine import block as block_module
from keras import layers, ops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CategoryBlock", "ConcatBlock", "NumberBlock", "TrunkBlock"]


_WIDE = 300  # columns beyond which numbers are not embedded: the first layer would have millions of weights


def _register(cls: type) -> Any:
    return keras.saving.register_keras_serializable(package="automl_bridge")(cls)


@_register
class NumberBlock(block_module.Block):  # type: ignore[misc]
    """Embeds ranks on a normal scale, shape (rows, columns), into a vector a row.

    Hyperparameters: ``encoding`` (``piecewise``, ``periodic`` or ``plain``), ``bins``, ``width``, ``frequency``.
    """

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        columns = int(node.shape[-1])
        if columns > _WIDE:
            return node
        encoding = hp.Choice("encoding", ["piecewise", "periodic", "plain"], default="piecewise")
        if encoding == "plain":
            return node
        # Beyond a hundred columns a wide embedding costs more than it brings.
        width = hp.Choice("width", [4, 8, 16] if columns <= 100 else [2, 4], default=8 if columns <= 100 else 4)
        if encoding == "piecewise":
            parts = _piecewise(node, columns, hp.Choice("bins", [8, 16, 32], default=16))
        else:
            parts = _periodic(node, columns, hp.Choice("frequency", [0.05, 0.2, 0.5], default=0.2))
        embedded = layers.EinsumDense("bat,atd->bad", output_shape=(columns, width), bias_axes="ad")(parts)
        return layers.Flatten()(layers.ReLU()(embedded))


def _piecewise(node: Any, columns: int, bins: int) -> Any:
    # Ranks are normal, so one set of edges cuts every column into bins of equal numbers of rows.
    inner = [NormalDist().inv_cdf(index / bins) for index in range(1, bins)]
    edges = np.array([-3.0, *inner, 3.0])
    slopes = np.tile(1 / np.diff(edges), (columns, 1))
    layer = layers.EinsumDense("ba,at->bat", output_shape=(columns, bins), bias_axes="at", trainable=False)
    scaled = layer(node)
    layer.set_weights([slopes, -edges[:-1] * slopes])
    return layers.ReLU(max_value=1.0)(scaled)


def _periodic(node: Any, columns: int, frequency: float, count: int = 16) -> Any:
    start = keras.initializers.RandomNormal(stddev=2 * np.pi * frequency)
    waves = layers.EinsumDense("ba,at->bat", output_shape=(columns, count), kernel_initializer=start)(node)
    return layers.Concatenate()([ops.sin(waves), ops.cos(waves)])


@_register
class CategoryBlock(block_module.Block):  # type: ignore[misc]
    """Embeds category codes, shape (rows, columns), into a vector a row.

    Hyperparameters: ``width``, and ``exact`` where there are such columns.

    Parameters
    ----------
    levels
        Number of codes over all columns: the columns' codes follow one another, so that one table holds them all.
    unknown
        Codes of missing and unseen categories. They start at 0 and stay there if training has none: an unseen
        category adds nothing, where a random vector would add noise.
    exact
        How many of the columns, the last ones, are numbers told apart by their codes. The hyperparameter ``exact``
        says whether they are read at all: the numbers themselves are read elsewhere.
    """

    def __init__(self, levels: int, unknown: Sequence[int] = (), exact: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = levels
        self.unknown = [int(code) for code in unknown]
        self.exact = exact

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        return {**super().get_config(), "levels": self.levels, "unknown": self.unknown, "exact": self.exact}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        width = hp.Choice("width", [4, 8, 16], default=8)
        table = layers.Embedding(self.levels, width, name="levels")
        embedded = table(node)
        start = table.get_weights()[0]
        start[self.unknown] = 0.0
        table.set_weights([start])
        if self.exact and not hp.Boolean("exact", default=False):
            if int(node.shape[-1]) == self.exact:
                # Nothing to read; a network cannot have an input that leads nowhere.
                return layers.Rescaling(0.0)(layers.GlobalAveragePooling1D()(embedded))
            embedded = layers.Cropping1D((0, self.exact))(embedded)
        return layers.Flatten()(embedded)


@_register
class ConcatBlock(block_module.Block):  # type: ignore[misc]
    """Puts vectors side by side."""

    def build(self, hp: Any, inputs: Any = None) -> Any:  # noqa: ARG002 - AutoKeras' signature
        """Build it; there is nothing to choose."""
        nodes = tree.flatten(inputs)
        return layers.Concatenate()(nodes) if len(nodes) > 1 else nodes[0]


@_register
class TrunkBlock(block_module.Block):  # type: ignore[misc]
    """Dense or residual layers, shared by several members: a vector a row in, (rows, members, units) out.

    Hyperparameters: ``kind``, ``members``, ``layers``, ``units``, ``dropout``.

    Parameters
    ----------
    members
        Numbers of members to choose from.
    usual_members
        The default among them.
    depths, usual_depth
        The same for the number of layers; 0 leaves the members linear.
    """

    def __init__(
        self,
        members: Sequence[int] = (1, 4, 8, 16),
        usual_members: int = 8,
        depths: Sequence[int] = (1, 2, 3),
        usual_depth: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.members = list(members)
        self.usual_members = usual_members
        self.depths = list(depths)
        self.usual_depth = usual_depth

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        own = {name: getattr(self, name) for name in ("members", "usual_members", "depths", "usual_depth")}
        return {**super().get_config(), **own}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        members = hp.Choice("members", self.members, default=self.usual_members)
        count = hp.Choice("layers", self.depths, default=self.usual_depth)
        units = hp.Choice("units", [32, 64, 128, 256], default=128)
        dropout = hp.Choice("dropout", [0.0, 0.1, 0.25, 0.5], default=0.1)
        kind = hp.Choice("kind", ["dense", "residual"], default="dense")
        node = layers.RepeatVector(members)(node)
        if members > 1:
            start = keras.initializers.RandomNormal(mean=0.0, stddev=1.0)
            shape = tuple(int(size) for size in node.shape[1:])
            node = layers.EinsumDense("bki,ki->bki", output_shape=shape, kernel_initializer=start)(node)
        if not count:
            return layers.Dropout(dropout)(node)
        if kind == "residual":
            return _residual(layers.Dense(units)(node), count, units, dropout)
        for _ in range(count):
            node = layers.Dropout(dropout)(layers.ReLU()(layers.Dense(units)(node)))
        return node


def _residual(node: Any, count: int, units: int, dropout: float) -> Any:
    for _ in range(count):
        branch = layers.ReLU()(layers.Dense(units)(layers.LayerNormalization()(node)))
        node = layers.Add()([node, layers.Dense(units)(layers.Dropout(dropout)(branch))])
    return layers.ReLU()(layers.LayerNormalization()(node))
