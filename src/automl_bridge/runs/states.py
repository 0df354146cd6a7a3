"""The states of a run, and which transitions exist.

::

    CREATED ─► STAGING ─► SUBMITTING ─► RUNNING ─► COLLECTING ─► SCORING ─► CLEANING ─► SUCCEEDED
       │          │            │           │           │                       ▲    ├─► FAILED
       └──────────┴────────────┴───────────┴───────────┴───────────────────────┘    └─► CANCELLED

Every run passes through CLEANING, however it ends: what it created and no longer needs is deleted there.
A state is written down before its work is begun, and each piece of work may be done again; so a process that
dies in any state leaves a run that another one finishes.
"""

from __future__ import annotations

from enum import StrEnum

from automl_bridge.errors import StateError

__all__ = ["RunState"]


class RunState(StrEnum):
    """Where a run stands."""

    CREATED = "created"
    """Written down; nothing was sent."""
    STAGING = "staging"
    """The data is being put where the service reads it."""
    SUBMITTING = "submitting"
    """The job is being started; it may or may not exist."""
    RUNNING = "running"
    """The job exists and has not ended, as far as is known."""
    COLLECTING = "collecting"
    """The job has ended; its outcome is being fetched."""
    SCORING = "scoring"
    """The model predicts the holdout, by a job of its own."""
    CLEANING = "cleaning"
    """How it ends is settled; temporary resources are being deleted."""
    SUCCEEDED = "succeeded"
    """There is a model."""
    FAILED = "failed"
    """There is none, and the record's failure says why."""
    CANCELLED = "cancelled"
    """It was stopped by hand; the best model so far is kept, if there was one."""

    @property
    def is_final(self) -> bool:
        """Whether it stays like that."""
        return self not in _NEXT

    @property
    def is_submitted(self) -> bool:
        """Whether a job exists, or existed, or never will."""
        return self not in {RunState.CREATED, RunState.STAGING, RunState.SUBMITTING}

    def to(self, state: RunState) -> RunState:
        """Return ``state`` if it may follow this one.

        Raises
        ------
        StateError
            If it may not.
        """
        allowed = _NEXT.get(self, frozenset())
        if state not in allowed:
            names = ", ".join(sorted(allowed)) or "nothing: it has ended"
            raise StateError(f"a run that is {self} cannot become {state}", hint=f"what may follow {self}: {names}")
        return state


_NEXT: dict[RunState, frozenset[RunState]] = {
    RunState.CREATED: frozenset({RunState.STAGING, RunState.CLEANING}),
    RunState.STAGING: frozenset({RunState.SUBMITTING, RunState.CLEANING}),
    RunState.SUBMITTING: frozenset({RunState.RUNNING, RunState.CLEANING}),
    RunState.RUNNING: frozenset({RunState.COLLECTING, RunState.CLEANING}),
    RunState.COLLECTING: frozenset({RunState.SCORING, RunState.CLEANING}),
    RunState.SCORING: frozenset({RunState.CLEANING}),
    RunState.CLEANING: frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}),
}
