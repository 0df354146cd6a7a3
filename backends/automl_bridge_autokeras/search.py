"""One search: from a job's data to AutoKeras' tuner and back. Imports TensorFlow; runs in the worker only."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np
from autokeras import tuners

from automl_bridge.bundle import BundleMetadata
from automl_bridge.errors import DataError
from automl_bridge.local.files import read_json
from automl_bridge.metrics import METRICS, Metric
from automl_bridge.scoring import score
from automl_bridge_autokeras import model_io, resume, training
from automl_bridge_autokeras.heads import BridgeModel, ClassHead, ValueHead
from automl_bridge_autokeras.inputs_tabular import PRESETS, TableInputs, table_nodes
from automl_bridge_autokeras.recorder import Recorder
from automl_bridge_autokeras.tuner import RESULT, tuner_class

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from automl_bridge.backend import Outcome
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.local.job import Job
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["run_search", "versions"]

_TUNERS = {
    "greedy": tuners.Greedy,
    "bayesian": tuners.BayesianOptimization,
    "random": tuners.RandomSearch,
    "hyperband": tuners.Hyperband,
}
_LOSS = Metric("val_loss", False, "values", "validation loss")
_PATIENCE = 10  # epochs, as AutoKeras has it
_HYPERBAND_EPOCHS = 48


@dataclass(frozen=True)
class _Part:
    """One part of the data, encoded: the model's arrays, and the target as it is scored."""

    arrays: training.Arrays
    target: NDArray[Any]
    weights: NDArray[np.float64] | None


def versions() -> dict[str, str]:
    """Return the versions of what makes a model."""
    found = {"python": platform.python_version()}
    for name in ("automl-bridge", "autokeras", "keras", "keras-tuner", "tensorflow", "tensorflow-cpu", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def run_search(job: Job, spec: JobSpec, settings: AutoKerasSettings, dataset: Dataset) -> Outcome:
    """Search models for ``spec`` until the budget ends; returns the best and the leaderboard."""
    columns = spec.profile.features
    inputs = TableInputs.fit(dataset.features("train"), columns, spec.seed)
    scale = None
    if not spec.task.is_classification:
        scale = model_io.TargetScale.fit(dataset.target_values("train"), dataset.weights("train"))
    parts = {name: _encode(dataset, name, spec, inputs, scale) for name in _names(dataset)}
    if "validation" not in parts:
        parts = _cut_validation(parts["train"], spec.seed)
    judge, metric = _judge(spec, settings, parts["validation"], scale)
    # The split is a part of the question: scores on other validation rows do not compare.
    split = hashlib.sha256(dataset.split_digest.encode()).hexdigest()[:8]
    project = job.folder / f"search-{job.request['search']}-{split}"
    notes = _prepare_folder(job, project, spec, settings)
    max_trials = int(job.request["max_trials"])

    def save(path: Path, model: Any, words: str, value: float) -> None:
        model_io.save(path, model, inputs, scale, _metadata(spec, metric.name, words, value))

    recorder = Recorder(job, project, metric, max_trials, save, versions())
    recorder.notes.extend(notes)
    if metric is _LOSS and job.request["objective"] != "val_loss":
        recorder.notes.append(f"{spec.metric} is not defined on the validation rows: trials are compared by val_loss")
    _restore(recorder, project, metric)
    if recorder.stop() or len(recorder.trials) >= max_trials:
        return recorder.final()
    _search(spec, settings, inputs, parts, judge, metric, recorder, project, max_trials)
    return recorder.final()


def _search(
    spec: JobSpec,
    settings: AutoKerasSettings,
    inputs: TableInputs,
    parts: dict[str, _Part],
    judge: training.Judge,
    metric: Metric,
    recorder: Recorder,
    project: Path,
    max_trials: int,
) -> None:
    train, validation = parts["train"].arrays, parts["validation"].arrays
    nodes, trunk = table_nodes(train.inputs, inputs.levels)
    if spec.task.is_classification:
        head: Any = ClassHead(len(spec.profile.classes), name="probabilities")
    else:
        head = ValueHead(len(spec.target), "absolute" if spec.metric == "mae" else "squared", name="values")
    options: dict[str, Any] = {}
    if settings.tuner == "hyperband":
        options["max_epochs"] = settings.epochs or _HYPERBAND_EPOCHS
    model = BridgeModel(
        nodes,
        head(trunk),
        tuner=tuner_class(_TUNERS[settings.tuner]),
        directory=str(project.parent),
        project_name=project.name,
        max_trials=max_trials,
        objective=keras_tuner.Objective(metric.name, "max" if metric.greater_is_better else "min"),
        seed=1 + spec.seed % 2**31,
        max_model_size=settings.max_model_size,
        listener=recorder,
        judge=judge,
        presets=() if settings.tuner == "hyperband" else PRESETS,
        base_seed=spec.seed,
        patience=None if settings.epochs else training.Patience(_PATIENCE),
        **options,
    )
    model.tuner.hypermodel.fixed_epochs = settings.epochs
    model.tuner.oracle.max_trials = max_trials
    model.tuner.weigh(train.weights, validation.weights)
    try:
        model.fit(
            _one_or_all(train.inputs),
            train.target,
            validation_data=(_one_or_all(validation.inputs), validation.target),
            epochs=settings.epochs,
            verbose=0,
        )
    except RuntimeError as error:
        # AutoKeras gives up after several failures in a row; the recorder has their messages.
        if "consecutive failures" not in str(error):
            raise
        recorder.notes.append("the search was given up: too many trials failed one after another")


def _one_or_all(arrays: tuple[NDArray[Any], ...]) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]


def _names(dataset: Dataset) -> list[str]:
    return [name for name in ("train", "validation") if name in dataset.parts]


def _encode(
    dataset: Dataset, name: str, spec: JobSpec, inputs: TableInputs, scale: model_io.TargetScale | None
) -> _Part:
    weights = dataset.weights(name)
    if scale is None:
        target: NDArray[Any] = dataset.target_codes(name)
        wanted: NDArray[Any] = target.astype(np.int32)[:, None]
    else:
        target = dataset.target_values(name)
        wanted = scale.down(target)
    del spec
    return _Part(training.Arrays(inputs.transform(dataset.features(name)), wanted, weights), target, weights)


def _cut_validation(train: _Part, seed: int) -> dict[str, _Part]:
    """Take a fifth of the training rows to score trials by, where the data came without a validation part."""
    rows = len(train.target)
    if rows < 2:
        raise DataError(f"a search needs rows to learn from and others to score by; there are {rows}")
    order = np.random.default_rng(seed).permutation(rows)
    cut = max(1, rows // 5)

    def take(index: NDArray[np.int64]) -> _Part:
        weights = None if train.weights is None else train.weights[index]
        arrays = tuple(array[index] for array in train.arrays.inputs)
        return _Part(training.Arrays(arrays, train.arrays.target[index], weights), train.target[index], weights)

    return {"validation": take(np.sort(order[:cut])), "train": take(np.sort(order[cut:]))}


def _judge(
    spec: JobSpec, settings: AutoKerasSettings, part: _Part, scale: model_io.TargetScale | None
) -> tuple[training.Judge, Metric]:
    """Return what scores the validation outputs, and the metric that trials are compared by."""
    loss_name = "log_loss" if spec.task.is_classification else "rmse"

    def evaluate(outputs: NDArray[np.float64]) -> dict[str, float]:
        values = outputs if scale is None else scale.up(outputs)
        scores = {spec.metric: score(spec.metric, values, part.target, part.weights)}
        scores["val_loss"] = (
            scores[loss_name] if loss_name in scores else score(loss_name, values, part.target, part.weights)
        )
        return scores

    metric = METRICS[spec.metric] if settings.objective == "metric" else _LOSS
    outputs = max(1, len(spec.profile.classes)) if scale is None else len(spec.target)
    even = np.full((len(part.target), outputs), 1 / outputs if scale is None else 0.0)
    if not np.isfinite(evaluate(even)[metric.name]):
        metric = _LOSS

    def better(left: dict[str, float], right: dict[str, float]) -> bool:
        if left[metric.name] != right[metric.name]:
            return metric.better(left[metric.name], right[metric.name])
        return left["val_loss"] < right["val_loss"]  # labels alone often tie

    return training.Judge(evaluate, better), metric


def _prepare_folder(job: Job, project: Path, spec: JobSpec, settings: AutoKerasSettings) -> list[str]:
    """Make the search's folder ready to go on from whatever is there; returns notes."""
    if settings.overwrite and job.attempt == 1 and not project.exists() and spec.continues:
        return ["the setting overwrite starts anew: finished trials of the earlier run are not used"]
    notes = []
    if spec.continues and not project.exists():
        earlier = job.folder.parent / spec.continues / project.name
        if resume.adopt(earlier, project):
            notes.append(f"goes on from the finished trials of {spec.continues}")
        else:
            notes.append(f"{spec.continues} has no finished trials of the same data and settings: starts anew")
    resume.mend(project, crashed=job.attempt > 1)
    return notes


def _restore(recorder: Recorder, project: Path, metric: Metric) -> None:
    """Tell the recorder of the trials that are there already."""
    from keras_tuner.engine import trial as trial_module

    for path in sorted(project.glob("trial_*/trial.json")):
        trial = trial_module.Trial.load(str(path))
        result = read_json(path.parent / RESULT)
        if trial.status == trial_module.TrialStatus.COMPLETED and result and metric.name in result["scores"]:
            recorder.restore(trial.trial_id, trial.hyperparameters.values, result)
        elif trial.status in {trial_module.TrialStatus.FAILED, trial_module.TrialStatus.INVALID}:
            recorder.restore_failed(trial.trial_id, trial.message or "")
    for leftover in project.glob(".model-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _metadata(spec: JobSpec, objective: str, words: str, value: float) -> BundleMetadata:
    return BundleMetadata(
        backend="autokeras",
        task=spec.task,
        target=spec.target,
        metric=spec.metric,
        profile=spec.profile,
        seed=spec.seed,
        objective=objective,
        model=words,
        score=value,
        versions=versions(),
        params={"framework": "keras", "byteorder": sys.byteorder},
        run=spec.name,
    )
