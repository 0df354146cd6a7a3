"""A train job, from its request to its outcome. Light until the data is ready; then TensorFlow is loaded."""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.bundle import BundleMetadata
from automl_bridge.data.dataset import Dataset
from automl_bridge.errors import RunFailedError, UsageError
from automl_bridge.local.files import read_json
from automl_bridge.spec import JobSpec
from automl_bridge_autokeras import model_io, resume
from automl_bridge_autokeras.guard import LinearGuard
from automl_bridge_autokeras.joining import join_trials, refits
from automl_bridge_autokeras.parallel import crew_of
from automl_bridge_autokeras.parallel_recorder import ParallelRecorder
from automl_bridge_autokeras.prepared import LOSS, Prepared
from automl_bridge_autokeras.recorder import Recorder
from automl_bridge_autokeras.settings import AutoKerasSettings

if TYPE_CHECKING:
    from automl_bridge.backend import Outcome
    from automl_bridge.local.job import Job
    from automl_bridge.metrics import Metric
    from automl_bridge_autokeras.parallel import Crew

__all__ = ["train", "versions"]

_log = logging.getLogger(__name__)


def train(job: Job) -> Outcome:
    """Search models until the budget ends; returns the best and the leaderboard."""
    spec = JobSpec.model_validate(job.request["spec"])
    settings = AutoKerasSettings.model_validate(job.request["settings"])
    crew = crew_of(job, settings)
    try:
        return _train(job, spec, settings, crew)
    finally:
        if crew is not None:
            crew.end()


def _train(job: Job, spec: JobSpec, settings: AutoKerasSettings, crew: Crew | None) -> Outcome:
    dataset = Dataset.open(Path(job.request["data"]["train"]))
    project = _project(job, dataset)
    notes = _prepare_folder(job, project, spec, settings)
    prepared = Prepared.of(dataset, spec, settings, str(job.request["objective"]))
    _log.info("%s rows of %s arrays are ready", len(prepared.train.target), len(prepared.train.arrays.inputs))
    code = job.request.get("code", [])
    searched = None
    if code:
        # What the user's functions do wrong ends the job before there is any model.
        from automl_bridge_autokeras.search import prepare_search

        try:
            searched = prepare_search(spec, settings, prepared, code)
        except UsageError as error:
            raise RunFailedError(str(error), kind="data") from error
    save = _Saver(spec, prepared)
    recorder = _recorder(job, project, spec, prepared, save, crew)
    recorder.notes.extend(notes)
    max_trials = int(job.request["max_trials"])
    if not recorder.is_late and len(recorder.trials) < max_trials:
        _log.info("a first model is kept; TensorFlow is loaded")
        if crew is not None:
            assert isinstance(recorder, ParallelRecorder)
            crew.describe(spec, prepared, code, recorder)
        from automl_bridge_autokeras.search import prepare_search, run_search

        searched = searched or prepare_search(spec, settings, prepared)
        save.inputs = searched.prepared.inputs
        recorder.refits = refits(settings, forecast=spec.forecast is not None)
        recorder.joins = settings.ensemble or recorder.refits
        _log.info("the search begins")
        tuner = run_search(spec, settings, searched, recorder, project, max_trials, crew)
        recorder.search_ended()
        _log.info("the search has ended")
        join_trials(recorder, prepared, tuner, settings)
    return recorder.final()


def versions() -> dict[str, str]:
    """Return the versions of what makes a model."""
    found = {"python": platform.python_version()}
    for name in ("automl-bridge", "autokeras", "keras", "keras-tuner", "tensorflow", "tensorflow-cpu", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _project(job: Job, dataset: Dataset) -> Path:
    # The split is a part of the question: scores on other validation rows do not compare.
    split = hashlib.sha256(dataset.split_digest.encode()).hexdigest()[:8]
    return job.folder / f"search-{job.request['search']}-{split}"


def _prepare_folder(job: Job, project: Path, spec: JobSpec, settings: AutoKerasSettings) -> list[str]:
    """Make the search's folder ready to go on from whatever is there; returns notes."""
    notes = []
    if spec.continues and not project.exists():
        earlier = job.folder.parent / spec.continues / project.name
        if settings.overwrite:
            notes.append(f"the setting overwrite starts anew: trials of {spec.continues} are not used")
        elif resume.adopt(earlier, project):
            notes.append(f"goes on from the finished trials of {spec.continues}")
        else:
            notes.append(f"{spec.continues} has no finished trials of the same data and settings: starts anew")
    resume.mend(project, crashed=job.attempt > 1)
    project.mkdir(parents=True, exist_ok=True)
    return notes


class _Saver:
    """Writes bundles; ``inputs`` is what networks are fed with, which a space of the user's may change."""

    def __init__(self, spec: JobSpec, prepared: Prepared) -> None:
        self._spec, self._prepared = spec, prepared
        self.inputs = prepared.inputs
        self.versions = versions()

    def __call__(self, path: Path, model: Any, words: str, value: float) -> None:
        metadata = _metadata(self._spec, self._prepared.metric, words, value, self.versions)
        inputs = self._prepared.inputs if isinstance(model, LinearGuard) else self.inputs
        model_io.save(path, model, self._prepared.finished(inputs, model), self._prepared.scale, metadata)


def _recorder(job: Job, project: Path, spec: JobSpec, prepared: Prepared, save: _Saver, crew: Crew | None) -> Recorder:
    kind = Recorder if crew is None else ParallelRecorder
    recorder = kind(job, project, prepared.metric, int(job.request["max_trials"]), save, save.versions)
    _restore(recorder, project, prepared.metric)
    if prepared.metric is LOSS and job.request["objective"] != LOSS.name:
        recorder.notes.append(f"{spec.metric} is not defined on the validation rows: trials are compared by val_loss")
    if recorder.needs_guard:
        guard, scores = prepared.guard()
        recorder.keep_guard(guard, scores[prepared.metric.name])
    return recorder


def _restore(recorder: Recorder, project: Path, metric: Metric) -> None:
    """Tell the recorder of the trials that are there already."""
    for path in sorted(project.glob("trial_*/trial.json")):
        trial = read_json(path) or {}
        result = read_json(path.parent / resume.RESULT)
        if trial.get("status") == "COMPLETED" and result and metric.name in result["scores"]:
            recorder.restore(trial["trial_id"], trial["hyperparameters"]["values"], result)
        elif trial.get("status") in {"FAILED", "INVALID"}:
            recorder.restore_failed(trial["trial_id"], trial.get("message") or "")


def _metadata(spec: JobSpec, metric: Metric, words: str, value: float, made_by: dict[str, str]) -> BundleMetadata:
    return BundleMetadata(
        backend="autokeras",
        task=spec.task,
        target=spec.target,
        metric=spec.metric,
        profile=spec.profile,
        forecast=spec.forecast,
        seed=spec.seed,
        objective=metric.name,
        model=words,
        score=value,
        versions=made_by,
        run=spec.name,
    )
