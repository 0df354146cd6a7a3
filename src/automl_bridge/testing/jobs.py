"""How the tiers run jobs: every one goes through plan, stage, submit, poll and collect, as the engine's do."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.budget import Budget
from automl_bridge.metrics import default_metric
from automl_bridge.spec import JobSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from automl_bridge.backend import Backend, JobRef, Outcome, Plan, Staged
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ModelRef
    from automl_bridge.task import Task
    from automl_bridge.testing.sample import Sample

__all__ = [
    "Done",
    "again",
    "finish",
    "name",
    "outputs",
    "predict",
    "predict_spec",
    "prepare",
    "question",
    "train",
    "train_spec",
]


@dataclass(frozen=True)
class Done:
    """A job that has ended, with everything that led to it."""

    plan: Plan
    staged: Staged
    ref: JobRef
    outcome: Outcome

    @property
    def model(self) -> ModelRef:
        """The model that was trained."""
        assert self.outcome.model is not None, f"no model: {self.outcome}"
        return self.outcome.model


def name() -> str:
    """Return a job's name that no other job has."""
    return f"contract-{uuid.uuid4().hex[:12]}"


def again(backend: Backend) -> Backend:
    """Return the backend as another process would make it: nothing is shared but the service and the workspace."""
    return type(backend)(backend.settings, backend.workspace)


def train_spec(task: Task, dataset: Dataset, budget: Budget, **changes: Any) -> JobSpec:
    """Describe a training job."""
    classes = len(dataset.profile.classes)
    target = tuple(column.name for column in dataset.profile.columns if column.role == "target")
    metric = "log_loss" if classes > 2 else default_metric(task, classes)
    spec = JobSpec(
        name=name(),
        task=task,
        target=target,
        metric=metric,
        profile=dataset.profile,
        budget=budget,
        forecast=dataset.forecast,
    )
    return spec.model_copy(update=changes)


def predict_spec(spec: JobSpec, model: ModelRef, dataset: Dataset) -> JobSpec:
    """Describe a job that predicts ``dataset`` with the model that ``spec`` led to."""
    changes = {"name": name(), "kind": "predict", "model": model, "profile": dataset.profile, "budget": Budget()}
    return spec.model_copy(update=changes)


def prepare(backend: Backend, spec: JobSpec, dataset: Dataset) -> tuple[Plan, Staged]:
    """Plan and stage. The holdout is taken away before: a backend must do without it."""
    plan = backend.plan(spec)
    parts = {part: dataset.parts[part] for part in dataset.parts if part != "holdout"}
    return plan, backend.stage(plan, replace(dataset, parts=parts, path=None))


def finish(backend: Backend, ref: JobRef, patience: float) -> Outcome:
    """Poll until the job has ended, and collect it."""
    deadline = time.monotonic() + patience
    wait = 0.01
    while True:
        progress = backend.poll([ref])
        assert ref in progress, f"{ref} was submitted, but poll does not know it"
        if progress[ref].state.is_final:
            return backend.collect(ref)
        assert time.monotonic() < deadline, f"not ended after {patience} s: {progress[ref]}"
        time.sleep(wait)
        wait = min(wait * 1.5, 0.5)


def train(backend: Backend, spec: JobSpec, dataset: Dataset, patience: float) -> Done:
    """Train from plan to outcome."""
    plan, staged = prepare(backend, spec, dataset)
    ref = backend.submit(plan, staged)
    return Done(plan, staged, ref, finish(backend, ref, patience))


def question(trained: Done, sample: Sample) -> Dataset:
    """Return raw data as data to predict with what was trained."""
    return sample.question(trained.plan.spec.profile, trained.plan.spec.forecast)


def predict(backend: Backend, trained: Done, dataset: Dataset, patience: float) -> Done:
    """Predict from plan to outcome."""
    return train(backend, predict_spec(trained.plan.spec, trained.model, dataset), dataset, patience)


def outputs(done: Done) -> NDArray[np.float64]:
    """Read the predictions of a predict job."""
    assert done.outcome.predictions is not None, f"no predictions: {done.outcome}"
    found: NDArray[np.float64] = np.load(done.outcome.predictions, allow_pickle=False)
    return found
