"""Transaction: changes of the store that are kept together, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import StateError
from automl_bridge.runs.lease import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from automl_bridge.runs.lease import Owner
    from automl_bridge.runs.record import JobRecord, ResourceRecord, RunRecord

__all__ = ["LeaseLostError", "Transaction"]


class LeaseLostError(StateError):
    """Another process has taken the run over; nothing was written."""


class Transaction:
    """Changes that are kept together; made by `RunStore.transaction`."""

    def __init__(self, connection: Connection, now: float, owner: Owner | None) -> None:
        self._connection = connection
        self._now = now
        self._owner = owner

    def add(self, run: RunRecord, jobs: Iterable[JobRecord], resources: Iterable[ResourceRecord] = ()) -> None:
        """Write down a new run."""
        from automl_bridge.runs.rows import run_row
        from automl_bridge.runs.tables import runs

        row = run_row(run)
        if self._owner:
            row |= {"owner": self._owner.to_json(), "lease": self._now + LEASE_SECONDS}
        self._connection.execute(runs.insert().values(**row))
        for job in jobs:
            self.put_job(job, new=True)
        self.add_resources(resources)
        self.event(run.id, "state", str(run.state))

    def update(self, old: RunRecord, new: RunRecord) -> None:
        """Write what differs between two records of a run.

        Raises
        ------
        LeaseLostError
            If the run's lease is no longer the owner's.
        StateError
            If the run has no such transition.
        """
        from sqlalchemy import update

        from automl_bridge.runs.rows import run_row
        from automl_bridge.runs.tables import runs

        changed = {name for name in type(new).model_fields if getattr(old, name) is not getattr(new, name)}
        # It is set by whoever asks, and never by the driver.
        row = run_row(new, changed - {"cancelling"})
        if new.state is not old.state:
            old.state.to(new.state)
            self.event(new.id, "state", str(new.state))
        if new.state.is_final:
            row |= {"owner": None, "lease": 0.0}
        held = runs.c.owner == (self._owner.to_json() if self._owner else None)
        if self._connection.execute(update(runs).where(runs.c.id == new.id, held).values(**row)).rowcount != 1:
            raise LeaseLostError(f"run {new.id} was taken over by another process")

    def put_job(self, job: JobRecord, *, new: bool = False) -> None:
        """Write a job down, or what has become of it."""
        from sqlalchemy import update

        from automl_bridge.runs.rows import job_row
        from automl_bridge.runs.tables import jobs

        row = job_row(job)
        if new:
            self._connection.execute(jobs.insert().values(**row))
        else:
            row.pop("plan")
            self._connection.execute(update(jobs).where(jobs.c.name == job.name).values(**row))

    def add_resources(self, resources: Iterable[ResourceRecord]) -> None:
        """Write down what will be created; what is written down already stays as it is."""
        from sqlalchemy import select

        from automl_bridge.runs.rows import resource_row
        from automl_bridge.runs.tables import resources as table

        for resource in resources:
            same = (table.c.run == resource.run, table.c.kind == resource.kind, table.c.name == resource.name)
            if self._connection.execute(select(table.c.run).where(*same)).first() is None:
                self._connection.execute(table.insert().values(**resource_row(resource)))

    def mark_resources(self, run: str, state: str, *, job: str | None = None, name: str | None = None) -> None:
        """Set the state of a run's resources: of one job's, of one name, or of all."""
        from sqlalchemy import update

        from automl_bridge.runs.tables import resources

        query = update(resources).where(resources.c.run == run)
        if job is not None:
            query = query.where(resources.c.job == job)
        if name is not None:
            query = query.where(resources.c.name == name)
        self._connection.execute(query.values(state=str(state)))

    def event(self, run: str, kind: str, message: str) -> None:
        """Add a line to a run's log."""
        from automl_bridge.runs.tables import events

        self._connection.execute(events.insert().values(run=run, time=self._now, kind=kind, message=message))
