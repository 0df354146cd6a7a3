"""Predictions of a bundle from a process of its own, so that the caller never loads TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.local.process import Child

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["ChildPredictor"]


class ChildPredictor:
    """A `Predictor` over a warm child process; loading begins at once, the first call waits for it.

    Parameters
    ----------
    path
        Folder of the bundle.
    env
        Variables for the child.
    """

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self._child = Child("automl_bridge_autokeras.worker:serve", {"path": str(path)}, env=env)

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict rows of the features; returns (rows, outputs) as in `Outcome.predictions`."""
        return self._child.call(table)

    def close(self) -> None:
        """End the process; may be called twice."""
        self._child.close()
