"""Jobs that are small enough for tests, and what is done with them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl_bridge.backend import JobRef, JobState, Outcome, Plan
from automl_bridge.budget import Budget
from automl_bridge.bundle import read_bundle
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.dataset import Dataset
from automl_bridge.spec import JobSpec
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings


def mixed_table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Every kind of column, with gaps; ``outcome`` follows from four of them."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Oslo", "Rome", "Bern", "Kyiv"], rows)
    size = rng.normal(size=rows)
    member = rng.random(rows) < 0.5
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), unit="D")
    logit = 3 * size + 2 * (city == "Rome") - 2 * (city == "Bern") + 1.5 * member + (since.day_of_week > 4) - 0.5
    return pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.1, np.nan, size),
            "city": pd.Series(city).where(rng.random(rows) > 0.05, None),
            "member": member,
            "since": since,
            "count": rng.integers(0, 50, rows),
            "same": 1.0,
            "empty": np.full(rows, np.nan),
            "outcome": np.where(logit + rng.logistic(size=rows) * 0.3 > 0, "good", "bad"),
        }
    )


@dataclass
class Bench:
    """A backend over one workspace, with what a test does with it."""

    workspace: Path
    settings: dict[str, Any]
    count: int = 0

    def backend(self, **settings: Any) -> AutoKerasBackend:
        return AutoKerasBackend(AutoKerasSettings(**{**self.settings, **settings}), self.workspace)

    def spec(self, dataset: Dataset, task: Any, target: Any, metric: str, **changes: Any) -> JobSpec:
        self.count += 1
        target = (target,) if isinstance(target, str) else tuple(target)
        values = {
            "name": f"job-{self.count}",
            "task": task,
            "target": target,
            "metric": metric,
            "profile": dataset.profile,
            "budget": Budget(max_trials=1),
        }
        return JobSpec(**{**values, **changes})

    def start(self, spec: JobSpec, dataset: Dataset, **settings: Any) -> tuple[AutoKerasBackend, Plan, JobRef]:
        backend = self.backend(**settings)
        plan = backend.plan(spec)
        return backend, plan, backend.submit(plan, backend.stage(plan, dataset))

    def run(self, spec: JobSpec, dataset: Dataset, **settings: Any) -> Outcome:
        backend, _, job = self.start(spec, dataset, **settings)
        wait(lambda: backend.poll([job])[job].state.is_final)
        return backend.collect(job)

    def fit(self, table: Any, target: Any, metric: str, *, data: Any = None, **settings: Any) -> Fit:
        task, dataset = build_dataset(table, target=target, **(data or {}))
        spec = self.spec(dataset, task, target, metric)
        return Fit(spec, dataset, self.run(spec, dataset, **settings))

    def predict(self, outcome: Outcome, table: Any) -> np.ndarray:
        """Predict by a job: the warm worker answers at once, where a process of its own would load TensorFlow."""
        assert outcome.model is not None, outcome.failure
        metadata = read_bundle(Path(outcome.model.uri))
        dataset = build_predict_dataset(table, metadata.profile)
        spec = self.spec(
            dataset,
            metadata.task,
            metadata.target,
            metadata.metric,
            kind="predict",
            model=outcome.model,
            budget=Budget(),
        )
        predicted = self.run(spec, dataset)
        assert predicted.state is JobState.SUCCEEDED, predicted.failure
        return np.load(predicted.predictions, allow_pickle=False)


@dataclass
class Fit:
    """A job that has ended, and what it was asked."""

    spec: JobSpec
    dataset: Dataset
    outcome: Outcome


def wait(condition: Any, seconds: float = 120.0) -> Any:
    """Wait until ``condition()`` holds and return what it said."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.02)
    return answer
