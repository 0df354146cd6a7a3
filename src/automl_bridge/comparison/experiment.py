"""Making, finding and going on with an experiment; the same question is the same experiment."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.comparison.driving import drive_all
from automl_bridge.comparison.latency import measure
from automl_bridge.comparison.planning import Planned, plan_all
from automl_bridge.comparison.result import Comparison, result_of
from automl_bridge.errors import AutoMLBridgeError, StorageError, UnsupportedError, UsageError
from automl_bridge.runs.experiments import Experiment, Latency, Member
from automl_bridge.runs.states import RunState
from automl_bridge.session import BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.spec import JobSpec

__all__ = ["Prepared", "finish", "pause", "prepare", "prepare_again", "start"]


@dataclass(frozen=True)
class Prepared:
    """An experiment that can be started, or gone on with; nothing of it was sent.

    Parameters
    ----------
    experiment
        With the runs that it would have.
    planned
        Plans and estimates, one for each member.
    dataset
        The data.
    existing
        Runs that are in the store already, by id.
    """

    experiment: Experiment
    planned: tuple[Planned, ...]
    dataset: Dataset
    existing: Mapping[str, RunRecord]

    @property
    def fresh(self) -> int:
        """How many runs would be started."""
        return sum(one.plan is not None for one in self.planned)

    @property
    def open_runs(self) -> int:
        """How many runs were started before and have not ended."""
        return sum(not run.state.is_final for run in self.existing.values())


def prepare(
    session: Session,
    dataset: Dataset,
    spec: JobSpec,
    backends: Sequence[str],
    *,
    seeds: int = 1,
    max_cost_usd: float | None = None,
    notes: Sequence[str] = (),
    fresh: bool = False,
    retry: bool = False,
) -> Prepared:
    """Plan an experiment, or find how far it is.

    Parameters
    ----------
    session, dataset, spec
        Where, on what, and the job; its name does not matter.
    backends
        Names; the baseline is always in.
    seeds
        How many seeds each gets, from the spec's on.
    max_cost_usd
        Cap over all runs.
    notes
        What reading the data gave cause to say.
    fresh
        Whether to begin anew even though the same experiment is in the store.
    retry
        Whether runs that failed are tried again.

    Raises
    ------
    UsageError
        If seeds or backends make no comparison, or every backend but the baseline refuses.
    BudgetError
        If the cap is too little; names the least that would do.
    """
    if seeds < 1:
        raise UsageError(f"seeds {seeds} is less than 1", hint="give each backend one seed or more")
    names = list(dict.fromkeys([BASELINE, *backends]))
    settings = {name: session.config.backends[name] for name in names if name in session.config.backends}
    wanted = [Member(backend=name, seed=spec.seed + i) for name in names for i in range(seeds)]
    made = Experiment(
        id=_digest(dataset, spec, wanted, max_cost_usd, settings, secrets.token_hex(8) if fresh else ""),
        created=datetime.now(UTC),
        spec=spec,
        dataset=session.config.home / "datasets" / dataset.key,
        members=tuple(wanted),
        max_cost_usd=max_cost_usd,
        settings=settings,
        notes=tuple(dict.fromkeys((*dataset.notes, *notes))),
    )
    return _prepared(session, session.experiments.find(made.id) or made, dataset, retry=retry)


def prepare_again(session: Session, wanted: str, *, retry: bool = False) -> Prepared:
    """Find an experiment by its id, or the beginning of it, and how far it is.

    Raises
    ------
    UnknownNameError, UsageError
        If there is none, or more than one.
    StorageError
        If its data is gone.
    """
    from automl_bridge.data.dataset import Dataset

    experiment = session.experiments.get(wanted)
    # The home may have moved since.
    places = (experiment.dataset, session.config.home / "datasets" / experiment.dataset.name)
    place = next((one for one in places if one.is_dir()), None)
    if place is None:
        hint = "let AUTOML_BRIDGE_HOME name the folder where it was started"
        raise StorageError(f"the data of comparison {experiment.id} is not in {experiment.dataset}", hint=hint)
    moved = experiment.model_copy(update={"dataset": place})
    return _prepared(session, moved, Dataset.open(place), retry=retry)


def _digest(
    dataset: Dataset,
    spec: JobSpec,
    members: Sequence[Member],
    max_cost_usd: float | None,
    settings: Mapping[str, Any],
    nonce: str,
) -> str:
    """Name an experiment: the same data and question, the same id."""
    asked = {
        "data": dataset.key,
        "job": spec.model_dump(mode="json", include={"task", "target", "metric", "objective", "budget", "cap"}),
        "members": sorted((one.backend, one.seed) for one in members),
        "max_cost_usd": max_cost_usd,
        "settings": settings,
        "sandbox": os.environ.get("AUTOML_BRIDGE_SANDBOX", ""),
        "nonce": nonce,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _prepared(session: Session, experiment: Experiment, dataset: Dataset, *, retry: bool) -> Prepared:
    runs = [run for one in experiment.members for run in (one.run, *one.earlier) if run is not None]
    existing = session.get_many(runs)
    members = [_again(one, existing) if retry else one for one in experiment.members]
    planned = plan_all(
        session, experiment.spec, experiment.id, members, max_cost_usd=experiment.max_cost_usd, existing=existing
    )
    changed = experiment.model_copy(update={"members": tuple(one.member for one in planned)})
    _require_somebody(planned)
    return Prepared(changed, tuple(planned), dataset, existing)


def _again(member: Member, existing: Mapping[str, RunRecord]) -> Member:
    """Return a member whose run failed without that run, which is remembered: it may have cost something."""
    run = existing.get(member.run or "")
    if run is None or run.failure is None or not run.state.is_final:
        return member
    return member.model_copy(update={"run": None, "earlier": (*member.earlier, run.id)})


def _require_somebody(planned: Sequence[Planned]) -> None:
    others = [one for one in planned if one.member.backend != BASELINE]
    if any(one.member.run is not None for one in others):
        return
    if not others:
        raise UsageError("there is nothing to compare the baseline with", hint="name one backend or more besides it")
    whys = {one.member.backend: one.member.refusal for one in others}
    told = "; ".join(f"{name}: {why.message if why else 'no'}" for name, why in whys.items())
    hints = "; ".join(dict.fromkeys(why.hint for why in whys.values() if why and why.hint)) or None
    raise UnsupportedError(f"no backend takes this job. {told}", hint=hints)


def start(session: Session, prepared: Prepared) -> None:
    """Write the experiment and its new runs down; driving them sends them."""
    prepared.dataset.save(session.config.home / "datasets")
    session.experiments.put(prepared.experiment)
    plans = [one.plan for one in prepared.planned if one.plan is not None]
    try:
        session.create(plans, prepared.dataset)
    except StorageError:
        # The same command in another process was first: the runs are there, and it is watched or gone on with.
        names = [plan.spec.name.removeprefix("ab-") for plan in plans]
        if len(session.get_many(names)) < len(names):
            raise


def finish(
    session: Session,
    prepared: Prepared,
    open_session: Callable[[], Session],
    on_progress: Callable[[RunRecord], None] = lambda _: None,
) -> Comparison:
    """Bring all runs to their ends, and put the result together.

    Parameters
    ----------
    session
        For what comes after the runs.
    prepared
        An experiment that was started.
    open_session
        Makes a session for each backend's thread.
    on_progress
        Called with a run whose record has changed.
    """
    experiment, dataset = prepared.experiment, prepared.dataset
    groups: dict[str, list[str]] = {}
    for run in session.get_many(experiment.runs).values():
        if not run.state.is_final:
            groups.setdefault(run.backend, []).append(run.id)
    measured = dict(experiment.latency)

    def time_one(own: Session, runs: Sequence[RunRecord]) -> None:
        _measure(own, runs, dataset, measured)

    def load_early(own: Session, run: RunRecord) -> None:
        _load_early(own, own.get_many(groups[run.backend]).values(), dataset, measured)

    blocked = drive_all(open_session, groups, on_progress, time_one, load_early) if groups else {}
    _measure(session, session.get_many(experiment.runs).values(), dataset, measured)
    session.close()
    if measured != experiment.latency:
        experiment = experiment.model_copy(update={"latency": measured})
        session.experiments.put(experiment)
    return result_of(session, experiment, blocked)


def _measure(session: Session, runs: Iterable[RunRecord], dataset: Dataset, into: dict[str, Latency]) -> None:
    """Measure how fast the first model of each backend predicts, once; one that cannot be asked is left out."""
    for run in _to_measure(runs, dataset, into):
        with suppress(AutoMLBridgeError, OSError):
            into[run.backend] = measure(session, run.id, dataset)


def _load_early(session: Session, runs: Iterable[RunRecord], dataset: Dataset, known: Mapping[str, Latency]) -> None:
    """Load the model of a backend that will be measured, as soon as nothing but the scoring of the last is left.

    Some take seconds to load, in a process of their own: these pass while the holdout is predicted.
    """
    runs = list(runs)
    first = next(_to_measure(runs, dataset, known), None)
    if first is not None and all(run.state.is_final or run.state is RunState.SCORING for run in runs):
        with suppress(AutoMLBridgeError, OSError):
            session.load(first.id)


def _to_measure(runs: Iterable[RunRecord], dataset: Dataset, known: Mapping[str, Latency]) -> Iterator[RunRecord]:
    """Yield the runs with a model that predicts single rows of the holdout on this machine."""
    if dataset.profile.rows.get("holdout") and dataset.forecast is None:
        yield from (run for run in runs if run.backend not in known and run.model is not None and run.model.local)


def pause(session: Session, experiment: Experiment) -> list[RunRecord]:
    """End the worker processes of runs on this machine; they go on from what they wrote when somebody drives them.

    Workers that other runs use are left alone.

    Returns
    -------
    list of RunRecord
        Those that go on at their services, whoever looks.
    """
    from automl_bridge.capabilities import Feature
    from automl_bridge.registry import load_class

    away = []
    ours = set(experiment.runs)
    busy = {run.backend for run in session.list() if not run.state.is_final and run.id not in ours}
    for run in session.get_many(experiment.runs).values():
        if run.state.is_final:
            continue
        if load_class(run.backend, installed=False).capabilities.supports(Feature.LOCAL_PREDICTION):
            if run.backend not in busy:
                session.kill(run.backend)
        elif run.state.is_submitted:
            away.append(run)
    return away
