"""What the containers answer: one line a record, with the keys that their environment selects.

Source: developer guide, "Configure inference output in generated containers"
(autopilot-automate-model-development-container-output).
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["InferenceError", "lines_of", "response_keys"]

KEYS = ("predicted_label", "probability", "probabilities", "labels")
OUTPUT, INPUT, SUPPORTED = "SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_INFERENCE_INPUT", "SAGEMAKER_INFERENCE_SUPPORTED"


class InferenceError(ValueError):
    """A container does not answer: what a client sees as a failed transform job."""


def response_keys(containers: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys of a response, as the containers' environments select them.

    Raises
    ------
    InferenceError
        For a key that a container does not support, or an input that the container before does not give.
    """
    asked = [_selected(container.get("Environment", {}), OUTPUT) for container in containers]
    if len(containers) < 3:
        return asked[-1] or ["predicted_label"]
    algorithm, last = asked[1] or ["predicted_label"], asked[2] or ["predicted_label"]
    given = _selected(containers[2].get("Environment", {}), INPUT) or ["predicted_label"]
    if given != algorithm:
        raise InferenceError(f"{INPUT} of the third container is {given}, the second one gives {algorithm}")
    missing = [key for key in last if key not in given and key != "labels"]
    if missing:
        raise InferenceError(f"the third container is asked for {missing}, which it is not given")
    return last


def _selected(environment: dict[str, str], name: str) -> list[str]:
    keys = [key.strip() for key in environment.get(name, "").split(",") if key.strip()]
    supported = [key.strip() for key in environment.get(SUPPORTED, "").split(",") if key.strip()]
    wrong = [key for key in keys if key not in KEYS or (name == OUTPUT and supported and key not in supported)]
    if wrong:
        raise InferenceError(f"{name} asks for {wrong}; supported: {supported or list(KEYS)}")
    return keys


def lines_of(outputs: NDArray[np.float64], labels: Sequence[str], keys: Sequence[str], *, positive: bool) -> list[str]:
    """Return a CSV line for each row of outputs, without the line's end.

    ``positive``: `probability` is that of the second label (HPO, binary), not that of the predicted one.
    """
    if not labels:
        return [repr(float(value)) for value in outputs]
    lines = []
    for row in outputs:
        best = int(row.argmax())
        values = {
            "predicted_label": labels[best],
            "probability": float(row[1] if positive and len(labels) == 2 else row[best]),
            "probabilities": json.dumps([float(value) for value in row]),
            "labels": str(list(labels)),
        }
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([values[key] for key in keys])
        lines.append(buffer.getvalue())
    return lines
