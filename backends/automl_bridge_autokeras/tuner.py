"""AutoKeras' tuners with our way to run a trial: no discarded refit, no lost pipeline, a clock, and a seed a trial.

`tuner_class` mixes `TrialRunner` into one of AutoKeras' own tuners. Its oracle still chooses the hyperparameters and
keeps its state on disk, so that a search goes on where it was ended.
"""

from __future__ import annotations

import gc
import json
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import keras
import keras_tuner
import numpy as np
from keras_tuner import errors as tuner_errors

from autokeras import hyper_preprocessors
from automl_bridge.local.files import is_storage, read_json, write_text
from automl_bridge_autokeras import ensemble, judging, resume, training
from automl_bridge_autokeras.adapting import adapt
from automl_bridge_autokeras.callbacks import Callbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["EnoughError", "Listener", "TrialResult", "TrialRunner", "trial_seed", "tuner_class"]

_MAX_FAILED_IN_A_ROW = 6  # after so many, the next would fail too


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial that ended well; ``cut`` says that there was no time for half of what was planned."""

    trial_id: str
    values: Mapping[str, Any]
    scores: dict[str, float]
    best_epoch: int
    epochs: int
    seconds: float
    size: int
    cut: bool = False
    file: Path | None = None
    """Where its network was saved, if the trials are to be put together."""

    def document(self) -> dict[str, Any]:
        """Return what is kept of it on disk, beside AutoKeras' own record."""
        return {name: getattr(self, name) for name in ("scores", "best_epoch", "epochs", "seconds", "size", "cut")}


class EnoughError(Exception):
    """The listener wants no other trial."""


class Listener(Protocol):
    """Hears how the search goes; it decides when to stop and keeps the models."""

    notes: list[str]

    @property
    def is_late(self) -> bool:
        """Whether no other trial should start."""
        ...

    def stop(self) -> bool:
        """Whether the search must end now. Asked several times a second."""
        ...

    def seconds_for(self, trial_id: str) -> float | None:
        """Seconds that a trial should take at most; None: as it comes."""
        ...

    def trial_started(self, trial_id: str, epochs: int) -> None:
        """Take note that a trial starts."""
        ...

    def epoch_ended(self, trial_id: str, epoch: training.Epoch, model: keras.Model) -> None:
        """Take note of an epoch; ``model`` predicts with its weights."""
        ...

    def trial_ended(self, result: TrialResult, model: keras.Model) -> None:
        """Take note of a trial; ``model`` predicts with the weights that earned its scores."""
        ...

    def trial_failed(self, trial_id: str, message: str) -> None:
        """Take note of a failed trial."""
        ...


def trial_seed(seed: int, trial_id: str) -> int:
    """Return the seed of a trial: the same for the same search and trial, whatever ran before it."""
    return zlib.crc32(f"{seed}/{int(trial_id) if trial_id.isdigit() else trial_id}".encode()) & 0x7FFFFFFF


class TrialRunner:
    """Overrides of AutoKeras' AutoTuner; see `tuner_class`.

    Parameters
    ----------
    listener
        Hears everything.
    judge
        Scores the validation outputs.
    presets
        Hyperparameter values of the first trials, before the oracle chooses.
    base_seed
        Seed of the search.
    patience
        When a trial stops early.
    keeps_models
        Whether each trial's network and outputs stay in its folder, for an ensemble.
    callbacks
        What makes the user's callbacks.
    """

    oracle: Any
    hypermodel: Any
    conduct: Callable[[TrialRunner, Mapping[str, Any]], None] | None = None
    """Who runs the trials instead of the loop of Keras Tuner: called with this tuner and its data."""

    def __init__(
        self,
        *args: Any,
        listener: Listener,
        judge: judging.Judge,
        presets: Sequence[Mapping[str, Any]] = (),
        base_seed: int = 0,
        patience: judging.Patience | None = None,
        keeps_models: bool = False,
        callbacks: Sequence[Any] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._keeps_models, self._callbacks = keeps_models, callbacks
        self._listener, self._judge, self._presets = listener, judge, presets
        self._base_seed, self._patience = base_seed, patience
        self._weights: tuple[Any, Any] = (None, None)
        self._prepared: list[judging.Arrays] = []
        self._data: Mapping[str, Any] = {}
        self.oracle.verbose = 0
        self.oracle.max_consecutive_failed_trials = _MAX_FAILED_IN_A_ROW
        self._choose = self.oracle.populate_space
        self.oracle.populate_space = self._populate

    def weigh(self, train: Any, validation: Any) -> None:
        """Set the weights of the training and of the validation rows, or None."""
        self._weights = (train, validation)

    # -- the search -------------------------------------------------------------------------------------------------

    def search(self, **fit_kwargs: Any) -> None:
        """Run trials until the oracle, or the listener, has had enough. There is no refit: the best trial's model
        is the one that is kept.
        """  # noqa: D205 - one thought
        fit_kwargs.pop("callbacks", None)
        epochs = fit_kwargs.pop("epochs", None)
        self.hypermodel.set_fit_args(0, epochs=epochs)
        self._default_epochs, self._data = epochs or 1000, fit_kwargs
        if not self._presets:
            # Presets tell it by the first trial.
            self.learn_space(fit_kwargs)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: later collections need not look at it
        with suppress(EnoughError):
            if self.conduct is not None:
                self.conduct(self, fit_kwargs)
            else:
                keras_tuner.engine.base_tuner.BaseTuner.search(self, **fit_kwargs)

    def learn_space(self, fit_kwargs: Mapping[str, Any]) -> None:
        """Build a model by defaults, so that the oracle knows the space before it chooses."""
        space = self.oracle.get_space()
        self._prepare(space, fit_kwargs)
        self._try_build(space)
        self.oracle.update_space(space)

    def pre_create_trial(self) -> None:
        """Stop in time, and make the oracle's next choice depend on the seed and the number of trials alone."""
        count = len(self.oracle.trials)
        if self._listener.is_late:
            raise EnoughError
        self.oracle._seed_state = trial_seed(self._base_seed, f"oracle-{count}")  # noqa: SLF001
        np.random.seed(trial_seed(self._base_seed, f"choice-{count}"))  # noqa: NPY002 - the greedy oracle draws from it

    def _populate(self, trial_id: str) -> dict[str, Any]:
        count = len(self.oracle.trials)
        if count < len(self._presets):
            # What a preset leaves out takes its default; AutoKeras would draw it at random.
            space = {hp.name: hp.default for hp in self.oracle.hyperparameters.space}
            # Before the first trial nothing is known of the space, which must take the preset as it is.
            known = {name: value for name, value in self._presets[count].items() if name in space or not space}
            values = {**space, **known}
            return {"status": keras_tuner.engine.trial.TrialStatus.RUNNING, "values": values}
        return self._choose(trial_id)  # type: ignore[no-any-return]

    # -- a trial ----------------------------------------------------------------------------------------------------

    def run_trial(self, trial: Any, **fit_kwargs: Any) -> dict[str, float]:
        """Build, train and score one model; returns its scores by name."""
        started = time.monotonic()
        values = trial.hyperparameters
        keras.utils.set_random_seed(trial_seed(self._base_seed, trial.trial_id))
        train, validation = self._prepare(values, fit_kwargs)
        gc.disable()  # tracing makes many objects that all stay; collecting among them finds nothing
        try:
            model = self._try_build(values)
            adapt(model, train)
            finished = self._finish(model)
            epochs = int(values.values.get("tuner/epochs", 0) or self._epochs())
            self._listener.trial_started(trial.trial_id, epochs)
            fitted = training.fit(
                model,
                finished,
                train,
                validation,
                self._judge,
                batch_size=self._batch_size(fit_kwargs),
                epochs=epochs,
                seed=trial_seed(self._base_seed, f"rows-{trial.trial_id}"),
                pace=self._pace(trial.trial_id),
                patience=self._patience,
                on_epoch=lambda epoch, net: self._listener.epoch_ended(trial.trial_id, epoch, net),
                callbacks=Callbacks(self._callbacks, model, epochs) if self._callbacks else None,
            )
        except FloatingPointError as error:
            raise tuner_errors.FailedTrialError(str(error)) from error
        except Exception as error:
            if is_storage(error):  # the next trial would meet the same full disk
                raise tuner_errors.FatalRuntimeError(str(error)) from error
            raise
        finally:
            gc.enable()
        result = TrialResult(
            trial.trial_id,
            dict(values.values),
            fitted.scores,
            fitted.best_epoch,
            fitted.epochs,
            time.monotonic() - started,
            int(finished.count_params()),
            fitted.cut,
            self._keep_model(trial.trial_id, finished, fitted) if self._keeps_models else None,
        )
        self.keep(result)
        self._listener.trial_ended(result, finished)
        return dict(fitted.scores)

    def train_again(self, trial_id: str, stop: Callable[[], bool]) -> Path | None:
        """Train a finished trial's network once more, on training and validation rows, to its best epoch.

        Returns
        -------
        Its file; None if ``stop`` ended it, or if it knows rows that it has learned less well than before.
        """
        values = self.oracle.trials[trial_id].hyperparameters
        before = read_json(Path(self.get_trial_dir(trial_id)) / resume.RESULT)  # type: ignore[attr-defined]
        if before is None:
            return None
        train, validation = self._prepare(values, self._data)
        rows = judging.together(train, validation)
        keras.utils.set_random_seed(trial_seed(self._base_seed, trial_id))
        model = self._try_build(values)
        finished = self._finish(model)
        batch_size = self._batch_size({})
        # Its learning rate falls as it did, over rows that are more: to the end that was planned, or cut.
        planned = int(values.values.get("tuner/epochs", 0) or self._epochs())
        waited = self._patience is not None and before["epochs"] - before["best_epoch"] >= self._patience.epochs
        self.hypermodel.schedule.shorten(-(-rows.rows // batch_size) * (planned if waited else before["epochs"]))
        try:
            fitted = training.fit(
                model,
                finished,
                rows,
                validation,
                judging.Judge(self._judge.evaluate, lambda _last, _best: True),
                batch_size=batch_size,
                epochs=before["best_epoch"],
                seed=trial_seed(self._base_seed, f"rows-{trial_id}"),
                pace=judging.Pace(stop),
            )
        except FloatingPointError:
            return None
        if fitted.stopped or fitted.scores["val_loss"] > before["scores"]["val_loss"]:
            return None
        file = Path(self.get_trial_dir(trial_id)) / ensemble.AGAIN  # type: ignore[attr-defined]
        finished.save(file)
        return file

    def on_trial_end(self, trial: Any) -> None:
        """Close the trial in the oracle, and tell of a failed one."""
        super().on_trial_end(trial)  # type: ignore[misc]
        if trial.status != keras_tuner.engine.trial.TrialStatus.COMPLETED:
            self._listener.trial_failed(trial.trial_id, trial.message or "it failed without a word")
        gc.collect()

    @property
    def keeps_models(self) -> bool:
        """Whether each trial's network and outputs stay in its folder."""
        return self._keeps_models

    def keep(self, result: TrialResult) -> None:
        """Write what came of a trial beside AutoKeras' own record of it."""
        path = Path(self.get_trial_dir(result.trial_id)) / resume.RESULT  # type: ignore[attr-defined]
        write_text(path, json.dumps(result.document()))

    def _keep_model(self, trial_id: str, model: keras.Model, fitted: training.Fitted) -> Path:
        folder = Path(self.get_trial_dir(trial_id))  # type: ignore[attr-defined]
        np.save(folder / ensemble.OUTPUTS, np.asarray(fitted.outputs, np.float32), allow_pickle=False)
        model.save(folder / ensemble.MODEL)
        return folder / ensemble.MODEL

    def _try_build(self, values: Any) -> keras.Model:
        # AutoKeras collects all garbage and clears the kernels' cache before each build; fresh names are enough.
        keras.backend.clear_session(free_memory=False)
        model = self._build_hypermodel(values)  # type: ignore[attr-defined]
        size = int(model.count_params())
        if self.max_model_size and size > self.max_model_size:  # type: ignore[attr-defined]
            raise tuner_errors.FailedTrialError(
                f"the model has {size:,} weights, max_model_size is {self.max_model_size:,}"  # type: ignore[attr-defined]
            )
        return model

    def _finish(self, model: keras.Model) -> keras.Model:
        finish: Callable[[keras.Model], keras.Model] | None = getattr(self.hypermodel, "finish", None)
        return model if finish is None else finish(model)

    def _pace(self, trial_id: str) -> judging.Pace:
        schedule = getattr(self.hypermodel, "schedule", None)
        if schedule is None:  # AutoKeras' own optimizers cannot be told to end earlier
            return judging.Pace(self._listener.stop)
        return judging.Pace(self._listener.stop, self._listener.seconds_for(trial_id), schedule.shorten)

    def _epochs(self) -> int:
        return int(getattr(self.hypermodel, "trial_epochs", None) or self._default_epochs)

    def _batch_size(self, fit_kwargs: Mapping[str, Any]) -> int:
        return int(getattr(self.hypermodel, "fit_batch_size", None) or fit_kwargs.get("batch_size") or 32)

    def _prepare(self, values: Any, fit_kwargs: Mapping[str, Any]) -> tuple[judging.Arrays, judging.Arrays]:
        """Fit AutoKeras' preprocessors and apply them, once for all trials that choose the same ones."""
        if not (self._prepared and self._is_fixed()):
            x, y = fit_kwargs["x"], fit_kwargs["y"]
            pipeline = self.hyper_pipeline.build(values, (x, y))  # type: ignore[attr-defined]
            pipeline.fit((x, y))
            parts = ((x, y), fit_kwargs["validation_data"])
            encoded = [pipeline.transform(part) for part in parts]
            self._prepared = [_arrays(x, y, weights) for (x, y), weights in zip(encoded, self._weights, strict=True)]
        train, validation = self._prepared
        shapes = [np.array(array.shape) for array in train.inputs], [np.array(train.target.shape)]
        self.hypermodel.set_io_shapes(shapes)
        return train, validation

    def _is_fixed(self) -> bool:
        """Whether the preprocessors are the same in all trials."""
        lists = [*self.hyper_pipeline.inputs, *self.hyper_pipeline.outputs]  # type: ignore[attr-defined]
        return all(isinstance(one, hyper_preprocessors.DefaultHyperPreprocessor) for some in lists for one in some)


def _arrays(x: Any, y: Any, weights: Any) -> judging.Arrays:
    return judging.Arrays(tuple(x) if isinstance(x, (tuple, list)) else (x,), y, weights)


def tuner_class(base: type) -> type:
    """Return a tuner that runs trials as `TrialRunner` does and chooses them as ``base``, one of AutoKeras' own."""
    return type(f"Bridge{base.__name__}", (TrialRunner, base), {})
