"""A bundle's network in the formats of others: ``python -m automl_bridge_autokeras.convert BUNDLE PATH FORMAT``.

Beside the network stand ``network.json`` (its inputs, outputs and classes, as people and programs need them) and
``inputs.json`` (what turns raw rows into its inputs, as the bundle has it). What is written is opened again by the
library that it is for, and asked the same rows: if it answers differently, nothing is exported.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import read_bytes
from automl_bridge.errors import AutoMLBridgeError, MissingExtraError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from automl_bridge_autokeras.model_io import LoadedModel

__all__ = ["convert", "main"]

_ROWS = 16  # that both are asked
_TOLERANCE = 1e-4  # of a probability, or of a target's standard deviation


def convert(bundle: Path, path: Path, form: str) -> dict[str, Any]:
    """Write the network of ``bundle`` into the folder ``path``; returns what ``network.json`` says.

    Raises
    ------
    UnsupportedError
        If the model has no network, or the format cannot hold it; says why.
    MissingExtraError
        If a package for the format is missing.
    """
    from automl_bridge_autokeras.model_io import LoadedModel

    loaded = LoadedModel(bundle)
    if loaded.network is None:
        raise UnsupportedError(
            "the model is linear, from a search that ended before its first network, and no Keras network",
            hint="fit it again with more time; the bundle itself predicts as it is",
        )
    network = _with_values(loaded)
    path.mkdir(parents=True, exist_ok=True)
    write = {"keras": _write_keras, "savedmodel": _write_saved_model, "onnx": _write_onnx}[form]
    rows = _some_rows(network)
    wanted = loaded.forward(rows)
    unit = np.ones(1)
    if loaded.scale is not None:
        wanted, unit = loaded.scale.up(wanted), loaded.scale.width
    answered = write(network, path)(rows)
    difference = float((np.abs(answered - wanted) / unit).max())
    if not difference <= _TOLERANCE:
        raise UnsupportedError(
            f"the network as {form} answers otherwise than the bundle, by {difference:.2g} (of a probability, or of a "
            "target's standard deviation): it computes in single precision",
            hint="predict with the bundle, or fit a target that is nearer to 0",
        )
    (path / "inputs.json").write_bytes(read_bytes(bundle, loaded.metadata, "inputs.json"))
    document = _described(loaded, network, form, difference)
    (path / "network.json").write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    return document


def _with_values(loaded: LoadedModel) -> Any:
    """Return the network, for a regression with the targets' own scale behind it."""
    import keras

    network = loaded.network
    if loaded.scale is None:
        return network
    scaled = keras.layers.Rescaling(loaded.scale.width.tolist(), loaded.scale.mean.tolist(), name="target_scale")
    return keras.Model(network.inputs, scaled(network.outputs[0]), name=network.name)


def _some_rows(network: Any) -> tuple[NDArray[Any], ...]:
    """Return rows that a network can be asked: no real ones are kept with it."""
    rng = np.random.default_rng(0)
    ids = min(_table_sizes(network), default=2)
    made = []
    for node in network.inputs:
        shape = (_ROWS, *map(int, node.shape[1:]))
        if node.dtype == "uint8":
            made.append(rng.integers(0, 256, shape).astype(np.uint8))
        elif node.dtype == "int32":
            made.append(rng.integers(0, ids, shape).astype(np.int32))
        else:
            made.append(rng.normal(size=shape).astype(np.float32))
    return tuple(made)


def _table_sizes(network: Any) -> list[int]:
    found = []
    for layer in network.layers:
        if hasattr(layer, "layers"):
            found.extend(_table_sizes(layer))
        elif type(layer).__name__ == "Embedding":
            found.append(int(layer.input_dim))
    return found


def _write_keras(network: Any, path: Path) -> Callable[..., NDArray[np.float64]]:
    from automl_bridge_autokeras.forward import Forward
    from automl_bridge_autokeras.model_io import open_keras

    network.save(path / "model.keras")
    return Forward(open_keras(path / "model.keras"))


def _write_saved_model(network: Any, path: Path) -> Callable[..., NDArray[np.float64]]:
    import tensorflow as tf

    network.export(str(path / "saved_model"), format="tf_saved_model", verbose=False)
    served = tf.saved_model.load(str(path / "saved_model"))

    def ask(rows: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
        given = [tf.constant(array) for array in rows]
        return np.asarray(served.serve(given if len(given) > 1 else given[0]).numpy(), np.float64)

    return ask


def _write_onnx(network: Any, path: Path) -> Callable[..., NDArray[np.float64]]:
    try:
        runtime: Any = importlib.import_module("onnxruntime")
        from automl_bridge_autokeras.onnx_export import write_onnx
    except ImportError as error:
        raise MissingExtraError(
            f"writing ONNX needs onnx and onnxruntime ({error})", hint='pip install "automl-bridge[onnx]"'
        ) from error
    write_onnx(network, path / "model.onnx")
    session = runtime.InferenceSession(str(path / "model.onnx"), providers=["CPUExecutionProvider"])

    def ask(rows: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
        given = dict(zip((node.name for node in network.inputs), rows, strict=True))
        return np.asarray(session.run(None, given)[0], np.float64)

    return ask


def _described(loaded: LoadedModel, network: Any, form: str, difference: float) -> dict[str, Any]:
    metadata = loaded.metadata
    return {
        "format": form,
        "task": str(metadata.task),
        "target": list(metadata.target),
        "inputs": [
            {"name": node.name, "shape": ["rows", *map(int, node.shape[1:])], "type": str(node.dtype)}
            for node in network.inputs
        ],
        "outputs": "probabilities, in the order of classes" if metadata.profile.classes else "values of the targets",
        "classes": list(metadata.profile.classes),
        "raw_rows": "inputs.json says how rows become inputs; the bundle does it by itself",
        "checked": f"the same {_ROWS} rows, asked as {form} and in the bundle, differ by at most {difference:.2g}",
        "model": metadata.model,
        "versions": metadata.versions,
    }


def main(arguments: list[str]) -> int:
    """Convert, and print a JSON document: what was written, or the error."""
    bundle, path, form = arguments
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer: dict[str, Any] = {"done": convert(Path(bundle), Path(path), form)}
        except AutoMLBridgeError as error:
            answer = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    print(json.dumps(answer))  # noqa: T201 - the answer to the caller
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
