"""The baseline as a Backend: a job is done when `submit` returns."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from automl_bridge.backend import (
    Backend,
    Cap,
    Check,
    Failure,
    JobRef,
    JobState,
    Objective,
    Outcome,
    Plan,
    Progress,
    Staged,
)
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT, rate_in
from automl_bridge.costs.usage import Part, Usage, UsageItem, UsageRange
from automl_bridge.errors import AutoMLBridgeError, SchemaError, StateError, TargetError, UnsupportedError
from automl_bridge.metrics import metric_for
from automl_bridge.spec import Kind
from automl_bridge.task import Task
from automl_bridge_baseline.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from automl_bridge.backend import Predictor
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec, ModelRef

__all__ = ["BaselineBackend", "BaselineSettings"]

_READ_PARTLY = {
    Kind.TEXT: "only its length and number of words are read; a multimodal task reads all of it",
    Kind.IMAGE: "it is left out; a multimodal task reads it",
}


class BaselineSettings(BaseModel):
    """The baseline has nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BaselineBackend(Backend):
    """Dummy, linear and gradient-boosting models from scikit-learn, trained in the caller's process.

    Pictures are read as small ones, texts as weighted terms; `pictures` and `texts` say how.
    """

    name: ClassVar[str] = "baseline"
    settings_class: ClassVar[type[BaseModel]] = BaselineSettings
    requires: ClassVar[tuple[str, ...]] = ("sklearn", "skops")
    verified: ClassVar[str] = "runs on this machine"
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks=dict.fromkeys(Task),
        features={
            Feature.PROBABILITIES: None,
            Feature.SAMPLE_WEIGHTS: None,
            Feature.MAX_TIME: None,
            Feature.MAX_TRIALS: None,
            Feature.GUARANTEED_CAP: None,
            Feature.CANCEL: "a job is done when it has been submitted; stop the process to stop it",
            Feature.RESUME: "a job takes seconds and is done anew",
            Feature.EXPORT: None,
            Feature.LOCAL_PREDICTION: None,
            Feature.REPRODUCIBLE: None,
        },
    )

    def check(self) -> Iterable[Check]:
        """Look for the packages and for a folder to write to."""
        from importlib.metadata import PackageNotFoundError, version

        for package in ("scikit-learn", "skops"):
            try:
                yield Check(name=f"package {package}", ok=True, detail=version(package))
            except PackageNotFoundError:
                yield Check(name=f"package {package}", ok=False, detail=f"pip install {package}")
        folder = next(place for place in (self.workspace, *self.workspace.parents) if place.exists())
        writable = os.access(folder, os.W_OK)
        yield Check(name="workspace", ok=writable, detail=str(self.workspace))

    def plan(self, spec: JobSpec) -> Plan:
        """Say which models will be tried, on which columns, and for how long at most."""
        self.capabilities.require(self.name, spec.task)
        return self._plan_predict(spec) if spec.kind == "predict" else self._plan_train(spec)

    def _plan_train(self, spec: JobSpec) -> Plan:
        from automl_bridge_baseline.candidates import chosen

        if spec.forecast is not None:
            return self._plan_forecast(spec)
        metric_for(spec.metric, spec.task, len(spec.profile.classes))
        if spec.task.is_classification and len(spec.profile.classes) < 2:
            hint = "choose another target, or a regression"
            raise TargetError(f"the target {spec.target[0]} has {len(spec.profile.classes)} class(es)", hint=hint)
        tabular = spec.task.value.startswith("tabular")
        columns = [column.name for column in spec.profile.features if not tabular or column.kind is not Kind.IMAGE]
        if not columns:
            raise SchemaError("there is no column that the baseline can read", hint="use another backend")
        seconds, cap = _limit(spec, self.prices)
        models = [candidate.name for candidate in chosen(spec.budget.max_trials, spec.task)]
        if not spec.profile.rows.get("validation"):
            models = models[:1]
        return Plan(
            spec=spec,
            backend=self.name,
            request={"models": models, "columns": columns, "max_seconds": seconds, "seed": spec.seed},
            objective=Objective(name=spec.metric, exact=True),
            cap=cap,
            limits_sent={} if seconds is None else {"max_seconds": seconds},
            usage=_usage(
                *(duration := _duration(spec, _width(spec, columns), len(models), seconds)), seconds, "training"
            ),
            duration=duration,
            notes=tuple(
                f'the baseline cannot read column "{column.name}" as {column.kind}: {_READ_PARTLY[column.kind]}'
                for column in spec.profile.features
                if tabular and column.kind in _READ_PARTLY
            ),
        )

    def _plan_forecast(self, spec: JobSpec) -> Plan:
        from automl_bridge_baseline.forecast import chosen

        metric_for(spec.metric, spec.task)
        seconds, cap = _limit(spec, self.prices)
        models = [candidate.name for candidate in chosen(spec)]
        rows = sum(count for part, count in spec.profile.rows.items() if part != "holdout")
        most = len(models) * (1.0 + 2e-6 * rows)
        duration = (0.1, most if seconds is None else min(most, seconds))
        return Plan(
            spec=spec,
            backend=self.name,
            request={"models": models, "max_seconds": seconds, "seed": spec.seed},
            objective=Objective(name=spec.metric, exact=True),
            cap=cap,
            limits_sent={} if seconds is None else {"max_seconds": seconds},
            usage=_usage(*duration, seconds, "training"),
            duration=duration,
        )

    def _plan_predict(self, spec: JobSpec) -> Plan:
        model = spec.model
        if model is None or model.backend != self.name or not model.local:
            raise UnsupportedError(f"the baseline predicts with models of its own, not with {model}")
        rows = max(spec.profile.rows.values(), default=0)
        duration = (0.01, 1.0 + rows * 2e-5)
        return Plan(
            spec=spec,
            backend=self.name,
            request={"model": model.uri},
            usage=_usage(*duration, None, "prediction"),
            duration=duration,
        )

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:  # noqa: ARG002 - all plans read the same data
        """Name the folder of the data; saved here without the holdout if it has none."""
        if dataset.path is None:
            parts = {part: table for part, table in dataset.parts.items() if part != "holdout"}
            dataset = replace(dataset, parts=parts).save(self.workspace / "data")
        return Staged(uris={"data": str(dataset.path)})

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Do the job, unless it has been done."""
        done = self.find(plan)
        if done is not None:
            return done
        with self._jobs.new(plan.spec.name) as folder:
            self._jobs.finish(plan, folder, _work(plan, staged, folder))
        return self._ref(plan)

    def find(self, plan: Plan) -> JobRef | None:
        """Return the job if it has been done.

        Raises
        ------
        StateError
            If a job of that name was of another spec.
        """
        digest = self._jobs.digest(plan.spec.name)
        if digest is None:
            return None
        if digest != plan.spec.digest():
            raise StateError(f"another job is called {plan.spec.name}", hint="give this one another name")
        return self._ref(plan)

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """Say that they have ended, and how."""
        outcomes = {job: self._jobs.outcome(job.name) for job in jobs}
        return {
            job: Progress(
                state=outcome.state,
                fraction=1.0,
                trials=outcome.trials,
                best=outcome.trials[0].score if outcome.trials else None,
                usage=outcome.usage,
            )
            for job, outcome in outcomes.items()
            if outcome is not None
        }

    def cancel(self, job: JobRef) -> None:
        """Do nothing: a job that is known has ended."""

    def collect(self, job: JobRef) -> Outcome:
        """Return what was written down."""
        outcome = self._jobs.outcome(job.name)
        if outcome is None:
            raise StateError(f"the baseline has no job {job.name} in {self.workspace}")
        return outcome

    def load(self, model: ModelRef) -> Predictor:
        """Load a bundle; see `automl_bridge_baseline.model` for what is checked."""
        from automl_bridge_baseline.model import load

        return load(Path(model.uri))

    def export(self, model: ModelRef, path: Path) -> Path:
        """Check the bundle and copy it."""
        from automl_bridge.bundle import copy_bundle

        return copy_bundle(Path(model.uri), path)

    @property
    def _jobs(self) -> Jobs:
        return Jobs(self.workspace / "jobs")

    def _ref(self, plan: Plan) -> JobRef:
        return JobRef(backend=self.name, name=plan.spec.name, kind=plan.spec.kind)


def _work(plan: Plan, staged: Staged, folder: Path) -> Outcome:
    from automl_bridge.data.dataset import Dataset
    from automl_bridge_baseline import forecast, predict, search

    dataset = Dataset.open(Path(staged.uris["data"]))
    train = search.train if plan.spec.forecast is None else forecast.train
    work = train if plan.spec.kind == "train" else predict.predict
    try:
        return work(plan, dataset, folder)
    except (AutoMLBridgeError, OSError):
        raise  # of the data, the bundle or the disk: the caller's to mend
    except Exception as error:  # noqa: BLE001 - a job that breaks has failed; it does not break the caller
        message = f"{type(error).__name__}: {error}"
        return Outcome(state=JobState.FAILED, failure=Failure(kind="crash", message=message))


def _limit(spec: JobSpec, prices: PriceBook | None) -> tuple[float | None, Cap]:
    """Return the seconds that time and money allow, and what bounds the cost."""
    seconds, cost = spec.budget.max_time, spec.budget.max_cost_usd
    if cost is None:
        return seconds, Cap(kind="none", because="no cap was asked for")
    rate, basis = rate_in(prices)
    affordable = cost / rate * 3600
    because = f"the search stops itself after the {affordable:.0f} s that ${cost:g} buys ({basis})"
    return min(affordable, seconds or affordable), Cap(kind="guaranteed", because=because)


def _duration(spec: JobSpec, columns: int, models: int, seconds: float | None) -> tuple[float, float]:
    """Return least and most seconds; from runs on 2 cores, within a factor of 3 for 500 to 1,000,000 rows."""
    cells = sum(rows for part, rows in spec.profile.rows.items() if part != "holdout") * columns
    outputs = max(1, len(spec.profile.classes) if len(spec.profile.classes) > 2 else len(spec.target))
    most = models * (0.5 + 4e-6 * cells * outputs)
    most = most if seconds is None else min(most, seconds)
    return min(0.1, most / 10), most


def _width(spec: JobSpec, columns: Sequence[str]) -> int:
    """Return about how many columns of a table take as long as these: a text counts 30, a picture 100."""
    weights = {} if spec.task.value.startswith("tabular") else {Kind.TEXT: 30, Kind.IMAGE: 100}
    return sum(weights.get(column.kind, 1) for column in spec.profile.features if column.name in columns)


def _usage(least: float, most: float, limit: float | None, part: Part) -> UsageRange:
    def of(seconds: float) -> Usage:
        return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=seconds / 3600, unit=LOCAL_UNIT, part=part),))

    return UsageRange(
        low=of(least), likely=of(most / 2), high=of(most), worst=None if limit is None else of(max(limit, most))
    )
