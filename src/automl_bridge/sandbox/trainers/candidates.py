"""A candidate model with its scores, and the error for data that none can be trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_bridge.sandbox.trainers.models import Model
    from automl_bridge.sandbox.trainers.series import SeriesModel

__all__ = ["Candidate", "UnusableDataError"]


class UnusableDataError(ValueError):
    """No model can be trained on this data; the message says why."""


@dataclass
class Candidate:
    """One trained model.

    Parameters
    ----------
    algorithm, params
        What it is.
    model
        The trained model.
    train, validation
        Scores by name, see `automl_bridge.sandbox.trainers.measures`.
    """

    algorithm: str
    model: Model | SeriesModel
    params: dict[str, object] = field(default_factory=dict)
    train: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The model as files; written once however many jobs share it."""
        return self.model.files()
