"""A service in a folder, and the backend for it: it counts what is made, and can break anywhere."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from automl_bridge.backend import (
    Backend,
    Check,
    Failure,
    JobRef,
    JobState,
    Objective,
    Outcome,
    Plan,
    PlannedResource,
    Progress,
    Resource,
    Staged,
    Trial,
)
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.data.build import build_dataset
from automl_bridge.data.dataset import Dataset
from automl_bridge.spec import JobSpec, ModelRef
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Settings(BaseModel):
    """None."""


class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.time = now
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        self.on_sleep()


class Killer:
    """Kills this process, as the kernel would, at the given boundary; counts them all."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0

    def __call__(self, _what: str = "") -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def no_boundary(_what: str = "") -> None:
    """Let everything pass."""


@dataclass
class Service:
    """Jobs and models in a folder. Each creation is a line in ``log``; names are not checked: that is the caller's."""

    folder: Path
    boundary: Callable[[str], None] = no_boundary

    def __post_init__(self) -> None:
        (self.folder / "things").mkdir(parents=True, exist_ok=True)

    def create(self, kind: str, name: str, content: dict[str, object]) -> None:
        self.boundary(f"before {kind}")
        # The thing and its line in the log appear together, as in a service that is not killed with its caller.
        draft = self.folder / f".{kind}.{name}.{os.getpid()}"
        draft.write_text(json.dumps(content))
        number = sum(1 for _ in self.made(kind, name)) + 1
        draft.rename(self.folder / "things" / f"{kind}.{name}.{number}")
        self.boundary(f"after {kind}")

    def made(self, kind: str, name: str) -> list[Path]:
        """Return all things of that kind and name that were ever made; more than one is one too many."""
        return sorted((self.folder / "things").glob(f"{kind}.{name}.*"))

    def get(self, kind: str, name: str) -> dict[str, object] | None:
        there = [path for path in self.made(kind, name) if not path.name.endswith(".gone")]
        return json.loads(there[0].read_text()) if there else None

    def put(self, kind: str, name: str, content: dict[str, object]) -> None:
        path = self.made(kind, name)[0]
        draft = self.folder / f".put.{os.getpid()}"
        draft.write_text(json.dumps(content))
        draft.rename(path)

    def delete(self, kind: str, name: str) -> None:
        self.boundary(f"before delete {kind}")
        for path in self.made(kind, name):
            if not path.name.endswith(".gone"):
                with contextlib.suppress(FileNotFoundError):
                    path.rename(path.with_name(f"{path.name}.gone"))
        self.boundary(f"after delete {kind}")

    def names(self, kind: str) -> list[str]:
        """Return the names of the things of a kind that were ever made, one for each time they were made."""
        return sorted(path.name.split(".")[1] for path in (self.folder / "things").glob(f"{kind}.*"))

    def present(self, kind: str) -> list[str]:
        """Return the names of the things of a kind that are there."""
        there = (path for path in (self.folder / "things").glob(f"{kind}.*") if not path.name.endswith(".gone"))
        return sorted(path.name.split(".")[1] for path in there)


@dataclass
class Script:
    """What the toy does: how many polls a job takes, how it ends, which errors come first."""

    polls: int = 1
    outcome: Callable[[str, Outcome], Outcome] = lambda _name, outcome: outcome
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def call(self, name: str) -> None:
        self.calls.append(name)
        waiting = self.errors.get(name)
        if waiting:
            raise waiting.pop(0)


class ToyBackend(Backend):
    """Trains nothing: predicts how often each class was seen, or the mean."""

    name: ClassVar[str] = "toy"
    settings_class: ClassVar[type[BaseModel]] = Settings
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks={Task.TABULAR_CLASSIFICATION: None, Task.TABULAR_REGRESSION: None},
        features={Feature.RESUME: None, Feature.CANCEL: None},
    )

    def __init__(self, service: Service, script: Script | None = None) -> None:
        super().__init__(Settings(), service.folder)
        self.service = service
        self.script = script or Script()

    def check(self) -> list[Check]:
        return [Check(name="folder", ok=self.service.folder.is_dir())]

    def plan(self, spec: JobSpec) -> Plan:
        self.script.call("plan")
        resources = (PlannedResource(kind="model", name=f"{spec.name}-m"),)
        return Plan(
            spec=spec, backend=self.name, request={"job": spec.name}, resources=resources,
            objective=Objective(name="share", exact=False) if spec.kind == "train" else None,
        )  # fmt: skip

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        self.script.call("stage")
        assert "holdout" not in dataset.parts or plan.spec.kind == "train"
        self.service.boundary("staging")
        rows = sum(dataset.parts[part].num_rows for part in dataset.parts if part != "holdout")
        return Staged(uris={"rows": str(rows)}, bytes_sent=1)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        self.script.call("submit")
        name = plan.spec.name
        for resource in plan.resources:
            if self.service.get(resource.kind, resource.name) is None:
                self.service.create(resource.kind, resource.name, {})
        if self.service.get("job", name) is None:
            content = {"polls": 0, "cancelled": False, "spec": plan.spec.model_dump(mode="json"), "rows": staged.uris}
            self.service.create("job", name, content)
        return JobRef(backend=self.name, name=name, kind=plan.spec.kind, remote_id=f"id-{name}")

    def find(self, plan: Plan) -> JobRef | None:
        self.script.call("find")
        self.service.boundary("finding")
        name = plan.spec.name
        if self.service.get("job", name) is None:
            return None
        return JobRef(backend=self.name, name=name, kind=plan.spec.kind, remote_id=f"id-{name}")

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        self.script.call("poll")
        self.service.boundary("polling")
        answers = {}
        for ref in jobs:
            job = self.service.get("job", ref.name)
            if job is not None:
                job["polls"] += 1
                self.service.put("job", ref.name, job)
                answers[ref] = self._progress(job)
        return answers

    def _progress(self, job: dict) -> Progress:
        done = job["cancelled"] or job["polls"] >= self.script.polls
        trials = tuple(Trial(id=str(number), model="share", score=0.5) for number in range(1, 1 + job["polls"]))
        return Progress(state=JobState.SUCCEEDED if done else JobState.RUNNING, trials=trials, trial=len(trials))

    def cancel(self, job: JobRef) -> None:
        self.script.call("cancel")
        found = self.service.get("job", job.name)
        assert found is not None
        if found["polls"] < self.script.polls:
            self.service.put("job", job.name, {**found, "cancelled": True})

    def collect(self, job: JobRef) -> Outcome:
        self.script.call("collect")
        self.service.boundary("collecting")
        found = self.service.get("job", job.name)
        assert found is not None
        spec = JobSpec.model_validate(found["spec"])
        usage = Usage(items=(UsageItem(sku="toy", quantity=1, unit="hour"),))
        if spec.kind == "train":
            model = ModelRef(
                backend=self.name, uri=f"toy://{job.name}-m", details={"counts": [*spec.profile.class_counts]}
            )
            trials = tuple(Trial(id=str(n), model="share", score=0.5) for n in range(1, 1 + found["polls"]))
            stopped = "cancel" if found["cancelled"] else "done"
            outcome = Outcome(state=JobState.SUCCEEDED, trials=trials, model=model, usage=usage, stopped_by=stopped)
        else:
            path = self.service.folder / f"{job.name}.npy"
            np.save(path, predictions(spec))
            outcome = Outcome(state=JobState.SUCCEEDED, predictions=path, usage=usage)
        return self.script.outcome(job.name, outcome)

    def resources(self) -> list[Resource]:
        return [Resource(backend=self.name, kind="model", name=name) for name in self.service.present("model")]

    def delete(self, resource: Resource) -> None:
        self.script.call("delete")
        self.service.delete(resource.kind, resource.name)


def predictions(spec: JobSpec) -> np.ndarray:
    """Predict how often each class was seen in the data that the model was trained on."""
    assert spec.model is not None
    counts = np.asarray(spec.model.details["counts"], dtype=float)
    shares = counts / counts.sum()
    return np.tile(shares, (spec.profile.rows["predict"], 1))


def failed(kind: str, message: str = "as asked") -> Outcome:
    """Return the outcome of a job that failed."""
    return Outcome(state=JobState.FAILED, failure=Failure(kind=kind, message=message))


def small_dataset(seed: int = 0, rows: int = 40) -> tuple[Task, Dataset]:
    """Return a table with two classes, split."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    table = pa.table({"x": x, "y": np.where(x + rng.normal(size=rows) > 0, "yes", "no")})
    return build_dataset(table, target="y", seed=seed)
