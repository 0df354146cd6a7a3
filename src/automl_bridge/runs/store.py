"""RunStore: runs, their jobs, resources and events, in SQLite or PostgreSQL.

Every change of a run is fenced: it is written only while the writer holds the run's lease, else nothing of it is.
Reading never writes, and finds an empty store where there is none.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import UnknownNameError, UsageError
from automl_bridge.runs.database import Database
from automl_bridge.runs.lease import LEASE_SECONDS, is_dead
from automl_bridge.runs.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Table

    from automl_bridge.runs.lease import Owner
    from automl_bridge.runs.record import Event, JobRecord, ResourceRecord, RunRecord

__all__ = ["RunStore"]

_CHUNK = 500
_AMBIGUOUS_SHOWN = 12


class RunStore:
    """The store at a SQLAlchemy URL; opened when it is first used.

    Parameters
    ----------
    url
        ``sqlite:///path`` or ``postgresql://user@host/name``.

    Raises
    ------
    ConfigError
        If the URL cannot be read.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def close(self) -> None:
        """Close all connections; the next use opens it again."""
        self.database.close()

    @contextmanager
    def transaction(self, now: float, owner: Owner | None = None, *, durable: bool = False) -> Iterator[Transaction]:
        """Give a transaction: all its changes are kept, or none.

        Parameters
        ----------
        now
            The time, in seconds since the epoch.
        owner
            Whose leases guard the changes; None only to create runs that nobody drives yet.
        durable
            Whether the changes must outlive a loss of power: what comes before something that costs money.
        """
        with self.database.writing(durable=durable) as connection:
            yield Transaction(connection, now, owner)

    def get(self, run: str) -> RunRecord:
        """Return a run by its id, or by the beginning of it.

        Raises
        ------
        UnknownNameError
            If there is none.
        UsageError
            If more than one begins like that; lists them.
        """
        from sqlalchemy import select

        from automl_bridge.runs.rows import run_of
        from automl_bridge.runs.tables import runs

        prefix = run.strip().lower().removeprefix("ab-")
        with self.database.reading() as connection:
            rows: Sequence[Any] = ()
            if connection is not None and prefix:
                query = select(runs).where(runs.c.id.startswith(prefix, autoescape=True)).order_by(runs.c.created)
                rows = connection.execute(query).mappings().all()
        if not rows:
            raise UnknownNameError.of("run", run, self.ids())
        if len(rows) > 1:
            raise _ambiguous(run, [row["id"] for row in rows])
        return run_of(rows[0])

    def ids(self) -> list[str]:
        """Return the ids of all runs, latest first."""
        from sqlalchemy import select

        from automl_bridge.runs.tables import runs

        with self.database.reading() as connection:
            if connection is None:
                return []
            return list(connection.execute(select(runs.c.id).order_by(runs.c.created.desc(), runs.c.id)).scalars())

    def all(self) -> list[RunRecord]:
        """Return all runs, latest first."""
        return self._runs(None)

    def get_many(self, ids: Iterable[str]) -> dict[str, RunRecord]:
        """Return runs by their whole ids, in the order of ``ids``; unknown ones are left out."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, RunRecord] = {}
        for chunk in _chunks(wanted):
            found.update({run.id: run for run in self._runs(chunk)})
        return {run_id: found[run_id] for run_id in wanted if run_id in found}

    def _runs(self, ids: Sequence[str] | None) -> list[RunRecord]:
        if self.database.is_missing():
            return []
        from sqlalchemy import select

        from automl_bridge.runs.rows import run_of
        from automl_bridge.runs.tables import runs

        query = select(runs).order_by(runs.c.created.desc(), runs.c.id)
        if ids is not None:
            query = query.where(runs.c.id.in_(ids))
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all() if connection is not None else ()
        return [run_of(row) for row in rows]

    def jobs(self, run: str) -> list[JobRecord]:
        """Return the jobs of a run, by its whole id."""
        from automl_bridge.runs.rows import job_of
        from automl_bridge.runs.tables import jobs

        return [job_of(row) for row in self._rows(jobs, run, "name")]

    def jobs_of(self, ids: Sequence[str]) -> dict[str, list[JobRecord]]:
        """Return the jobs of many runs, by their whole ids."""
        from sqlalchemy import select

        from automl_bridge.runs.rows import job_of
        from automl_bridge.runs.tables import jobs

        found: dict[str, list[JobRecord]] = {}
        with self.database.reading() as connection:
            if connection is None:
                return {}
            for chunk in _chunks(ids):
                for row in connection.execute(select(jobs).where(jobs.c.run.in_(chunk))).mappings():
                    found.setdefault(row["run"], []).append(job_of(row))
        return found

    def resources(self, run: str | None = None) -> list[ResourceRecord]:
        """Return the resources of a run, by its whole id, or of all runs."""
        from automl_bridge.runs.rows import resource_of
        from automl_bridge.runs.tables import resources

        return [resource_of(row) for row in self._rows(resources, run, "since")]

    def events(self, run: str) -> list[Event]:
        """Return the log of a run, by its whole id, oldest first."""
        from automl_bridge.runs.rows import event_of
        from automl_bridge.runs.tables import events

        return [event_of(row) for row in self._rows(events, run, "id")]

    def _rows(self, table: Table, run: str | None, order: str) -> Sequence[Any]:
        from sqlalchemy import select

        query = select(table).order_by(table.c[order], *table.primary_key)
        if run is not None:
            query = query.where(table.c.run == run)
        with self.database.reading() as connection:
            return connection.execute(query).mappings().all() if connection is not None else ()

    def stamps(self, ids: Sequence[str]) -> dict[str, tuple[float, bool]]:
        """Return, by id, when each run was last changed and whether somebody asked it to stop."""
        from sqlalchemy import select

        from automl_bridge.runs.tables import runs

        stamps: dict[str, tuple[float, bool]] = {}
        with self.database.reading() as connection:
            if connection is None:
                return {}
            for chunk in _chunks(ids):
                query = select(runs.c.id, runs.c.updated, runs.c.cancelling).where(runs.c.id.in_(chunk))
                stamps.update({row.id: (row.updated, bool(row.cancelling)) for row in connection.execute(query)})
        return stamps

    def acquire(self, ids: Sequence[str], owner: Owner, now: float, *, ended: bool = False) -> set[str]:
        """Take the leases of those runs that are free, and return their ids.

        Parameters
        ----------
        ids
            Whole ids.
        owner, now
            Who wants them, and the time. A lease is free if it has none or has run out, or if its owner is dead.
        ended
            Whether runs are wanted that have ended, or those that have not.
        """
        from sqlalchemy import or_, select, update

        from automl_bridge.runs.states import RunState
        from automl_bridge.runs.tables import runs

        final = [str(state) for state in RunState if state.is_final]
        wanted = runs.c.state.in_(final) if ended else runs.c.state.not_in(final)
        mine = owner.to_json()
        taken: set[str] = set()
        with self.database.writing() as connection:
            for chunk in _chunks(ids):
                query = select(runs.c.id, runs.c.owner, runs.c.lease).where(runs.c.id.in_(chunk), wanted)
                for row in connection.execute(query).all():
                    if row.owner and row.owner != mine and row.lease > now and not is_dead(row.owner):
                        continue
                    # Only if it is still as it was read: on PostgreSQL another one may have been quicker.
                    unchanged = runs.c.owner.is_(None) if row.owner is None else runs.c.owner == row.owner
                    mine_now = update(runs).where(runs.c.id == row.id, wanted, or_(unchanged, runs.c.lease <= now))
                    done = connection.execute(mine_now.values(owner=mine, lease=now + LEASE_SECONDS))
                    if done.rowcount == 1:
                        taken.add(row.id)
        return taken

    def renew(self, owner: Owner, now: float) -> None:
        """Let all leases of ``owner`` last longer."""
        from sqlalchemy import update

        from automl_bridge.runs.tables import runs

        with self.database.writing() as connection:
            mine = runs.c.owner == owner.to_json()
            connection.execute(update(runs).where(mine).values(lease=now + LEASE_SECONDS))

    def release(self, owner: Owner) -> None:
        """Give up all leases of ``owner``."""
        from sqlalchemy import update

        from automl_bridge.runs.tables import runs

        with self.database.writing() as connection:
            mine = runs.c.owner == owner.to_json()
            connection.execute(update(runs).where(mine).values(owner=None, lease=0.0))

    def request_cancel(self, run: str, now: float) -> None:
        """Note that a run, by its whole id, should stop; whoever drives it reads it there."""
        from sqlalchemy import update

        from automl_bridge.runs.tables import events, runs

        with self.database.writing() as connection:
            wanted = update(runs).where(runs.c.id == run, runs.c.cancelling.is_(False))
            if connection.execute(wanted.values(cancelling=True)).rowcount:
                connection.execute(events.insert().values(run=run, time=now, kind="note", message="asked to stop"))


def _ambiguous(run: str, ids: Sequence[str]) -> UsageError:
    shown = ", ".join(ids[:_AMBIGUOUS_SHOWN]) + (", …" if len(ids) > _AMBIGUOUS_SHOWN else "")
    return UsageError(f'{len(ids)} runs begin with "{run}": {shown}', hint="write one more digit of the one you mean")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
