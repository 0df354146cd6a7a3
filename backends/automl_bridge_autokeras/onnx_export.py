"""A Keras network as an ONNX file, layer by layer; see `onnx_layers`. Needs the package onnx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import tree
from onnx import TensorProto, helper, numpy_helper

from automl_bridge_autokeras.onnx_layers import write_layer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Writer", "write_onnx"]

_OPSET = 17  # the first with LayerNormalization; runtimes since 2022 have it
_IR_VERSION = 8
_TYPES = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "uint8": TensorProto.UINT8}


class _Value:
    """A tensor of the ONNX graph on its way through Keras' layers."""

    def __init__(self, name: str) -> None:
        self.name = name


class Writer:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: Sequence[str], **options: Any) -> str:
        """Add a node; returns the name of its output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **options))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def floats(self, name: str) -> str:
        """Return a tensor as floats."""
        return self.node("Cast", [name], to=TensorProto.FLOAT)

    def model(self, network: Any, inputs: list[str]) -> list[str]:
        """Write a functional Keras model, and those within it; returns the names of its outputs."""

        def operation(layer: Any) -> Any:
            def call(*arguments: Any, **_options: Any) -> Any:
                names = [value.name for value in tree.flatten(arguments) if isinstance(value, _Value)]
                if type(layer).__name__ == "Functional":
                    found = [_Value(name) for name in self.model(layer, names)]
                    return found if len(found) > 1 else found[0]
                return _Value(write_layer(self, layer, names))

            return call

        # Keras' own walk through a functional model, with our values in the place of tensors.
        values = [_Value(name) for name in inputs]
        outputs = network._run_through_graph(values, operation_fn=operation)  # noqa: SLF001 - no other way in
        return [value.name for value in tree.flatten(outputs)]


def write_onnx(network: Any, path: Path) -> None:
    """Write a functional Keras model to ``path``; rows come first, and any number of them.

    Raises
    ------
    UnsupportedError
        If it has a layer that cannot be written.
    """
    writer = Writer()
    given = [_declared(node.name, node) for node in network.inputs]
    names = writer.model(network, [node.name for node in network.inputs])
    outputs: list[Any] = []
    for name, node in zip(names, network.outputs, strict=True):
        own = f"output_{len(outputs)}" if len(names) > 1 else "output"
        writer.nodes.append(helper.make_node("Identity", [name], [own], name=own))
        outputs.append(_declared(own, node))
    graph = helper.make_graph(writer.nodes, "network", given, outputs, writer.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="automl-bridge"
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _declared(name: str, node: Any) -> Any:
    shape = ["rows", *[None if size is None else int(size) for size in node.shape[1:]]]
    return helper.make_tensor_value_info(name, _TYPES[str(node.dtype)], shape)
