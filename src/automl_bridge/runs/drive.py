"""One drive: the loop that steps runs, polls their jobs, and sleeps in between."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from automl_bridge.errors import StorageError, TransientError
from automl_bridge.runs.lease import Heartbeat, Owner
from automl_bridge.runs.polling import Polling
from automl_bridge.runs.steps import Driven, Steps
from automl_bridge.runs.transaction import LeaseLostError
from automl_bridge.runs.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.record import RunRecord

__all__ = ["Drive"]

# The store is looked at this often for runs of others and for wishes to stop, in seconds.
_GLANCE = 0.5


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
        self._troubles = Troubles(engine, self._owner)
        self._polling = Polling(engine, self._steps, self._troubles, self._on_change)
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
        return self._polling.poll(self._pending()) or moved

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
            if driven.run.cancelling or driven.run.capped:
                self._steps.cancel(driven)
            if driven.polled is not None:
                return False
            before = driven.run
            self._steps.take(driven)
        except TransientError as error:
            self._troubles.retry(driven, error)
            return False
        except LeaseLostError:
            driven.owned = False
            return False
        except Exception as error:  # noqa: BLE001 - what is not known goes through
            self._troubles.block(driven, error)
            return False
        driven.backoff.success()
        if driven.run.state is not before.state:
            self._on_change(driven.run)
            self._polling.pace(driven.run.backend).due = 0.0
        return True

    def _raise_blocked(self) -> None:
        blocked = [driven.blocked for driven in self._driven.values() if driven.blocked is not None]
        if blocked:
            raise blocked[0]

    def _pause(self, deadline: float | None) -> None:
        now = self._clock.now()
        dues = [self._glance_due]
        dues += [
            self._polling.pace(driven.run.backend).due if driven.polled else driven.backoff.due
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
