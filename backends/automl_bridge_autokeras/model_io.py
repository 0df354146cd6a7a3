"""Bundles of AutoKeras models: ``model.keras`` (plain Keras opens it) and ``inputs.json`` (what goes before it).

Only a search that was ended before its first network leaves a bundle without ``model.keras``: a linear model, in JSON.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import BundleMetadata, read_bundle, read_bytes, write_bundle
from automl_bridge.errors import BundleError
from automl_bridge_autokeras.guard import LinearGuard
from automl_bridge_autokeras.inputs_tabular import TableInputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["LoadedModel", "TargetScale", "save"]

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


def save(
    path: Path, model: Any, inputs: TableInputs, scale: TargetScale | None, metadata: BundleMetadata
) -> BundleMetadata:
    """Write a bundle of ``model`` with all that goes before and after it.

    Parameters
    ----------
    path
        Its folder; a bundle that is there is replaced.
    model
        A Keras model, not compiled, or a `LinearGuard`.
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
    document: dict[str, Any] = {"kind": "table", "inputs": inputs.to_json(), "target": target}
    if isinstance(model, LinearGuard):
        document["linear"] = model.to_json()
        return write_bundle(path, metadata=metadata, files={_INPUTS: json.dumps(document).encode()}, replace=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".model-") as folder:
        model.save(Path(folder) / _MODEL)
        files: dict[str, bytes | Path] = {_MODEL: Path(folder) / _MODEL, _INPUTS: json.dumps(document).encode()}
        return write_bundle(path, metadata=metadata, files=files, replace=True)


class LoadedModel:
    """A bundle that is ready to predict; needs Keras, not AutoKeras.

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
        self._inputs = TableInputs.from_json(document["inputs"])
        target = document["target"]
        self._scale = None if target is None else TargetScale(np.array(target["mean"]), np.array(target["width"]))
        if "linear" in document:
            self._forward: Callable[..., NDArray[np.float64]] = LinearGuard.from_json(document["linear"]).predict
        else:
            self._forward = _open_network(read_bytes(path, self.metadata, _MODEL))

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict rows of the features; returns (rows, outputs) as in `Outcome.predictions`."""
        outputs = self._forward(self._inputs.transform(table))
        return outputs if self._scale is None else self._scale.up(outputs)


def _open_network(content: bytes) -> Callable[..., NDArray[np.float64]]:
    import keras

    from automl_bridge_autokeras.forward import Forward

    # Keras opens files only; the bytes were checked, the file is ours.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _MODEL
        file.write_bytes(content)
        return Forward(keras.models.load_model(file, compile=False, safe_mode=True))
