"""Data of one task as a person has them, in memory and in files; each kind of data has a module that makes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from automl_bridge.data.build import build_dataset, build_predict_dataset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec, Profile
    from automl_bridge.task import Task

__all__ = ["TARGET", "Sample"]

TARGET = "the target"
"""Name of the column to learn, where it is a column."""


@dataclass(frozen=True)
class Sample(ABC):
    """Some items of a task's data: rows, pictures, texts, or whole series.

    Parameters
    ----------
    source
        What they are in memory.
    truth
        What is to be learned of each, in the type that labels have; None where the source has it.
    """

    source: Any
    truth: Any = None
    steps: ClassVar[int] = 1
    """Rows of outputs that an item gets."""
    ordered: ClassVar[bool] = True
    """Whether outputs come in the order of the items; those of series are sorted, whatever the order was."""

    def dataset(self, task: Task, **options: Any) -> Dataset:
        """Return them as data to train on; ``options`` are those of `build_dataset`."""
        given = {"target": TARGET} if self.truth is None else {"y": self.truth}
        return build_dataset(self.source, task=task, **given, **options)[1]

    def question(self, profile: Profile, forecast: ForecastSpec | None = None) -> Dataset:  # noqa: ARG002 - for series
        """Return them as data to predict, to a model that was trained on ``profile``."""
        return self.asked(self.source, profile, None)

    @staticmethod
    def asked(source: Any, profile: Profile, forecast: ForecastSpec | None) -> Dataset:
        """Read raw data to predict, in memory or a path."""
        if forecast is None:
            return build_predict_dataset(source, profile)
        from automl_bridge.data.series_predict import build_series_predict_dataset

        return build_series_predict_dataset(source, profile, forecast, None)

    @abstractmethod
    def take(self, items: Sequence[int]) -> Sample:
        """Return items by their number, in that order."""

    @abstractmethod
    def written(self, folder: Path) -> Path:
        """Write them into ``folder`` as people keep them, without the truth, and return what is to be named."""

    @abstractmethod
    def odd(self) -> Sample:
        """Return what these items may come to look like: new levels and series, no text, other sizes, gaps."""
