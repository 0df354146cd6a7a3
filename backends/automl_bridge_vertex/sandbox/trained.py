"""What a training leaves: the served model, the evaluation, the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_bridge.sandbox.trainers import Model
    from automl_bridge_vertex.sandbox.forecaster import Forecaster

__all__ = ["Trained"]


@dataclass
class Trained:
    """A trained model.

    Parameters
    ----------
    model
        The served one: fitted again on all rows, those of the test set among them (VX pages say so).
    labels
        Classes; empty for numbers.
    metrics
        Of the model before it was fitted again, on the test set; as the metrics schema of its problem names them.
    schema
        Name of that schema.
    counts
        Items of training, validation and test set.
    columns
        What batch prediction needs to know of the table.
    """

    model: Model | Forecaster
    labels: list[str]
    metrics: dict[str, Any]
    schema: str
    counts: tuple[int, int, int]
    columns: dict[str, Any] = field(default_factory=dict)
