"""One search: AutoKeras' tuner over the prepared data. Imports TensorFlow; runs in the worker only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_tuner

from autokeras import tuners
from automl_bridge_autokeras.callbacks import load_callbacks
from automl_bridge_autokeras.heads import BridgeModel, ClassHead, ValueHead, usual_epochs
from automl_bridge_autokeras.judging import Patience
from automl_bridge_autokeras.space import Space, space_of
from automl_bridge_autokeras.tuner import tuner_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.prepared import Prepared
    from automl_bridge_autokeras.recorder import Recorder
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["prepare_space", "run_search"]

_TUNERS = {
    "greedy": tuners.Greedy,
    "bayesian": tuners.BayesianOptimization,
    "random": tuners.RandomSearch,
    "hyperband": tuners.Hyperband,
}
_PATIENCE = 10  # epochs, as AutoKeras has it; more where epochs are short
_HYPERBAND_EPOCHS = 48


def prepare_space(
    spec: JobSpec, settings: AutoKerasSettings, prepared: Prepared, code: Sequence[str]
) -> tuple[Space, Prepared]:
    """Return what is searched, and the data as it is fed with them.

    Parameters
    ----------
    spec, settings, prepared
        What is asked.
    code
        Digests of the user's functions, as they were when the job was planned.
    """
    if settings.search_space is None:
        return space_of(prepared.inputs, prepared.train.arrays.inputs), prepared
    from automl_bridge_autokeras.custom import check_graph, custom_space

    space, inputs = custom_space(settings.search_space, code[0], spec, prepared)
    check_graph(space)
    return space, prepared.fed(inputs, inputs.choose)


def run_search(
    spec: JobSpec,
    settings: AutoKerasSettings,
    prepared: Prepared,
    space: Space,
    recorder: Recorder,
    project: Path,
    max_trials: int,
    code: Sequence[str] = (),
) -> None:
    """Search until the recorder, or the number of trials, ends it; the recorder hears of everything.

    Parameters
    ----------
    spec, settings
        What is asked.
    prepared, space
        The data, and what is searched.
    recorder
        Hears of epochs and trials, keeps models.
    project
        The search's folder; a search that is there is gone on with.
    max_trials
        Trials in all, earlier ones included.
    code
        Digests of the user's functions; those of callbacks stand last.
    """
    train, validation = prepared.train.arrays, prepared.validation.arrays
    callbacks = load_callbacks(settings.callbacks, code[len(code) - len(settings.callbacks) :])
    model = _model(spec, settings, prepared, space, recorder, project, max_trials, callbacks)
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
    space: Space,
    recorder: Recorder,
    project: Path,
    max_trials: int,
    callbacks: Sequence[Any],
) -> BridgeModel:
    hyperband = settings.tuner == "hyperband"
    options: dict[str, Any] = {"max_epochs": settings.epochs or _HYPERBAND_EPOCHS} if hyperband else {}
    metric = prepared.metric
    return BridgeModel(
        space.nodes,
        _head(spec, prepared)(space.trunk),
        tuner=tuner_class(_TUNERS[settings.tuner]),
        directory=str(project.parent),
        project_name=project.name,
        max_trials=max_trials,
        objective=keras_tuner.Objective(metric.name, "max" if metric.greater_is_better else "min"),
        seed=1 + spec.seed % 2**31,  # AutoKeras takes 0 for none
        max_model_size=settings.max_model_size,
        listener=recorder,
        judge=prepared.judge,
        presets=() if hyperband else space.presets,
        base_seed=spec.seed,
        patience=None if settings.epochs else Patience(max(_PATIENCE, usual_epochs(prepared.train.arrays.rows) // 3)),
        keeps_models=settings.ensemble,
        callbacks=callbacks,
        **options,
    )


def _head(spec: JobSpec, prepared: Prepared) -> Any:
    if prepared.classes:
        return ClassHead(prepared.classes, name="probabilities")
    return ValueHead(len(spec.target), "absolute" if spec.metric == "mae" else "squared", name="values")


def _one_or_all(arrays: tuple[NDArray[Any], ...]) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]
