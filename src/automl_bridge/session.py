"""Session: config, store, registry and engine behind one small interface; every face calls it."""

from __future__ import annotations

import builtins
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from automl_bridge.errors import MissingExtraError, StateError, UsageError
from automl_bridge.runs.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl_bridge.backend import Backend, Check, Plan, Predictor, Resource
    from automl_bridge.budget import Budget
    from automl_bridge.config import Config
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.clock import Clock
    from automl_bridge.runs.estimating import BackendEstimate
    from automl_bridge.runs.experiments import Experiments
    from automl_bridge.runs.models import Model
    from automl_bridge.runs.record import Event, RunRecord
    from automl_bridge.spec import JobSpec, ModelRef
    from automl_bridge.task import Task

__all__ = ["BASELINE", "Predictions", "Session"]

BASELINE = "baseline"
"""The backend that every other one is compared with."""


class Session:
    """Opens nothing until it is needed; close it, or use it as a context manager.

    Parameters
    ----------
    config
        Where home and store are, and the settings of the backends.
    backends
        Gives a backend by its name; the registry where None.
    clock
        What to read the time from and sleep by; the machine's where None.
    """

    def __init__(
        self, config: Config, *, backends: Callable[[str], Backend] | None = None, clock: Clock | None = None
    ) -> None:
        from automl_bridge.runs.engine import Engine
        from automl_bridge.runs.money import Money
        from automl_bridge.runs.predicting import Predictors
        from automl_bridge.runs.store import RunStore

        self.config = config
        self._store = RunStore(config.store_url)
        self._money = Money(config, self._store)
        self._engine = Engine(self._store, config.home, backends or self._create, clock, prices=self._money.book)
        self._predictors = Predictors()
        self._models: dict[str, Model] = {}

    def _create(self, name: str) -> Backend:
        from automl_bridge.registry import create

        return create(name, self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of loaded models; what is used afterwards is loaded again."""
        self._predictors.close()
        self._models.clear()

    def kill(self, backend: str | None = None) -> None:
        """End the worker processes of one backend, or of all that were used here, at once; what they wrote stays."""
        for one in [self._engine.backend(backend)] if backend else self._engine.backends_in_use():
            one.kill()

    def plan(
        self,
        dataset: Dataset,
        *,
        task: Task | str,
        backend: str | None = None,
        target: str | Sequence[str] | None = None,
        metric: str | None = None,
        budget: Budget | None = None,
        objective: Literal["nearest", "exact"] | None = None,
        cap: Literal["any", "strict"] | None = None,
        seed: int | None = None,
        continues: str | None = None,
    ) -> Plan:
        """Return what a backend would do; nothing is sent and nothing written.

        Parameters
        ----------
        dataset
            The data, split.
        task
            What to learn.
        backend, budget, metric, objective, cap, seed
            As in `JobSpec`; the configuration's where None.
        target
            The target column(s); those of the data where None.
        continues
            Id of a run whose finished trials this one starts from.

        Raises
        ------
        UsageError
            If the job cannot be done like that; names value, limit and way out.
        """
        job: dict[str, Any] = {
            "task": task, "target": target, "metric": metric, "budget": budget, "objective": objective, "cap": cap,
        }  # fmt: skip
        return self._plan(self.spec(dataset, **job, seed=seed, continues=continues), backend or self.config.backend)

    def spec(self, dataset: Dataset, *, continues: str | None = None, **job: Any) -> JobSpec:
        """Return the spec of a job, see `plan` for what it is made of; what is None is the configuration's."""
        from automl_bridge.runs.engine import new_id
        from automl_bridge.runs.specs import make_spec

        earlier = self.get(continues) if continues else None
        own = {name: getattr(self.config, name) for name in ("metric", "budget", "objective", "cap", "seed")}
        given = {name: value for name, value in job.items() if value is not None}
        wanted: dict[str, Any] = {"target": None, **own, **given, "forecast": dataset.forecast}
        continued = earlier.name if earlier else None
        return make_spec(f"ab-{new_id()}", dataset.profile, **wanted, continues=continued)

    def _plan(self, spec: JobSpec, backend: str, maker: Backend | None = None) -> Plan:
        maker = maker or self._engine.backend(backend)
        maker.capabilities.require(backend, spec.task)
        if spec.continues:
            from automl_bridge.capabilities import Feature

            maker.capabilities.require(backend, Feature.RESUME)
        if spec.forecast is not None:
            from automl_bridge.runs.specs import check_windows

            check_windows(spec.forecast, maker.capabilities, backend)
        return self._money.checked(maker.plan(spec))

    def price_book(self, backend: str) -> PriceBook:
        """Return the prices that hold for a backend."""
        return self._money.book(backend)

    def plan_spec(self, spec: JobSpec, backend: str) -> tuple[Plan, BackendEstimate]:
        """Return what a backend would do for ``spec``, and what that would cost; raises as `plan` does."""
        from automl_bridge.runs.estimating import estimated

        plan, maker = self._plan(spec, backend), self._engine.backend(backend)
        return plan, estimated(plan, maker, self._money.book(backend), self._money.lesson(backend))

    def estimate(
        self, dataset: Dataset, *, backends: Sequence[str] | None = None, **job: Any
    ) -> builtins.list[BackendEstimate]:
        """Return what a job would cost at each backend, installed or not; nothing is sent and nothing written.

        Parameters
        ----------
        dataset
            The data, split.
        backends
            Names; all that are declared where None.
        job
            As in `plan`: task, target, metric, budget, objective, cap, seed.

        Returns
        -------
        list of BackendEstimate
            In the order of ``backends``. What a backend cannot do is said in its row.
        """
        from automl_bridge.registry import names
        from automl_bridge.runs.estimating import estimated, refused

        rows = []
        for name in names() if backends is None else backends:
            try:
                maker = self._planner(name)
                plan = self._plan(self.spec(dataset, **job), name, maker)
                rows.append(estimated(plan, maker, self._money.book(name), self._money.lesson(name)))
            except Exception as error:  # noqa: BLE001 - one backend, or a plugin, must not hide the others
                rows.append(refused(name, error))
        return rows

    def _planner(self, name: str) -> Backend:
        """Return a backend that need not be installed: planning takes no SDK."""
        from automl_bridge.registry import create

        try:
            return self._engine.backend(name)
        except MissingExtraError:
            return create(name, self.config, installed=False)

    def submit(  # noqa: PLR0913 - the parameters of a job
        self,
        dataset: Dataset,
        *,
        task: Task | str,
        backend: str | None = None,
        target: str | Sequence[str] | None = None,
        metric: str | None = None,
        budget: Budget | None = None,
        objective: Literal["nearest", "exact"] | None = None,
        cap: Literal["any", "strict"] | None = None,
        seed: int | None = None,
        baseline: bool = False,
        continues: str | None = None,
    ) -> RunRecord:
        """Plan, write the run down, keep the data, and start the job.

        Parameters
        ----------
        baseline
            Whether the baseline is trained on the same data, as a run of its own; `wait` drives both.
        dataset, task, backend, target, metric, budget, objective, cap, seed, continues
            As in `plan`.

        Returns
        -------
        RunRecord
            Running; or failed, if the service rejected the job.
        """
        common: dict[str, Any] = {
            "task": task, "target": target, "metric": metric, "seed": seed, "objective": objective, "cap": cap,
        }  # fmt: skip
        plan = self.plan(dataset, **common, backend=backend, budget=budget, continues=continues)
        beside = self._plan(self._baseline_spec(plan), BASELINE) if baseline and plan.backend != BASELINE else None
        earlier = self.get(continues).id if continues else None
        return self._start(plan, dataset, beside=beside, continues=earlier)

    @staticmethod
    def _baseline_spec(plan: Plan) -> JobSpec:
        """Return the spec of the baseline beside ``plan``: it takes seconds, and optimises what it has."""
        from automl_bridge.budget import Budget
        from automl_bridge.runs.engine import new_id

        changes = {"name": f"ab-{new_id()}", "budget": Budget(), "objective": "nearest", "cap": "any"}
        return plan.spec.model_copy(update={**changes, "continues": None})

    def _start(self, plan: Plan, dataset: Dataset, *, beside: Plan | None, continues: str | None) -> RunRecord:
        saved = self._engine.data.save(dataset)
        other = self._engine.record(beside, saved) if beside else None
        run = self._engine.record(plan, saved, baseline_run=other.id if other else None, continues=continues)
        self._engine.create([one for one in (other, run) if one], saved)
        return self._engine.drive([run.id], until=lambda one: one.state.is_submitted)[0]

    def wait(
        self,
        run_id: str,
        *,
        on_progress: Callable[[RunRecord], None] | None = None,
        timeout: float | None = None,
    ) -> RunRecord:
        """Drive a run to its end, and its baseline's run with it; or watch it, if another process drives it.

        Parameters
        ----------
        run_id
            Its id, or the beginning of it.
        on_progress
            Called with a run, this one or its baseline's, whenever something about it has changed.
        timeout
            Seconds after which it returns, however far the run is.

        Returns
        -------
        RunRecord
            As it is then; `RunRecord.raise_if_failed` raises what a failed one stands for.

        Raises
        ------
        CredentialsError, StorageError, TransientError
            What keeps the run from going on; it is not failed by it, and waiting again goes on with it.
        """
        run = self.get(run_id)
        ids = [run.id] if run.baseline_run is None else [run.baseline_run, run.id]
        if all(one.state.is_final for one in self._store.get_many(ids).values()):
            return run
        return self._engine.drive(ids, on_change=on_progress, timeout=timeout)[-1]

    def look_at_caps(self) -> builtins.list[tuple[str, Exception]]:
        """Look once at jobs whose watched cap nobody watches, since their caller died, and stop those that near it.

        Returns
        -------
        list of (run id, error)
            Those that could not be looked at, and why.
        """
        return self._engine.look_at_caps()

    def get(self, run_id: str) -> RunRecord:
        """Return a run by its id, or by the beginning of it.

        Raises
        ------
        UnknownNameError
            If there is none.
        UsageError
            If more than one begins like that; lists them.
        """
        return self._store.get(run_id)

    def events(self, run_id: str) -> builtins.list[Event]:
        """Return the log of a run, oldest first."""
        return self._store.events(self.get(run_id).id)

    def create(self, plans: Sequence[Plan], dataset: Dataset) -> builtins.list[RunRecord]:
        """Write runs of several plans on one dataset down, all or none; `drive` starts them.

        A plan whose run exists is left out: names are kept once.
        """
        saved = self._engine.data.save(dataset)
        records = [self._engine.record(plan, saved) for plan in plans]
        known = self._store.get_many([record.id for record in records])
        fresh = [record for record in records if record.id not in known]
        if fresh:
            self._engine.create(fresh, saved)
        return [known.get(record.id, record) for record in records]

    def drive(
        self,
        runs: Sequence[str],
        *,
        until: Callable[[RunRecord], bool] = lambda run: run.state.is_final,
        on_progress: Callable[[RunRecord], None] | None = None,
    ) -> builtins.list[RunRecord]:
        """Bring several runs on, by one loop, until each is as far as ``until`` wants; see `wait`.

        Parameters
        ----------
        runs
            Whole ids.
        """
        return self._engine.drive(runs, until=until, on_change=on_progress)

    def get_many(self, runs: Sequence[str]) -> dict[str, RunRecord]:
        """Return runs by their whole ids, in that order; unknown ones are left out."""
        return self._store.get_many(runs)

    @property
    def experiments(self) -> Experiments:
        """The comparisons in the store."""
        from automl_bridge.runs.experiments import Experiments

        return Experiments(self._store)

    def cancel(self, run_id: str) -> RunRecord:
        """Ask a run to stop and keep its best model so far; `wait` then takes it to its end.

        Whoever drives it is told; where nobody does, the service is asked from here.
        """
        run = self.get(run_id)
        if run.state.is_final:
            return run
        self._store.request_cancel(run.id, self._engine.clock.now())
        self._engine.ask_to_stop(run.id)
        return self._store.get(run.id)

    def resume(self, run_id: str, budget: Budget | None = None) -> RunRecord:
        """Start a new run that goes on from the finished trials of an ended one, on the same data.

        Parameters
        ----------
        run_id
            The ended run.
        budget
            Of the new run; the old one's where None.

        Raises
        ------
        StateError
            If the run has not ended.
        UnsupportedError
            If the backend cannot resume.
        """
        from automl_bridge.runs.engine import new_id

        old = self.get(run_id)
        if not old.state.is_final:
            hint = f"automl-bridge runs wait {old.id} waits for its end, runs cancel {old.id} stops it"
            raise StateError(f"run {old.id} is {old.state}: only an ended one can be resumed", hint=hint)
        changes = {"name": f"ab-{new_id()}", "continues": old.name, "budget": budget or old.spec.budget}
        plan = self._plan(old.spec.model_copy(update=changes), old.backend)
        dataset = self._engine.data.of(old)
        record = self._engine.record(plan, dataset, baseline_run=old.baseline_run, continues=old.id)
        self._engine.create([record], dataset)
        self._engine.data.forget(old)
        return self._engine.drive([record.id], until=lambda one: one.state.is_submitted)[0]

    def predict(self, model: str | Path, data: Any, *, bad_images: str = "refuse") -> Predictions:
        """Predict with a run's model, or with a bundle; no store is needed for a bundle.

        Parameters
        ----------
        model
            Id of a run, the beginning of it, or the folder of a bundle.
        data
            A Dataset to predict, or anything that `build_predict_dataset` reads. Columns are found by name. For a
            forecaster what `series_predict` reads: history, rows to come, or both; None: all series that it keeps.
        bad_images
            What to do about pictures that cannot be read: ``refuse`` them all in one error, or ``skip`` them.

        Raises
        ------
        SchemaError
            If columns are missing; names them.
        RunFailedError, RunCancelledError, NoModelError
            If the run has no model.
        BundleError
            If the bundle is damaged, altered or of a newer version.
        """
        from automl_bridge.data.build import build_predict_dataset
        from automl_bridge.data.dataset import Dataset
        from automl_bridge.runs.predicting import PredictJob

        source = self._model(model)
        if isinstance(data, Dataset):
            rows = data
        elif source.forecast is not None:
            from automl_bridge.data.series_predict import build_series_predict_dataset

            rows = build_series_predict_dataset(data, source.profile, source.forecast, source.history())
        elif data is None:
            raise UsageError("there is no data to predict", hint="name a file with the features")
        else:
            rows = build_predict_dataset(data, source.profile, bad_images=bad_images)
        if source.ref.local or source.run is None:
            outputs = self._predictor(source.ref).predict(rows.question())
        else:
            outputs = PredictJob(self._engine, source.run, rows).outputs()
        return Predictions(outputs, source.profile, source.task, rows)

    def load(self, run_id: str) -> None:
        """Load a run's model, so that `predict` need not; the run may still be scored, and the model must be local."""
        self._predictor(self._model(run_id).ref)

    def _predictor(self, ref: ModelRef) -> Predictor:
        return self._predictors.get(self._engine.backend(ref.backend), ref)

    def _model(self, model: str | Path) -> Model:
        """Return what to predict with; remembered, since a bundle is checked file by file."""
        from automl_bridge.runs.models import bundle_model, is_run_id, run_model

        key = str(model)
        if key not in self._models:
            found = run_model(self.get(key)) if is_run_id(model) else bundle_model(Path(model))
            self._models[key] = found
        return self._models[key]

    def export(self, model: str | Path, path: str | Path, *, form: str = "bundle") -> Path:
        """Write a run's model, or a bundle, as a folder; it is whole, or not there.

        Parameters
        ----------
        model
            Id of a run, the beginning of it, or the folder of a bundle.
        path
            The folder to write: a new one, or an empty one.
        form
            ``bundle``, which predicts from raw rows; or another library's format that the backend has for its
            network (``keras``, ``savedmodel``, ``onnx``).

        Raises
        ------
        UsageError
            If there is something at ``path``.
        UnsupportedError
            If the model cannot be written in that format; says why.
        StorageError
            If it cannot be written.
        """
        from automl_bridge.runs.exporting import export_whole

        source = self._model(model)
        backend = self._engine.backend(source.ref.backend)
        write = backend.export if form == "bundle" else functools.partial(backend.convert, form=form)
        return export_whole(lambda folder: write(source.ref, folder), Path(path).expanduser())

    def check(self, backend: str) -> builtins.list[Check]:
        """Look whether a backend could work; spends nothing."""
        return builtins.list(self._engine.backend(backend).check())

    def resources(self, backend: str) -> builtins.list[Resource]:
        """Return everything this tool left at a service that bills, or may."""
        return builtins.list(self._engine.backend(backend).resources())

    def delete(self, resource: Resource) -> None:
        """Delete something that `resources` has listed; one that is gone already is no error."""
        self._engine.backend(resource.backend).delete(resource)

    def list(self) -> builtins.list[RunRecord]:
        """Return all runs, latest first."""
        return self._store.all()
