"""Asking backends how far jobs are, and taking in what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Failure, JobState
from automl_bridge.errors import TransientError
from automl_bridge.runs.pace import Pace
from automl_bridge.runs.record import JobStage
from automl_bridge.runs.retry import Backoff
from automl_bridge.runs.states import RunState
from automl_bridge.runs.transaction import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl_bridge.backend import JobRef, Progress
    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.runs.steps import Driven, Steps
    from automl_bridge.runs.troubles import Troubles

__all__ = ["Polling"]

# How long a job may be missing from the service's answers before it is looked for by name, in seconds.
_MISSING_LOCAL, _MISSING_REMOTE = 2.0, 60.0


class Polling:
    """Polls the jobs of one drive: many jobs of a backend in one call.

    Parameters
    ----------
    engine, steps, troubles
        Of the drive.
    on_change
        Called with a run whose record has changed.
    """

    def __init__(
        self, engine: Engine, steps: Steps, troubles: Troubles, on_change: Callable[[RunRecord], None]
    ) -> None:
        self._engine = engine
        self._clock = engine.clock
        self._steps = steps
        self._troubles = troubles
        self._on_change = on_change
        self._paces: dict[str, Pace] = {}
        self._errors: dict[str, Backoff] = {}

    def pace(self, backend: str) -> Pace:
        """Return how often to ask a backend."""
        if backend not in self._paces:
            self._paces[backend] = Pace.of(local=self._engine.is_local(backend))
        return self._paces[backend]

    def poll(self, pending: Sequence[Driven]) -> bool:
        """Ask each backend that is due how far all its jobs are, in one call; returns whether there was any news."""
        waiting: dict[str, list[Driven]] = {}
        for driven in pending:
            if driven.owned and driven.polled is not None:
                waiting.setdefault(driven.run.backend, []).append(driven)
        changed = False
        for backend, group in waiting.items():
            if self.pace(backend).due <= self._clock.now():
                changed |= self._poll_backend(backend, group)
        return changed

    def _poll_backend(self, backend: str, group: list[Driven]) -> bool:
        pace, began = self.pace(backend), self._clock.now()
        errors = self._errors.setdefault(backend, Backoff())
        try:
            answers = self._engine.backend(backend).poll([_ref(driven) for driven in group])
        except TransientError as error:
            if not errors.failure(error, began):
                for driven in group:
                    driven.blocked = error
            pace.due = errors.due
            return False
        except Exception as error:  # noqa: BLE001 - likewise
            for driven in group:
                self._troubles.block(driven, error)
            return False
        errors.success()
        changed = self._take_in(group, answers)
        pace.polled(began, self._clock.now(), changed=changed)
        return changed

    def _take_in(self, group: list[Driven], answers: Mapping[JobRef, Progress]) -> bool:
        changed = False
        for driven in group:
            progress = answers.get(_ref(driven))
            try:
                if progress is None:
                    changed |= self._missing(driven)
                else:
                    driven.missing_since = None
                    changed |= self._advance(driven, progress)
            except LeaseLostError:
                driven.owned = False
        return changed

    def _advance(self, driven: Driven, progress: Progress) -> bool:
        """Note what the service says of a job; returns whether it was anything new."""
        job = driven.polled
        assert job is not None
        if job.kind == "predict":
            if progress.state.is_final:
                self._steps.write(driven, job=job.model_copy(update={"stage": JobStage.ENDED}))
            return progress.state.is_final
        if progress == driven.run.progress:
            return self._within_cap(driven, progress)
        log = _trial_ended(driven.run.progress, progress)
        if progress.state.is_final:
            ended = job.model_copy(update={"stage": JobStage.ENDED})
            self._steps.write(driven, job=ended, state=RunState.COLLECTING, progress=progress, log=log)
        else:
            self._steps.write(driven, progress=progress, log=log)
            self._within_cap(driven, progress)
        self._on_change(driven.run)
        return True

    def _within_cap(self, driven: Driven, progress: Progress) -> bool:
        """Stop a job that nears its watched cap; returns whether it was. That is written down before it is done."""
        why = self._engine.watch.reason(driven.run, progress, self._clock.now())
        if why is None:
            return False
        self._steps.write(driven, capped=True, notes=(*driven.run.notes, why), log=("note", why))
        try:
            self._steps.cancel(driven)
        except LeaseLostError:
            raise
        except TransientError as error:
            # The wish is written down: the next step asks again.
            self._troubles.retry(driven, error)
        except Exception as error:  # noqa: BLE001 - likewise
            self._troubles.block(driven, error)
        return True

    def _missing(self, driven: Driven) -> bool:
        """Deal with a job that the service does not list: lists lag, so its name decides, after a while."""
        now = self._clock.now()
        if driven.missing_since is None:
            driven.missing_since = now
        local = self._engine.is_local(driven.run.backend)
        job = driven.polled
        assert job is not None
        if now - driven.missing_since < (_MISSING_LOCAL if local else _MISSING_REMOTE):
            return False
        try:
            found = self._engine.backend(driven.run.backend).find(job.plan or driven.run.plan)
        except TransientError as error:
            self._troubles.retry(driven, error)
            return False
        driven.missing_since = now
        if found is not None:
            return False
        message = f"{driven.run.backend} no longer knows the job {job.name}"
        if job.kind == "predict":
            note = f"the holdout could not be scored: {message}"
            self._steps.write(driven, state=RunState.CLEANING, notes=(*driven.run.notes, note))
        else:
            failure = Failure(kind="service", message=message)
            self._steps.write(driven, state=RunState.CLEANING, failure=failure, log=("error", message))
        self._on_change(driven.run)
        return True


def _ref(driven: Driven) -> JobRef:
    job = driven.polled
    assert job is not None
    assert job.ref is not None
    return job.ref


def _trial_ended(old: Progress | None, new: Progress) -> tuple[str, str] | None:
    """Return the event of the trials that have ended since."""
    known = {trial.id for trial in old.trials if trial.state.is_final} if old else set()
    ended = [trial for trial in new.trials if trial.state.is_final and trial.id not in known]
    if not ended:
        return None
    words = (
        f"{trial.id} {trial.model}: {trial.message or 'failed' if trial.state is JobState.FAILED else trial.score}"
        for trial in ended
    )
    return ("trial", "; ".join(words))
