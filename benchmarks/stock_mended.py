"""The one thing that AutoKeras as it is shipped needs to run with the Keras that is installed."""

from __future__ import annotations


def mend() -> None:
    """Give stock AutoKeras plain integers for shapes."""
    import tree

    from autokeras import graph

    def set_io_shapes(self, shapes):
        for node, shape in zip(self.inputs, tree.flatten(shapes[0]), strict=True):
            node.shape = tuple(int(size) for size in shape[1:])
        for node, shape in zip(self.outputs, tree.flatten(shapes[1]), strict=True):
            node.in_blocks[0].shape = tuple(int(size) for size in shape[1:])

    graph.Graph.set_io_shapes = set_io_shapes
