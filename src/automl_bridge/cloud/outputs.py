"""Predictions that came back from a service: whether they can be what they are said to be, and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["check_probabilities", "keep"]

TOLERANCE = 1e-6
"""So much a probability may lie outside of 0 to 1: rounding."""
SUM_TOLERANCE = 0.01
"""So much the probabilities of a row may lie beside 1, and as much again for every hundred classes: they come as text,
with as many digits as the service likes."""


def check_probabilities(outputs: NDArray[np.float64], source: str) -> None:
    """Raise `BackendError` unless each row holds probabilities: numbers from 0 to 1 that come to 1.

    Parameters
    ----------
    outputs
        Shape (rows, classes).
    source
        Who answered, for the message: ``the transform job``.
    """
    import numpy as np

    if not np.isfinite(outputs).all():
        raise BackendError(f"{source} answered with values that are no numbers")
    if (outputs < -TOLERANCE).any() or (outputs > 1 + TOLERANCE).any():
        raise BackendError(f"{source} answered with probabilities that are not between 0 and 1")
    wrong = np.abs(outputs.sum(axis=1) - 1) > SUM_TOLERANCE * (1 + outputs.shape[1] / 100)
    if wrong.any():
        row = int(wrong.argmax())
        total = outputs[row].sum()
        raise BackendError(f"{source} answered row {row} with probabilities that come to {total:.4g}, not 1")


def keep(outputs: NDArray[np.float64], workspace: Path, name: str) -> Path:
    """Write the predictions of the job ``name`` to a file of NumPy's, whole or not at all; returns where it is."""
    import os

    import numpy as np

    folder = workspace / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}.npy"
    np.save(partial, outputs, allow_pickle=False)
    return partial.replace(folder / f"{name}.npy")
