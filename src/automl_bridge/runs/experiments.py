"""Experiments: which runs belong to one comparison. Written down before the first of them, so that it can go on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from automl_bridge.errors import UnknownNameError, UsageError
from automl_bridge.spec import Frozen, JobSpec

if TYPE_CHECKING:
    from automl_bridge.runs.store import RunStore

__all__ = ["Experiment", "Experiments", "Latency", "Member", "Refusal"]


class Refusal(Frozen):
    """Why a backend does not take part: it said no to the plan, before anything was sent."""

    message: str
    hint: str | None = None
    limit: str | None = None
    source: str | None = None


class Latency(Frozen):
    """How long one prediction of one row takes, in seconds: the median of ``calls`` calls of a loaded model."""

    seconds: float
    calls: int


class Member(Frozen):
    """One backend with one seed.

    Parameters
    ----------
    backend, seed
        Who, and with which seed of its search.
    run
        Id of its run; None where it was refused.
    cap_usd
        Its share of the experiment's cap.
    refusal
        Why there is no run.
    earlier
        Ids of runs that failed before this one; they cost what they cost.
    """

    backend: str
    seed: int
    run: str | None = None
    cap_usd: float | None = None
    refusal: Refusal | None = None
    earlier: tuple[str, ...] = ()


class Experiment(Frozen):
    """One job at several backends.

    Parameters
    ----------
    id
        Twelve hexadecimal digits that follow from the data and from what was asked.
    created
        When it was first written down (UTC).
    spec
        The job, as every member gets it but for name, seed and share of the cap.
    dataset
        Folder of the data.
    members
        Backends and seeds, the baseline's first.
    max_cost_usd
        Cap over all of them; None: none.
    settings
        Settings of the backends, as the configuration had them.
    notes
        What reading the data gave cause to say.
    latency
        Measured latencies by backend.
    """

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    created: datetime
    spec: JobSpec
    dataset: Path
    members: tuple[Member, ...]
    max_cost_usd: float | None = None
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    latency: dict[str, Latency] = Field(default_factory=dict)

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs, in the members' order."""
        return tuple(member.run for member in self.members if member.run is not None)


class Experiments:
    """The experiments of a store."""

    def __init__(self, store: RunStore) -> None:
        self._database = store.database

    def put(self, experiment: Experiment) -> None:
        """Write an experiment down, or what has become of it."""
        from sqlalchemy import update

        from automl_bridge.runs.tables import experiments

        row = {"created": experiment.created.timestamp(), "content": experiment.model_dump_json()}
        with self._database.writing(durable=True) as connection:
            experiments.create(connection, checkfirst=True)
            known = update(experiments).where(experiments.c.id == experiment.id).values(**row)
            if not connection.execute(known).rowcount:
                connection.execute(experiments.insert().values(id=experiment.id, **row))

    def find(self, wanted: str) -> Experiment | None:
        """Return the experiment of that whole id; None if there is none."""
        found = self._starting(wanted)
        return found[0] if len(found) == 1 and found[0].id == wanted else None

    def get(self, wanted: str) -> Experiment:
        """Return an experiment by its id, or by the beginning of it.

        Raises
        ------
        UnknownNameError
            If there is none.
        UsageError
            If more than one begins like that; lists them.
        """
        found = self._starting(wanted.strip().lower())
        if not found or not wanted.strip():
            raise UnknownNameError.of("comparison", wanted, [one.id for one in self._starting("")])
        if len(found) > 1:
            listed = ", ".join(one.id for one in found)
            raise UsageError(f'{len(found)} comparisons begin with "{wanted}": {listed}', hint="write one more digit")
        return found[0]

    def _starting(self, prefix: str) -> list[Experiment]:
        from sqlalchemy import inspect, select

        from automl_bridge.runs.tables import experiments

        query = select(experiments.c.content).where(experiments.c.id.startswith(prefix, autoescape=True))
        with self._database.reading() as connection:
            if connection is None or not inspect(connection).has_table(experiments.name):
                return []
            rows = connection.execute(query.order_by(experiments.c.created.desc())).scalars().all()
        return [Experiment.model_validate_json(row) for row in rows]
