"""One drive: the loop that steps runs, polls their jobs, and sleeps in between."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from automl_bridge.backend import Failure, JobState
from automl_bridge.errors import StorageError, TransientError
from automl_bridge.runs.jobs import full_disk
from automl_bridge.runs.lease import Heartbeat, Owner
from automl_bridge.runs.pace import Pace
from automl_bridge.runs.record import JobStage
from automl_bridge.runs.retry import Backoff
from automl_bridge.runs.states import RunState
from automl_bridge.runs.steps import Driven, Steps
from automl_bridge.runs.store import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl_bridge.backend import JobRef, Progress
    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.record import RunRecord

__all__ = ["Drive"]

# The store is looked at this often for runs of others and for wishes to stop, in seconds.
_GLANCE = 0.5
# How long a job may be missing from the service's answers before it is looked for by name, in seconds.
_MISSING_LOCAL, _MISSING_REMOTE = 2.0, 60.0


class Drive:
    """Brings runs on; made by `Engine.drive`."""

    def __init__(
        self,
        engine: Engine,
        ids: Sequence[str],
        until: Callable[[RunRecord], bool],
        on_change: Callable[[RunRecord], None] | None,
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._until = until
        self._on_change = on_change or (lambda _: None)
        self._ids = list(dict.fromkeys(ids))
        self._owner = Owner.new()
        self._steps = Steps(engine, self._owner)
        self._driven: dict[str, Driven] = {}
        self._paces: dict[str, Pace] = {}
        self._poll_errors: dict[str, Backoff] = {}
        self._glance_due = 0.0

    def loop(self, timeout: float | None) -> list[RunRecord]:
        """Drive until all are done, blocked, or the time is over; leases are given back in any case."""
        deadline = None if timeout is None else self._clock.now() + timeout
        try:
            self._read(self._ids)
            with Heartbeat(lambda: self._store.renew(self._owner, self._clock.now())):
                while self._pending() and (deadline is None or self._clock.now() < deadline):
                    if not self._round():
                        self._pause(deadline)
        finally:
            self._give_back()
        self._raise_blocked()
        return [self._driven[run].run for run in self._ids]

    def once(self) -> None:
        """Take what is free and do all that can be done now, polling included."""
        try:
            self._read(self._ids)
            self._round()
        finally:
            self._give_back()
        self._raise_blocked()

    def _round(self) -> bool:
        """Do all that can be done now; returns whether there was anything."""
        self._glance()
        moved = False
        for driven in self._pending():
            while driven.owned and self._is_pending(driven) and self._step(driven):
                moved = True
        return self._poll() or moved

    def _is_pending(self, driven: Driven) -> bool:
        return driven.blocked is None and not driven.run.state.is_final and not self._until(driven.run)

    def _pending(self) -> list[Driven]:
        return [driven for driven in self._driven.values() if self._is_pending(driven)]

    def _read(self, ids: Sequence[str]) -> None:
        found = self._store.get_many(ids)
        all_jobs = self._store.jobs_of(list(found))
        for run_id, run in found.items():
            jobs = {job.kind: job for job in all_jobs.get(run_id, ()) if job.name in {run.name, f"{run.name}-h"}}
            known = self._driven.get(run_id)
            fresh = Driven(run, jobs["train"], jobs.get("predict"), owned=known is not None and known.owned)
            if known is not None:
                fresh.backoff = known.backoff
            self._driven[run_id] = fresh

    def _glance(self) -> None:
        """Take what is free, and read what others have changed."""
        now = self._clock.now()
        if now < self._glance_due:
            return
        self._glance_due = now + _GLANCE
        pending = self._pending()
        free = [driven.run.id for driven in pending if not driven.owned]
        if free:
            self._take(free, now)
        stamps = self._store.stamps([driven.run.id for driven in pending])
        for run_id, (updated, cancelling) in stamps.items():
            driven = self._driven[run_id]
            if driven.owned and cancelling and not driven.run.cancelling:
                driven.run = driven.run.model_copy(update={"cancelling": True})
            elif not driven.owned and updated != driven.run.updated.timestamp():
                self._read([run_id])
                self._on_change(self._driven[run_id].run)

    def _take(self, ids: list[str], now: float) -> None:
        known = {run_id: self._driven[run_id].run.updated for run_id in ids}
        taken = self._store.acquire(ids, self._owner, now)
        if taken:
            self._read([run_id for run_id in ids if run_id in taken])
        for run_id in taken:
            driven = self._driven[run_id]
            driven.owned = True
            if driven.run.updated != known[run_id]:
                self._on_change(driven.run)
        self._engine.boundary("leased")

    def _step(self, driven: Driven) -> bool:
        """Take the next step of a run; returns whether there is more to do at once."""
        if driven.backoff.due > self._clock.now():
            return False
        try:
            if driven.run.cancelling:
                self._steps.cancel(driven)
            if driven.polled is not None:
                return False
            before = driven.run
            self._steps.take(driven)
        except TransientError as error:
            self._retry(driven, error)
            return False
        except LeaseLostError:
            driven.owned = False
            return False
        except Exception as error:  # noqa: BLE001 - what is not known goes through
            self._block(driven, error)
            return False
        driven.backoff.success()
        if driven.run.state is not before.state:
            self._on_change(driven.run)
            self._pace(driven.run.backend).due = 0.0
        return True

    def _retry(self, driven: Driven, error: TransientError) -> None:
        now = self._clock.now()
        again = driven.backoff.failure(error, now)
        with self._store.transaction(now, self._owner) as transaction:
            transaction.event(driven.run.id, "retry" if again else "error", f"{driven.run.state}: {error}")
        if not again:
            driven.backoff.success()
            driven.blocked = error

    def _block(self, driven: Driven, error: Exception) -> None:
        """Leave a run as it is, for a cause that its caller can mend; anything else is a bug and goes through."""
        known: Exception | None = error
        if isinstance(error, OSError):
            known = full_disk(error, self._engine.home)
        elif not hasattr(error, "hint"):
            known = None
        if known is None:
            raise error
        driven.blocked = known
        if not isinstance(known, StorageError):
            with self._store.transaction(self._clock.now(), self._owner) as transaction:
                transaction.event(driven.run.id, "error", f"{driven.run.state}: {known}")

    def _raise_blocked(self) -> None:
        blocked = [driven.blocked for driven in self._driven.values() if driven.blocked is not None]
        if blocked:
            raise blocked[0]

    def _pace(self, backend: str) -> Pace:
        if backend not in self._paces:
            self._paces[backend] = Pace.of(local=self._engine.is_local(backend))
        return self._paces[backend]

    def _poll(self) -> bool:
        """Ask each backend that is due how far all its jobs are, in one call."""
        waiting: dict[str, list[Driven]] = {}
        for driven in self._pending():
            if driven.owned and driven.polled is not None:
                waiting.setdefault(driven.run.backend, []).append(driven)
        changed = False
        for backend, group in waiting.items():
            if self._pace(backend).due <= self._clock.now():
                changed |= self._poll_backend(backend, group)
        return changed

    def _poll_backend(self, backend: str, group: list[Driven]) -> bool:
        pace, began = self._pace(backend), self._clock.now()
        errors = self._poll_errors.setdefault(backend, Backoff())
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
                self._block(driven, error)
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
            return False
        log = _trial_ended(driven.run.progress, progress)
        if progress.state.is_final:
            ended = job.model_copy(update={"stage": JobStage.ENDED})
            self._steps.write(driven, job=ended, state=RunState.COLLECTING, progress=progress, log=log)
        else:
            self._steps.write(driven, progress=progress, log=log)
        self._on_change(driven.run)
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
            self._retry(driven, error)
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

    def _pause(self, deadline: float | None) -> None:
        now = self._clock.now()
        dues = [self._glance_due]
        dues += [
            self._pace(driven.run.backend).due if driven.polled else driven.backoff.due
            for driven in self._pending()
            if driven.owned
        ]
        if deadline is not None:
            dues.append(deadline)
        self._clock.sleep(max(0.001, min(dues) - now))

    def _give_back(self) -> None:
        self._owner.close()
        if any(driven.owned and not driven.run.state.is_final for driven in self._driven.values()):
            # If the store cannot be reached, the lease runs out by itself.
            with suppress(StorageError):
                self._store.release(self._owner)


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
