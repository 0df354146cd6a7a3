"""One search: AutoKeras' tuner over the prepared data. Imports TensorFlow; runs in the worker only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_tuner

from autokeras import tuners
from automl_bridge_autokeras.heads import BridgeModel, ClassHead, ValueHead, usual_epochs
from automl_bridge_autokeras.inputs_tabular import PRESETS, table_nodes
from automl_bridge_autokeras.judging import Patience
from automl_bridge_autokeras.tuner import tuner_class

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.prepared import Prepared
    from automl_bridge_autokeras.recorder import Recorder
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["run_search"]

_TUNERS = {
    "greedy": tuners.Greedy,
    "bayesian": tuners.BayesianOptimization,
    "random": tuners.RandomSearch,
    "hyperband": tuners.Hyperband,
}
_PATIENCE = 10  # epochs, as AutoKeras has it; more where epochs are short
_HYPERBAND_EPOCHS = 48


def run_search(
    spec: JobSpec,
    settings: AutoKerasSettings,
    prepared: Prepared,
    recorder: Recorder,
    project: Path,
    max_trials: int,
) -> None:
    """Search until the recorder, or the number of trials, ends it; the recorder hears of everything.

    Parameters
    ----------
    spec, settings
        What is asked.
    prepared
        The data.
    recorder
        Hears of epochs and trials, keeps models.
    project
        The search's folder; a search that is there is gone on with.
    max_trials
        Trials in all, earlier ones included.
    """
    train, validation = prepared.train.arrays, prepared.validation.arrays
    model = _model(spec, settings, prepared, recorder, project, max_trials)
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


def _model(
    spec: JobSpec,
    settings: AutoKerasSettings,
    prepared: Prepared,
    recorder: Recorder,
    project: Path,
    max_trials: int,
) -> BridgeModel:
    inputs = prepared.inputs
    nodes, trunk = table_nodes(prepared.train.arrays.inputs, inputs.levels, inputs.offsets.tolist())
    hyperband = settings.tuner == "hyperband"
    options: dict[str, Any] = {"max_epochs": settings.epochs or _HYPERBAND_EPOCHS} if hyperband else {}
    metric = prepared.metric
    return BridgeModel(
        nodes,
        _head(spec, prepared)(trunk),
        tuner=tuner_class(_TUNERS[settings.tuner]),
        directory=str(project.parent),
        project_name=project.name,
        max_trials=max_trials,
        objective=keras_tuner.Objective(metric.name, "max" if metric.greater_is_better else "min"),
        seed=1 + spec.seed % 2**31,  # AutoKeras takes 0 for none
        max_model_size=settings.max_model_size,
        listener=recorder,
        judge=prepared.judge,
        presets=() if hyperband else PRESETS,
        base_seed=spec.seed,
        patience=None if settings.epochs else Patience(max(_PATIENCE, usual_epochs(prepared.train.arrays.rows) // 3)),
        **options,
    )


def _head(spec: JobSpec, prepared: Prepared) -> Any:
    if prepared.classes:
        return ClassHead(prepared.classes, name="probabilities")
    return ValueHead(len(spec.target), "absolute" if spec.metric == "mae" else "squared", name="values")


def _one_or_all(arrays: tuple[NDArray[Any], ...]) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]
