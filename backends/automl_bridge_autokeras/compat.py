"""What AutoKeras 3.0 needs to run with the Keras of today, as overrides in a subclass: no class is patched.

* ``Graph.set_io_shapes`` passes NumPy integers to layers, which Keras ≥ 3.13 refuses (``units`` must be ``int``).
  Keras 3.12 takes them. The override serves both.
* ``Graph.batch_size`` is the number of rows of the whole data set, so that a decaying learning rate reaches 0 within
  the first epoch. The override returns the real one.

Importing this module also sets what a ``keras.json`` of the user's could have set otherwise, since the search's arrays
are of one kind: numbers of single precision, and pictures with their channels last. A search space or a callback of the
user's comes after it and may choose a dtype policy of its own.

``tests/autokeras/test_compat.py`` fails when AutoKeras no longer needs them, or when it changes beneath them.
"""

from __future__ import annotations

from typing import Any

import keras
import tree

import autokeras as ak
from autokeras import graph as graph_module

__all__ = ["SoundGraph", "SoundModel"]

keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")


class SoundGraph(graph_module.Graph):  # type: ignore[misc]
    """AutoKeras' graph of blocks with plain integers for shapes and a batch size that is one."""

    fit_batch_size = 32
    """Rows a training step takes; set by the search before models are built."""

    def set_io_shapes(self, shapes: Any) -> None:
        """Tell inputs and heads the shapes of their data, as plain integers."""
        for node, shape in zip(self.inputs, tree.flatten(shapes[0]), strict=True):
            node.shape = tuple(int(size) for size in shape[1:])
        for node, shape in zip(self.outputs, tree.flatten(shapes[1]), strict=True):
            node.in_blocks[0].shape = tuple(int(size) for size in shape[1:])

    @property
    def batch_size(self) -> int:
        """Rows a training step takes, not the rows of the data set."""
        return self.fit_batch_size


class SoundModel(ak.AutoModel):  # type: ignore[misc]
    """AutoKeras' AutoModel over a `SoundGraph`; takes the same arguments."""

    graph_class = SoundGraph

    def _build_graph(self) -> SoundGraph:
        graph = super()._build_graph()
        return self.graph_class(inputs=graph.inputs, outputs=graph.outputs, name=graph.name)
