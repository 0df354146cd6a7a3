"""Engine: writes runs down and drives them to their ends.

Intent before action: a run, its jobs' remote names and each resource are in the store before the call that makes
them. After the death of the process, wherever it was, another one finds out by name what exists, and goes on.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from automl_bridge.capabilities import Feature
from automl_bridge.runs.clock import SystemClock
from automl_bridge.runs.datasets import Datasets
from automl_bridge.runs.drive import Drive
from automl_bridge.runs.record import JobRecord, ResourceRecord, RunRecord, moment
from automl_bridge.runs.states import RunState
from automl_bridge.runs.watch import CapWatch, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from automl_bridge.backend import Backend, Plan
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.clock import Clock
    from automl_bridge.runs.store import RunStore

__all__ = ["Engine", "new_id"]


def new_id() -> str:
    """Return an id that no other run has: twelve hexadecimal digits at random."""
    return secrets.token_hex(6)


class Engine:
    """Drives runs through their states.

    Parameters
    ----------
    store
        Where runs are kept.
    home
        The folder of datasets and of what belongs to a run.
    backends
        Gives a backend by its name; asked once for each.
    clock
        What it reads the time from and sleeps by.
    boundary
        Called at each point between two effects; a test lets the process die there.
    prices
        Gives the prices of a backend by its name; without them no cost cap is watched.
    """

    def __init__(
        self,
        store: RunStore,
        home: Path,
        backends: Callable[[str], Backend],
        clock: Clock | None = None,
        boundary: Callable[[str], None] = lambda _: None,
        prices: Callable[[str], PriceBook] | None = None,
    ) -> None:
        self.store = store
        self.home = home
        self.clock: Clock = clock or SystemClock()
        self.boundary = boundary
        self.data = Datasets(home / "datasets")
        self.watch = CapWatch(prices)
        self._make = backends
        self._backends: dict[str, Backend] = {}

    def backend(self, name: str) -> Backend:
        """Return the backend of that name."""
        if name not in self._backends:
            self._backends[name] = self._make(name)
        return self._backends[name]

    def backends_in_use(self) -> list[Backend]:
        """Return the backends that were asked for so far."""
        return list(self._backends.values())

    def is_local(self, name: str) -> bool:
        """Whether the backend of that name works on this machine."""
        return self.backend(name).capabilities.supports(Feature.LOCAL_PREDICTION)

    def folder(self, run: str) -> Path:
        """Return the folder of a run, by its whole id; it need not exist."""
        return self.home / "runs" / run

    def planned(self, run: RunRecord, plan: Plan) -> list[ResourceRecord]:
        """Return the records of what ``plan`` will create for ``run``."""
        since = moment(self.clock.now())
        return [ResourceRecord.of(run.id, plan.spec.name, run.backend, one, since) for one in plan.resources]

    def record(
        self, plan: Plan, dataset: Dataset, *, baseline_run: str | None = None, continues: str | None = None
    ) -> RunRecord:
        """Return the record of a new run of ``plan`` on saved data; nothing is written yet."""
        now = moment(self.clock.now())
        return RunRecord(
            id=plan.spec.name.removeprefix("ab-"),
            name=plan.spec.name,
            backend=plan.backend,
            task=plan.spec.task,
            state=RunState.CREATED,
            spec=plan.spec,
            plan=plan,
            created=now,
            updated=now,
            dataset_path=dataset.path,
            notes=dataset.notes,
            sandbox=self.backend(plan.backend).in_sandbox(),
            baseline_run=baseline_run,
            continues=continues,
        )

    def create(self, runs: Sequence[RunRecord], dataset: Dataset) -> None:
        """Write new runs on one dataset down, all or none."""
        with self.store.transaction(self.clock.now()) as transaction:
            for run in runs:
                transaction.add(run, [JobRecord(run=run.id, name=run.name)], self.planned(run, run.plan))
        for run in runs:
            self.data.remember(run, dataset)
        self.boundary("created")

    def drive(
        self,
        ids: Sequence[str],
        *,
        until: Callable[[RunRecord], bool] = lambda run: run.state.is_final,
        on_change: Callable[[RunRecord], None] | None = None,
        timeout: float | None = None,
    ) -> list[RunRecord]:
        """Bring runs on until each is as far as ``until`` wants, and return them in the order of ``ids``.

        Runs that another living process drives are watched, and taken over if it dies.

        Parameters
        ----------
        ids
            Whole ids.
        on_change
            Called with a run whenever its record has changed.
        timeout
            Seconds after which it returns, however far the runs are.

        Raises
        ------
        CredentialsError, StorageError, TransientError, ConfigError, MissingExtraError
            What keeps a run from going on; it is not failed by it, and goes on when it is driven again.
        """
        return Drive(self, ids, until, on_change).loop(timeout)

    def look_at_caps(self) -> list[tuple[str, Exception]]:
        """Look once at the jobs with watched caps that nobody drives, and stop those that near them.

        Returns
        -------
        list of (run, error)
            Those that could not be looked at, and why.
        """
        blind = []
        for run in running(self.store):
            if self.watch.watches(run):
                try:
                    Drive(self, [run.id], lambda one: one.state is not RunState.RUNNING, None).once()
                except Exception as error:  # noqa: BLE001 - whatever it is, the command at hand is about something else
                    blind.append((run.id, error))
        return blind

    def ask_to_stop(self, run: str) -> None:
        """Pass the wish to stop on to the service, unless another process drives the run and does so."""
        Drive(self, [run], lambda _: False, None).once()
