"""A search whose trials run in other processes: the oracle here chooses, workers run, files come back.

AutoKeras' tuner and oracle do here what they do in a search with one process, in the same order; the differences are
that the oracle chooses while trials run, and that a trial whose worker dies is tried once more.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_tuner.engine.hyperparameters import HyperParameters
from keras_tuner.engine.trial import TrialStatus

from automl_bridge.errors import RunFailedError, StorageError
from automl_bridge_autokeras import ensemble, resume
from automl_bridge_autokeras.parallel_messages import Begun, Done, EpochEnded, Failed, Refused, TrialOrder
from automl_bridge_autokeras.parallel_room import Died
from automl_bridge_autokeras.tuner import EnoughError, TrialResult

if TYPE_CHECKING:
    from automl_bridge_autokeras.parallel_recorder import ParallelRecorder
    from automl_bridge_autokeras.parallel_room import Room
    from automl_bridge_autokeras.tuner import TrialRunner

__all__ = ["ParallelSearch"]

_log = logging.getLogger(__name__)
_TICK = 0.1  # seconds between looks at clock and cancel
_TRIES = 2  # of a trial whose worker dies
_LONELY_SECONDS = 180.0  # without any worker, after which the search is given up


class ParallelSearch:
    """Runs the trials of a tuner in a room of workers.

    Parameters
    ----------
    tuner
        Its oracle chooses.
    room
        Its workers have the job.
    recorder
        Hears of everything and says when to stop.
    """

    def __init__(self, tuner: TrialRunner, room: Room, recorder: ParallelRecorder) -> None:
        self._tuner, self._oracle, self._room, self._recorder = tuner, tuner.oracle, room, recorder
        self._trials: dict[str, Any] = {}  # Keras Tuner's, of those that are begun and not over
        self._again: list[Any] = []
        self._tries: dict[str, int] = {}
        self._count = 0
        self._stopped_at: float | None = None

    def run(self) -> None:
        """Search until the oracle or the recorder has had enough and all trials are over.

        Raises
        ------
        RunFailedError
            If there is no worker left, or none came.
        StorageError
            If a worker found no room on its disk.
        """
        self._take_over()
        while True:
            if self._recorder.stop():
                self._stop()
            else:
                more = self._hand_out()
                if not more and not self._room.busy and not self._again:
                    return
            if self._stopped_at is not None and (not self._room.busy or self._is_out_of_patience()):
                return
            self._check_room()
            for number, message in self._room.listen(_TICK):
                self._hear(number, message)

    def _take_over(self) -> None:
        """Take the trials first that were begun before this process was."""
        begun = sorted(trial.trial_id for trial in self._oracle.ongoing_trials.values())
        self._oracle.ongoing_trials = {}
        queue = self._oracle._retry_queue  # noqa: SLF001 - create_trial looks there first
        queue.extend(trial_id for trial_id in reversed(begun) if trial_id not in queue)

    # -- giving -----------------------------------------------------------------------------------------------------

    def _hand_out(self) -> bool:
        """Give trials to idle workers; returns whether there may be more, now or later."""
        for number in self._room.idle:
            trial = self._again.pop(0) if self._again else self._next()
            if trial is None:
                return False
            self._trials[trial.trial_id] = trial
            order = TrialOrder(
                trial.trial_id,
                trial.hyperparameters.get_config(),
                self._recorder.seconds_for(trial.trial_id),
                early=self._recorder.wants_early,
            )
            self._recorder.trial_given(trial.trial_id, number, self._room.where(number))
            self._room.give(number, order)
        return True

    def _next(self) -> Any:
        """Return a new trial, or None if the oracle has none now, or there is no time for one."""
        try:
            self._tuner.pre_create_trial()
        except EnoughError:
            return None
        # A name of its own: by the name the oracle knows a trial that runs.
        trial = self._oracle.create_trial(f"{resume.WORKER}{time.time_ns()}-{self._count}")
        self._count += 1
        return trial if trial.status == TrialStatus.RUNNING else None

    # -- hearing ----------------------------------------------------------------------------------------------------

    def _hear(self, number: int, message: Any) -> None:
        if isinstance(message, Begun):
            self._recorder.trial_started(message.trial_id, message.epochs)
        elif isinstance(message, EpochEnded):
            self._recorder.epoch_told(message)
        elif isinstance(message, Done):
            self._room.finished(number)
            self._done(self._trials.pop(message.trial_id), message)
        elif isinstance(message, Failed):
            self._room.finished(number)
            trial = self._trials.pop(message.trial_id)
            trial.hyperparameters = HyperParameters.from_config(message.hyperparameters)
            self._failed(trial, message.status, message.message)
        elif isinstance(message, Died):
            self._lost(message)
        elif isinstance(message, Refused):
            raise StorageError(f"{self._room.where(number)} cannot write: {message.message}")

    def _done(self, trial: Any, message: Done) -> None:
        folder = Path(self._tuner.get_trial_dir(trial.trial_id))  # type: ignore[attr-defined]
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in message.files.items():
            (folder / name).write_bytes(content)
        trial.hyperparameters = HyperParameters.from_config(message.hyperparameters)
        values = dict(trial.hyperparameters.values)
        result = TrialResult(trial.trial_id, values, file=folder / ensemble.MODEL, **message.document)
        self._tuner.keep(result)
        self._recorder.trial_ended(result, None)
        if not self._tuner.keeps_models:
            for name in message.files:
                (folder / name).unlink(missing_ok=True)
        self._oracle.update_trial(trial.trial_id, dict(result.scores))
        trial.status = TrialStatus.COMPLETED
        self._tuner.on_trial_end(trial)

    def _failed(self, trial: Any, status: str, message: str) -> None:
        self._recorder.trial_over(trial.trial_id)
        trial.status, trial.message = status, message
        self._tuner.on_trial_end(trial)

    def _lost(self, message: Died) -> None:
        """Try the trial of a worker that died once more, by whoever is idle first."""
        if message.trial_id is None:
            return
        trial = self._trials.pop(message.trial_id)
        tries = self._tries[trial.trial_id] = self._tries.get(trial.trial_id, 0) + 1
        if tries < _TRIES and self._stopped_at is None:
            _log.warning("trial %s is tried again: %s", trial.trial_id, message.how)
            self._recorder.trial_over(trial.trial_id)
            self._again.append(trial)
        elif self._stopped_at is None:
            self._failed(trial, TrialStatus.FAILED, f"tried {tries} times; {message.how}")

    # -- the end ----------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._room.stop()

    def _is_out_of_patience(self) -> bool:
        """Whether a worker that was told to stop has had its time: it is ended, and its trial is as good as not run."""
        assert self._stopped_at is not None
        return time.monotonic() - self._stopped_at > self._recorder.patience

    def _check_room(self) -> None:
        if not self._room.size:
            raise RunFailedError(f"all worker processes ended before they were ready: {self._room.last_words}")
        if self._room.lonely_seconds > _LONELY_SECONDS:
            raise RunFailedError(
                f"there was no worker for {_LONELY_SECONDS:.0f} s",
                kind="service",
                hint="the cluster may have no processors free; look at `ray status`",
            )
