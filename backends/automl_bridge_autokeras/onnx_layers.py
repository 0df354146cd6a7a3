"""Keras layers as ONNX nodes: those that our search space is made of, and the plain ones of AutoKeras' blocks.

A layer that is not here makes a network one that cannot be written as ONNX, and the error names it. Layers that only
act in training (dropout, augmentation) are left out. Data stay in Keras' order (channels last).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl_bridge_autokeras.onnx_export import Writer

__all__ = ["write_layer"]

_IN_TRAINING_ONLY = {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "RandomFlip"}
_IN_TRAINING_ONLY |= {"RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast", "ActivityRegularization"}
_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax", "softplus": "Softplus"}
_ELEMENTWISE = {"Sin": "Sin", "Cos": "Cos", "Exp": "Exp", "Tanh": "Tanh", "Absolute": "Abs"}


def write_layer(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    """Write one layer; returns the name of its output.

    Raises
    ------
    UnsupportedError
        If there is no way to.
    """
    kind = type(layer).__name__
    if kind in _IN_TRAINING_ONLY:
        return inputs[0]
    if kind in _ELEMENTWISE:
        return writer.node(_ELEMENTWISE[kind], inputs)
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise UnsupportedError(
            f"this network cannot be written as ONNX: it has a layer of the kind {kind}",
            hint="export it as keras or savedmodel",
        )
    return handler(writer, layer, inputs)


def _activated(writer: Writer, layer: Any, node: str) -> str:
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name == "linear":
        return node
    if name not in _ACTIVATIONS:
        raise UnsupportedError(
            f"this network cannot be written as ONNX: it has the activation {name}",
            hint="export it as keras or savedmodel",
        )
    return writer.node(_ACTIVATIONS[name], [node], **({"axis": -1} if name == "softmax" else {}))


def _with_bias(writer: Writer, layer: Any, node: str) -> str:
    bias = getattr(layer, "bias", None)
    return node if bias is None else writer.node("Add", [node, writer.constant(np.asarray(bias))])


def _affine(writer: Writer, node: str, scale: Any, offset: Any) -> str:
    scaled = writer.node("Mul", [node, writer.constant(np.asarray(scale, np.float32))])
    return writer.node("Add", [scaled, writer.constant(np.asarray(offset, np.float32))])


def _rescaling(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    return _affine(writer, writer.floats(inputs[0]), layer.scale, layer.offset)


def _einsum_dense(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    kernel = writer.constant(np.asarray(layer.kernel))
    node = writer.node("Einsum", [inputs[0], kernel], equation=layer.equation)
    return _activated(writer, layer, _with_bias(writer, layer, node))


def _dense(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    node = writer.node("MatMul", [inputs[0], writer.constant(np.asarray(layer.kernel))])
    return _activated(writer, layer, _with_bias(writer, layer, node))


def _relu(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    if layer.negative_slope or layer.threshold:
        raise UnsupportedError("this network cannot be written as ONNX: it has a ReLU with a slope or a threshold")
    if layer.max_value is None:
        return writer.node("Relu", inputs)
    ends = [writer.constant(np.float32(0.0)), writer.constant(np.float32(layer.max_value))]
    return writer.node("Clip", [inputs[0], *ends])


def _embedding(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    return writer.node("Gather", [writer.constant(np.asarray(layer.embeddings)), inputs[0]], axis=0)


def _repeat(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    row = writer.node("Unsqueeze", [inputs[0], writer.constant(np.array([1], np.int64))])
    return writer.node("Tile", [row, writer.constant(np.array([1, layer.n, 1], np.int64))])


def _cropping(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    first, last = layer.cropping
    starts, ends = ([first], [-last if last else np.iinfo(np.int64).max])
    parts = [writer.constant(np.array(part, np.int64)) for part in (starts, ends, [1])]
    return writer.node("Slice", [inputs[0], *parts])


def _reshape(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    shape = [-1] if type(layer).__name__ == "Flatten" else list(layer.target_shape)
    return writer.node("Reshape", [inputs[0], writer.constant(np.array([0, *shape], np.int64))])


def _layer_normalization(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    weights = [writer.constant(np.asarray(layer.gamma)), writer.constant(np.asarray(layer.beta))]
    return writer.node("LayerNormalization", [inputs[0], *weights], axis=-1, epsilon=float(layer.epsilon))


def _batch_normalization(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    width = np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    scale = (np.asarray(layer.gamma) if layer.scale else 1.0) / width
    offset = (np.asarray(layer.beta) if layer.center else 0.0) - np.asarray(layer.moving_mean) * scale
    return _affine(writer, inputs[0], scale, offset)


def _normalization(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    width = np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7)
    return _affine(writer, writer.floats(inputs[0]), 1 / width, -np.asarray(layer.mean) / width)


def _convolution(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    kernel = np.asarray(layer.kernel)  # sides, channels in, channels out
    sides = kernel.ndim - 2
    turned = writer.constant(np.ascontiguousarray(kernel.transpose(sides + 1, sides, *range(sides))))
    return _activated(
        writer,
        layer,
        _with_bias(writer, layer, _channels_first(writer, inputs[0], sides, "Conv", [turned], _window(layer))),
    )


def _pooling(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    kind = "MaxPool" if "Max" in type(layer).__name__ else "AveragePool"
    return _channels_first(
        writer, inputs[0], len(layer.pool_size), kind, [], {**_window(layer), "kernel_shape": list(layer.pool_size)}
    )


def _window(layer: Any) -> dict[str, Any]:
    same = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {"auto_pad": "VALID"}
    dilation = getattr(layer, "dilation_rate", None)
    return {**same, "strides": list(layer.strides), **({"dilations": list(dilation)} if dilation else {})}


def _channels_first(writer: Writer, node: str, sides: int, kind: str, more: list[str], options: dict[str, Any]) -> str:
    turned = writer.node("Transpose", [node], perm=[0, sides + 1, *range(1, sides + 1)])
    done = writer.node(kind, [turned, *more], **options)
    return writer.node("Transpose", [done], perm=[0, *range(2, sides + 2), 1])


def _reduced(kind: str, axes: list[int]) -> Callable[..., str]:
    return lambda writer, _layer, inputs: writer.node(kind, inputs, axes=axes, keepdims=0)


def _dot(writer: Writer, layer: Any, inputs: Sequence[str]) -> str:
    if tuple(layer.axes) != (1, 1) or layer.normalize:
        raise UnsupportedError("this network cannot be written as ONNX: it has a Dot over other axes")
    return writer.node("Einsum", inputs, equation="bkw,bk->bw")


def _chained(kind: str) -> Callable[..., str]:
    def write(writer: Writer, _layer: Any, inputs: Sequence[str]) -> str:
        node = inputs[0]
        for other in inputs[1:]:
            node = writer.node(kind, [node, other])
        return node

    return write


_HANDLERS: dict[str, Callable[..., str]] = {
    "Activation": lambda writer, layer, inputs: _activated(writer, layer, inputs[0]),
    "Add": _chained("Add"),
    "AveragePooling2D": _pooling,
    "BatchNormalization": _batch_normalization,
    "CastToFloat32": lambda writer, _layer, inputs: writer.floats(inputs[0]),
    "Concatenate": lambda writer, layer, inputs: writer.node("Concat", inputs, axis=layer.axis),
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "Cropping1D": _cropping,
    "Dense": _dense,
    "Dot": _dot,
    "EinsumDense": _einsum_dense,
    "Embedding": _embedding,
    "Flatten": _reshape,
    "GlobalAveragePooling1D": _reduced("ReduceMean", [1]),
    "GlobalAveragePooling2D": _reduced("ReduceMean", [1, 2]),
    "GlobalMaxPooling1D": _reduced("ReduceMax", [1]),
    "GlobalMaxPooling2D": _reduced("ReduceMax", [1, 2]),
    "LayerNormalization": _layer_normalization,
    "MaxPooling1D": _pooling,
    "MaxPooling2D": _pooling,
    "Multiply": _chained("Mul"),
    "Normalization": _normalization,
    "ReLU": _relu,
    "RepeatVector": _repeat,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Softmax": lambda writer, _layer, inputs: writer.node("Softmax", inputs, axis=-1),
}
