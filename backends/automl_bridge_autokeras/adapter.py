"""The AutoKeras backend: searches run in a worker process, this module never imports TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from automl_bridge.backend import Backend, JobRef, Plan, Staged
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.task import Task
from automl_bridge_autokeras import lanes
from automl_bridge_autokeras.ray_request import ray_checks, ray_environment
from automl_bridge_autokeras.request import plan_predict, plan_train, staged_request
from automl_bridge_autokeras.settings import AutoKerasSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import BaseModel

    from automl_bridge.backend import Check, Outcome, Predictor, Progress
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.local.queue import LocalQueue
    from automl_bridge.spec import JobSpec, ModelRef

__all__ = ["AutoKerasBackend"]


class AutoKerasBackend(Backend):
    """Searches neural networks with AutoKeras on this machine."""

    name: ClassVar[str] = "autokeras"
    settings_class: ClassVar[type[BaseModel]] = AutoKerasSettings
    extra: ClassVar[str | None] = "autokeras"
    requires: ClassVar[tuple[str, ...]] = ("autokeras", "keras_tuner", "keras", "tensorflow", "tensorboard", "six")
    verified: ClassVar[str] = "runs on this machine"
    capabilities: ClassVar[Capabilities] = Capabilities(
        tasks={
            Task.TABULAR_CLASSIFICATION: None,
            Task.TABULAR_REGRESSION: None,
            Task.IMAGE_CLASSIFICATION: None,
            Task.IMAGE_REGRESSION: None,
            Task.TEXT_CLASSIFICATION: None,
            Task.TEXT_REGRESSION: None,
            Task.FORECASTING: None,
            Task.MULTIMODAL_CLASSIFICATION: None,
            Task.MULTIMODAL_REGRESSION: None,
        },
        features=dict.fromkeys(Feature, None),
    )

    settings: AutoKerasSettings

    def check(self) -> Iterable[Check]:
        """Look at packages, memory, cores, GPUs and the workspace."""
        from automl_bridge_autokeras.doctor import checks

        yield from checks(self.workspace, self._environment())
        yield from ray_checks(self.settings)

    def plan(self, spec: JobSpec) -> Plan:
        """Translate ``spec``; see `Backend.plan`."""
        if spec.kind == "predict":
            return plan_predict(spec)
        self.capabilities.require(self.name, spec.task)
        return plan_train(spec, self.settings, self.prices)

    def stage(self, plan: Plan, dataset: Dataset) -> Staged:
        """Point to the saved data set; one that is not saved yet is saved in the workspace."""
        saved = dataset if dataset.path is not None else dataset.save(self.workspace / "datasets")
        assert saved.path is not None
        name = "predict" if plan.spec.kind == "predict" else "train"
        return Staged(uris={name: str(saved.path)}, bytes_sent=0)

    def submit(self, plan: Plan, staged: Staged) -> JobRef:
        """Queue the job; one of that name is there at most once. Searches on a cluster do not wait for one another."""
        lane = lanes.lane_of(plan)
        try:
            lanes.make(self.workspace, lane)
        except OSError as error:
            from automl_bridge.local.files import storage_error

            raise storage_error(error, self.workspace) from error
        self._queue(lane).submit(plan.spec.name, staged_request(plan, staged.uris))
        return self._ref(plan)

    def find(self, plan: Plan) -> JobRef | None:
        """Return the job if it was queued."""
        return self._ref(plan) if self._queue(lanes.lane_of(plan)).exists(plan.spec.name) else None

    def poll(self, jobs: Sequence[JobRef]) -> Mapping[JobRef, Progress]:
        """Read how far jobs are."""
        queues = {lane: self._queue(lane) for lane in {_lane(job) for job in jobs}}
        found = {job: queues[_lane(job)].progress(job.name) for job in jobs}
        return {job: progress for job, progress in found.items() if progress is not None}

    def cancel(self, job: JobRef) -> None:
        """Ask the job to stop; the best model so far is kept."""
        self._queue(_lane(job)).cancel(job.name)

    def kill(self) -> None:
        """End supervisors and workers at once; a job that has not ended goes on when someone looks."""
        for lane in range(lanes.LANES):
            self._queue(lane).kill()

    def collect(self, job: JobRef) -> Outcome:
        """Read what came of a job that has ended."""
        return self._queue(_lane(job)).outcome(job.name)

    def load(self, model: ModelRef) -> Predictor:
        """Load a bundle in a process of its own; loading begins at once."""
        from automl_bridge.bundle import read_bundle
        from automl_bridge_autokeras.predictor import ChildPredictor

        read_bundle(Path(model.uri))  # refused here and now, not at the first prediction
        return ChildPredictor(Path(model.uri), self._environment())

    def export(self, model: ModelRef, path: Path) -> Path:
        """Copy the bundle."""
        from automl_bridge.bundle import copy_bundle

        return copy_bundle(Path(model.uri), path)

    def convert(self, model: ModelRef, path: Path, form: str) -> Path:
        """Write the network as keras, savedmodel or onnx, in a process of its own; see `Backend.convert`."""
        from automl_bridge_autokeras.converting import convert_elsewhere

        return convert_elsewhere(Path(model.uri), path, form, self._environment())

    def _ref(self, plan: Plan) -> JobRef:
        lane = lanes.lane_of(plan)
        return JobRef(backend=self.name, name=plan.spec.name, kind=plan.spec.kind, remote_id=str(lane) if lane else "")

    def _queue(self, lane: int = 0) -> LocalQueue:
        from automl_bridge.local.queue import LocalQueue

        return LocalQueue(
            lanes.place(self.workspace, lane),
            "automl_bridge_autokeras.worker:handle",
            linger=self.settings.linger,
            max_memory=self.settings.max_memory,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        """Variables for processes that load TensorFlow: little noise, no more of cores and GPU than needed."""
        threads = str(self.settings.threads or os.cpu_count() or 1)
        return {
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": "1",
            "KERAS_BACKEND": "tensorflow",
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            **(ray_environment() if self.settings.ray_address else {}),
        }


def _lane(job: JobRef) -> int:
    """Return the lane that a job was given when it was submitted."""
    return int(job.remote_id or 0)
