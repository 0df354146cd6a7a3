"""What a training pipeline and a batch prediction job have in common: states as simulated time goes by, and an end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_vertex.sandbox.fields import stamp

if TYPE_CHECKING:
    from concurrent.futures import Future

    from automl_bridge_vertex.sandbox.timeline import Timeline
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["FAILED", "INTERNAL", "QUEUED", "SUCCEEDED", "End", "Job"]

QUEUED, PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLING, CANCELLED = range(1, 8)  # of PipelineState and JobState
INTERNAL = (
    "INTERNAL: Internal error occurred. Please retry in a few minutes. "
    "If you still experience errors, contact Vertex AI."
)
_CAPACITY = "Resources are insufficient in region: {location}. Please try a different region or retry later."
_NO_BUDGET = "The train budget is insufficient to train a model for the given dataset."
_ENDS = {  # fate: state, code and message of the error
    FaultKind.JOB_FAILS: (FAILED, 13, INTERNAL),
    FaultKind.JOB_CAPACITY: (FAILED, 8, _CAPACITY),
    FaultKind.JOB_NO_CANDIDATE: (FAILED, 3, _NO_BUDGET),
    FaultKind.JOB_STOPS: (CANCELLED, 1, "CANCELED"),
}


class End(NamedTuple):
    """How a job ends: when, in which state, and the error's code (0: none) and message."""

    at: float
    state: int
    code: int = 0
    text: str = ""


class Job(ABC):
    """A job of the service: its message, moved on as the clock goes.

    Parameters
    ----------
    world
        What it lives in.
    made
        Its message, with its name.
    method
        The call that made it, which faults may be set for.
    """

    cancelling_seconds: ClassVar[float]
    timeline: Timeline
    work: Future[Any]

    def __init__(self, world: World, made: Any, method: str) -> None:
        self.world = world
        self.message = made
        self.name = str(made.name)
        self.created = world.clock.time()
        self.ended: float | None = None
        self.cancel_at: float | None = None
        self.fate = world.draw_fate(method)
        stamp(made.create_time, self.created)
        stamp(made.update_time, self.created)

    def settle(self, now: float) -> None:
        """Move on to ``now``; called under the world's lock."""
        if self.ended is not None:
            return
        elapsed, line = now - self.created, self.timeline
        end = self._due(now)
        if elapsed >= line.running and not self.message.HasField("start_time"):
            stamp(self.message.start_time, self.created + line.running)
        if end is not None:
            self._end(end)
        elif self.cancel_at is None:
            state = QUEUED if elapsed < line.pending else PENDING if elapsed < line.running else RUNNING
            if state != self.message.state:
                self.message.state = state
                stamp(self.message.update_time, now)

    def cancel(self, now: float) -> None:
        """Ask it to stop; one that has ended stays as it is."""
        if self.ended is None and self.cancel_at is None:
            self.cancel_at = now
            self.message.state = CANCELLING
            stamp(self.message.update_time, now)
            self.world.clock.run_until(now + self.cancelling_seconds)

    def _due(self, now: float) -> End | None:
        """Return how it has ended by ``now``, if it has."""
        if self.cancel_at is not None:
            at = self.cancel_at + self.cancelling_seconds
            return End(at, CANCELLED, 1, "CANCELED") if now >= at else None
        if self.fate is FaultKind.JOB_HANGS:
            return None
        if self.fate in _ENDS:
            state, code, text = _ENDS[self.fate]
            end = End(self.created + self._fails_after(), state, code, text.format(location=self.name.split("/")[3]))
        elif not self.work.done():
            return None
        elif (error := self.work.exception()) is None:
            end = End(self.created + self.timeline.end, SUCCEEDED)
        else:
            end = End(self.created + self.timeline.checked, FAILED, *self._problem(error))
        return end if now >= end.at else None

    def _fails_after(self) -> float:
        return (self.timeline.running + self.timeline.end) / 2

    def _end(self, end: End) -> None:
        self.ended = end.at
        self.message.state = end.state
        for field in (self.message.update_time, self.message.end_time):
            stamp(field, end.at)
        if end.code:
            self.message.error.code, self.message.error.message = end.code, end.text
        if end.state == SUCCEEDED:
            self._succeed(end.at)

    @abstractmethod
    def _problem(self, error: BaseException) -> tuple[int, str]:
        """Return code and message of the error for what went wrong in the work."""

    @abstractmethod
    def _succeed(self, at: float) -> None:
        """Write down what came of it."""
