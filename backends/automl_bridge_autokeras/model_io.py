"""Bundles of AutoKeras models: ``model.keras`` (plain Keras opens it) and ``inputs.json`` (what goes before it).

Only a search that was ended before its first network leaves a bundle without ``model.keras``: a linear model, in JSON.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import BundleMetadata, read_bundle, read_bytes, write_bundle
from automl_bridge.errors import BundleError
from automl_bridge_autokeras.guard import LinearGuard, in_parts
from automl_bridge_autokeras.inputs import inputs_from_json
from automl_bridge_autokeras.inputs_custom import CustomForecastInputs
from automl_bridge_autokeras.inputs_forecast import ForecastInputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge_autokeras.inputs import Inputs

__all__ = ["LoadedModel", "TargetScale", "has_network", "open_keras", "save"]

_MODEL = "model.keras"
_INPUTS = "inputs.json"


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of each target over the training rows: the model learns (value - mean) / width.

    They are kept in double precision beside the model, which computes in single: a target of 10⁹ ± 1 stays one.
    """

    mean: NDArray[np.float64]
    width: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> TargetScale:
        """Fit to values of shape (rows, targets)."""
        mean = np.average(values, axis=0, weights=weights)
        width = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        return cls(mean, np.where(np.isfinite(width) & (width > 0), width, 1.0))

    def down(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Standardise."""
        return ((values - self.mean) / self.width).astype(np.float32)

    def up(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo it."""
        return outputs * self.width + self.mean


def save(path: Path, model: Any, inputs: Inputs, scale: TargetScale | None, metadata: BundleMetadata) -> BundleMetadata:
    """Write a bundle of ``model`` with all that goes before and after it.

    Parameters
    ----------
    path
        Its folder; a bundle that is there is replaced.
    model
        A Keras model, not compiled, the file that one was saved to, or a `LinearGuard`.
    inputs, scale
        What turns columns into its arrays, and its outputs into targets.
    metadata
        What else is to be known.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    target = None if scale is None else {"mean": scale.mean.tolist(), "width": scale.width.tolist()}
    document: dict[str, Any] = {"kind": inputs.kind, "inputs": inputs.to_json(), "target": target}
    if isinstance(model, LinearGuard):
        document["linear"] = model.to_json()
        return write_bundle(path, metadata=metadata, files={_INPUTS: json.dumps(document).encode()}, replace=True)
    content = json.dumps(document).encode()
    if isinstance(model, Path):
        return write_bundle(path, metadata=metadata, files={_MODEL: model, _INPUTS: content}, replace=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".model-") as folder:
        model.save(Path(folder) / _MODEL)
        files: dict[str, bytes | Path] = {_MODEL: Path(folder) / _MODEL, _INPUTS: content}
        return write_bundle(path, metadata=metadata, files=files, replace=True)


def has_network(path: Path) -> bool:
    """Whether the bundle at ``path`` needs Keras; nothing is checked yet."""
    return (path / _MODEL).exists()


class LoadedModel:
    """A bundle that is ready to predict; needs Keras, and AutoKeras only if its layers are in the network.

    Parameters
    ----------
    path
        Folder of the bundle; every file is checked.

    Raises
    ------
    BundleError
        If it is no bundle of this backend, or was damaged or altered.
    """

    def __init__(self, path: Path) -> None:
        self.metadata = read_bundle(path)
        if self.metadata.backend != "autokeras":
            raise BundleError(f"{path} was made by {self.metadata.backend}, not by autokeras")
        document = json.loads(read_bytes(path, self.metadata, _INPUTS))
        self.inputs = inputs_from_json(document["kind"], document["inputs"])
        target = document["target"]
        self.scale = None if target is None else TargetScale(np.array(target["mean"]), np.array(target["width"]))
        self.network: Any = None
        if "linear" in document:
            guard = LinearGuard.from_json(document["linear"])
            self.forward: Callable[..., NDArray[np.float64]] = lambda arrays: in_parts(
                guard, self.inputs.linear, arrays
            )
        else:
            self.network = _open_network(read_bytes(path, self.metadata, _MODEL))
            self.forward = _forward_of(self.network)

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict rows of the features; returns (rows, outputs) as in `Outcome.predictions`."""
        if isinstance(self.inputs, ForecastInputs | CustomForecastInputs):
            return self.inputs.predict(table, self.forward)
        outputs = self.forward(self.inputs.transform(table))
        return outputs if self.scale is None else self.scale.up(outputs)


def _forward_of(network: Any) -> Callable[..., NDArray[np.float64]]:
    from automl_bridge_autokeras.forward import Forward

    return Forward(network)


def _open_network(content: bytes) -> Any:
    # Keras opens files only; the bytes were checked, the file is ours.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _MODEL
        file.write_bytes(content)
        return open_keras(file)


def open_keras(file: Path) -> Any:
    """Open a ``.keras`` file in Keras' safe mode; AutoKeras is imported if its layers are in it."""
    import keras

    try:
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except (TypeError, ValueError) as error:
        if "autokeras" not in str(error) and "CastToFloat32" not in str(error) and "ExpandLastDim" not in str(error):
            raise
    importlib.import_module("autokeras")  # registers its layers
    return keras.models.load_model(file, compile=False, safe_mode=True)
