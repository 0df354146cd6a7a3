"""One search: AutoKeras' tuner over the prepared data. Imports TensorFlow; runs in the worker only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras_tuner

from autokeras import tuners
from automl_bridge_autokeras.callbacks import load_callbacks
from automl_bridge_autokeras.heads import BridgeModel, ClassHead, ValueHead, usual_epochs
from automl_bridge_autokeras.joining import refits
from automl_bridge_autokeras.judging import Patience
from automl_bridge_autokeras.space import Space, space_of
from automl_bridge_autokeras.tuner import tuner_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.prepared import Prepared
    from automl_bridge_autokeras.settings import AutoKerasSettings
    from automl_bridge_autokeras.tuner import Listener

__all__ = ["Searched", "prepare_search", "run_search"]

_TUNERS = {
    "greedy": tuners.Greedy,
    "bayesian": tuners.BayesianOptimization,
    "random": tuners.RandomSearch,
    "hyperband": tuners.Hyperband,
}
_PATIENCE = 10  # epochs, as AutoKeras has it; more where epochs are short
_HYPERBAND_EPOCHS = 48


@dataclass(frozen=True)
class Searched:
    """What is searched: the space, the data as it is fed with them, and what makes the user's callbacks."""

    space: Space
    prepared: Prepared
    callbacks: Sequence[Any] = ()


def prepare_search(
    spec: JobSpec, settings: AutoKerasSettings, prepared: Prepared, code: Sequence[str] = ()
) -> Searched:
    """Return what is searched; runs the user's functions, if the settings name any.

    Parameters
    ----------
    spec, settings, prepared
        What is asked.
    code
        Digests of the user's functions, as they were when the job was planned: search space, then callbacks.

    Raises
    ------
    UsageError
        If one of them does not do what it should.
    """
    callbacks = load_callbacks(settings.callbacks, code[len(code) - len(settings.callbacks) :])
    if settings.search_space is None:
        return Searched(space_of(prepared.inputs, prepared.train.arrays.inputs), prepared, callbacks)
    from automl_bridge_autokeras.custom import check_graph, custom_space

    space, inputs = custom_space(settings.search_space, code[0], spec, prepared)
    check_graph(space)
    return Searched(space, prepared.fed(inputs, inputs.choose), callbacks)


def run_search(
    spec: JobSpec,
    settings: AutoKerasSettings,
    searched: Searched,
    recorder: Listener,
    project: Path,
    max_trials: int,
    conduct: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Search until the recorder, or the number of trials, ends it; returns the tuner, which knows the trials.

    Parameters
    ----------
    spec, settings
        What is asked.
    searched
        The data, and what is searched.
    recorder
        Hears of epochs and trials, keeps models.
    project
        The search's folder; a search that is there is gone on with.
    max_trials
        Trials in all, earlier ones included.
    conduct
        Who runs the trials instead of this process, one after another; see `TrialRunner.conduct`.
    """
    prepared, space = searched.prepared, searched.space
    train, validation = prepared.train.arrays, prepared.validation.arrays
    model = _model(spec, settings, searched, recorder, project, max_trials)
    model.tuner.hypermodel.fixed_epochs, model.tuner.hypermodel.usual_steps = settings.epochs, space.steps
    model.tuner.oracle.max_trials = max_trials
    model.tuner.weigh(train.weights, validation.weights)
    model.tuner.conduct = conduct
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
    return model.tuner


def _model(
    spec: JobSpec,
    settings: AutoKerasSettings,
    searched: Searched,
    recorder: Listener,
    project: Path,
    max_trials: int,
) -> BridgeModel:
    prepared, space = searched.prepared, searched.space
    hyperband = settings.tuner == "hyperband"
    options: dict[str, Any] = {"max_epochs": settings.epochs or _HYPERBAND_EPOCHS} if hyperband else {}
    metric = prepared.metric
    patience = max(_PATIENCE, usual_epochs(prepared.train.arrays.rows, space.steps) // 3)
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
        patience=None if settings.epochs else Patience(patience),
        keeps_models=settings.ensemble or refits(settings, forecast=spec.forecast is not None),
        callbacks=searched.callbacks,
        **options,
    )


def _head(spec: JobSpec, prepared: Prepared) -> Any:
    error = "absolute" if spec.metric == "mae" else "squared"
    if spec.forecast is not None:
        from automl_bridge_autokeras.blocks_forecast import ForecastHead

        error = "squared" if spec.metric == "rmse" else "absolute"
        return ForecastHead(spec.forecast.horizon, spec.forecast.quantiles, error, name="steps")
    if prepared.classes:
        return ClassHead(prepared.classes, name="probabilities")
    return ValueHead(len(spec.target), error, name="values")


def _one_or_all(arrays: tuple[NDArray[Any], ...]) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]
