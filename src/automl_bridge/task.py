"""The tasks: what is learned, and from what."""

from __future__ import annotations

from enum import StrEnum

from automl_bridge.errors import UnknownNameError

__all__ = ["Task"]


class Task(StrEnum):
    """What a job learns. The values are what people type."""

    TABULAR_CLASSIFICATION = "tabular-classification"
    TABULAR_REGRESSION = "tabular-regression"
    IMAGE_CLASSIFICATION = "image-classification"
    IMAGE_REGRESSION = "image-regression"
    TEXT_CLASSIFICATION = "text-classification"
    TEXT_REGRESSION = "text-regression"
    FORECASTING = "forecasting"
    MULTIMODAL_CLASSIFICATION = "multimodal-classification"
    MULTIMODAL_REGRESSION = "multimodal-regression"

    @classmethod
    def parse(cls, value: str) -> Task:
        """Read a task's name; a wrong one raises `UnknownNameError` with the nearest."""
        try:
            return cls(str(value).strip().lower().replace("_", "-"))
        except ValueError:
            raise UnknownNameError.of("task", str(value), [str(task) for task in cls]) from None

    @property
    def is_classification(self) -> bool:
        """Whether the target is one of a set of classes."""
        return self.value.endswith("classification")

    @property
    def is_regression(self) -> bool:
        """Whether the target is a number per row (forecasting is not: it is a number per step)."""
        return self.value.endswith("regression")
