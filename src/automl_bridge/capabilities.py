"""What a backend can do, as data: supported, or the reason why not."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from automl_bridge.errors import UnsupportedError
from automl_bridge.spec import Frozen
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec

__all__ = ["Capabilities", "Feature"]


class Feature(StrEnum):
    """What a job may ask for beyond its task."""

    PROBABILITIES = "probabilities"
    SAMPLE_WEIGHTS = "sample weights"
    MAX_TIME = "max_time"
    MAX_TRIALS = "max_trials"
    GUARANTEED_CAP = "guaranteed cost cap"
    CANCEL = "cancel"
    RESUME = "resume"
    EXPORT = "export"
    LOCAL_PREDICTION = "local prediction"
    REPRODUCIBLE = "reproducible by seed"


class Capabilities(Frozen):
    """What a backend can do.

    Parameters
    ----------
    tasks, features
        For each task and feature: None if it is supported, else the reason why not, as a sentence.
        What is left out is not supported, for the reason ``default_reason``.
    """

    tasks: dict[Task, str | None]
    features: dict[Feature, str | None] = Field(default_factory=dict)
    default_reason: str = "not offered by this backend"

    def reason(self, wanted: Task | Feature) -> str | None:
        """Return None if ``wanted`` is supported, else the reason why not."""
        if isinstance(wanted, Task):
            return self.tasks.get(wanted, self.default_reason)
        return self.features.get(wanted, self.default_reason)

    def supports(self, wanted: Task | Feature) -> bool:
        """Whether ``wanted`` is supported."""
        return self.reason(wanted) is None

    def require(self, backend: str, wanted: Task | Feature) -> None:
        """Raise `UnsupportedError` with the reason unless ``wanted`` is supported."""
        reason = self.reason(wanted)
        if reason is not None:
            able = [str(task) for task, why in self.tasks.items() if why is None]
            hint = f"{backend} does {', '.join(able)}" if isinstance(wanted, Task) else None
            raise UnsupportedError(f"{backend} does not support {wanted}: {reason}", hint=hint)

    def refuse_continuing(self, backend: str, spec: JobSpec) -> None:
        """Raise `UnsupportedError` with the reason if ``spec`` goes on from another run's trials and it cannot."""
        reason = self.reason(Feature.RESUME)
        if spec.continues is not None and reason is not None:
            raise UnsupportedError(f"{backend} cannot continue {spec.continues}: {reason}", hint="start a new run")
