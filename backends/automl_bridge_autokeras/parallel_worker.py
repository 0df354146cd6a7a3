"""What runs in a worker process of a search: it gets a job once, and then trials, one after another.

The same tuner runs a trial as where a search has one process; only who chooses trials is elsewhere. Importing this is
light: `serve` loads TensorFlow.
"""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.local.files import is_storage, read_json
from automl_bridge_autokeras import ensemble, resume
from automl_bridge_autokeras.parallel_messages import (
    Begun,
    Done,
    EpochEnded,
    Failed,
    JobOrder,
    Ready,
    Refused,
    Stop,
    TrialOrder,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from automl_bridge_autokeras.parallel_messages import Channel
    from automl_bridge_autokeras.training import Epoch
    from automl_bridge_autokeras.tuner import TrialResult, TrialRunner

__all__ = ["environment", "serve"]

_TELL_SECONDS = 0.25  # between two words on epochs
_EARLY_SECONDS = 20.0  # between two networks of a trial that is not done


def environment(threads: int | None) -> dict[str, str]:
    """Return the variables of a worker: as many threads as it has cores to itself, one unless it is told."""
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(threads or 1),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(threads or 1),
        "KERAS_BACKEND": "tensorflow",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


def serve(channel: Channel, place: str, address: str = "") -> None:
    """Work until the channel ends.

    Parameters
    ----------
    channel
        To the search.
    place
        Where this is, in words.
    address
        Of the machine; empty for the search's own.
    """
    _load()
    job: JobOrder | None = None
    with suppress(EOFError):
        while True:
            order = channel.recv() if job is None else _Work(channel, job, place, address).run()
            job = order if isinstance(order, JobOrder) else None
            gc.collect()


def _load() -> None:
    from automl_bridge_autokeras.worker import _quiet

    _quiet()
    import automl_bridge_autokeras.search  # noqa: F401 - loads TensorFlow while the search prepares its data


class _Work:
    """One job; it is also the `tuner.Listener` of this process."""

    def __init__(self, channel: Channel, order: JobOrder, place: str, address: str) -> None:
        self._channel, self._order, self._place, self._address = channel, order, place, address
        self._folder = Path(order.folder or tempfile.mkdtemp(prefix="automl-bridge-worker-"))
        self.notes: list[str] = []
        self._trial: TrialOrder | None = None
        self._next: JobOrder | None = None
        self._stopped = False
        self._told = self._early = 0.0

    def run(self) -> JobOrder | None:
        """Work on it until another comes; returns the other."""
        _log_to(self._order.log)
        sys.path.extend(entry for entry in self._order.path if entry not in sys.path)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._search()
        except EOFError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the search tells it
            traceback.print_exc()
            words = f"{type(error).__name__}: {error}"
            self._channel.send(Refused(self._order.name, words, storage=is_storage(error)))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self._next

    def _search(self) -> None:
        from automl_bridge.spec import JobSpec
        from automl_bridge_autokeras.search import prepare_search, run_search
        from automl_bridge_autokeras.settings import AutoKerasSettings

        order = self._order
        spec = JobSpec.model_validate(order.spec)
        settings = AutoKerasSettings.model_validate({**order.settings, "ensemble": True})
        # From our own search, over a pipe or a cluster that the user trusts.
        content = order.prepared if isinstance(order.prepared, bytes) else Path(order.prepared).read_bytes()
        prepared = pickle.loads(content)  # noqa: S301 - see above
        searched = prepare_search(spec, settings, prepared, order.code)
        run_search(spec, settings, searched, self, self._folder / "search", 1, conduct=self._trials)

    def _trials(self, tuner: TrialRunner, data: Mapping[str, Any]) -> None:
        """Run the trials that come; the ``conduct`` of the tuner."""
        from automl_bridge_autokeras.train import versions

        self._channel.send(Ready(self._order.name, self._place, versions(), self._address))
        while self._next is None:
            order = self._channel.recv()
            if isinstance(order, JobOrder):
                self._next = order
            elif order is None:  # the job has ended
                return
            elif isinstance(order, TrialOrder):
                self._trial, self._stopped, self._early = order, False, 0.0
                self._run(tuner, data, order)
                self._trial = None
                gc.collect()

    def _run(self, tuner: TrialRunner, data: Mapping[str, Any], order: TrialOrder) -> None:
        from keras_tuner.engine.hyperparameters import HyperParameters
        from keras_tuner.engine.trial import Trial, TrialStatus
        from keras_tuner.errors import FailedTrialError

        trial = Trial(HyperParameters.from_config(order.hyperparameters), order.trial_id, TrialStatus.RUNNING)
        folder = Path(tuner.get_trial_dir(order.trial_id))  # type: ignore[attr-defined]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            tuner.run_trial(trial, **data)
            files = {name: (folder / name).read_bytes() for name in (ensemble.MODEL, ensemble.OUTPUTS)}
            document = read_json(folder / resume.RESULT)
            assert document is not None
            self._channel.send(Done(order.trial_id, document, trial.hyperparameters.get_config(), files))
        except EOFError:
            raise
        except Exception as error:  # a failed trial, as Keras Tuner has it
            if is_storage(error):
                raise
            status = TrialStatus.FAILED if isinstance(error, FailedTrialError) else TrialStatus.INVALID
            told = Failed(order.trial_id, status, traceback.format_exc(), trial.hyperparameters.get_config())
            self._channel.send(told)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # -- tuner.Listener ---------------------------------------------------------------------------------------------

    @property
    def is_late(self) -> bool:
        """The search knows."""
        return False

    def stop(self) -> bool:
        """Whether the search said so, or wants another job."""
        while not self._stopped and self._channel.poll(0):
            message = self._channel.recv()
            if isinstance(message, JobOrder):
                self._next = message
            current = self._trial is not None and message == Stop(self._trial.trial_id)
            self._stopped = current or message is None or self._next is not None
        return self._stopped

    def seconds_for(self, trial_id: str) -> float | None:  # noqa: ARG002 - there is one trial
        """As the search said."""
        return None if self._trial is None else self._trial.seconds

    def trial_started(self, trial_id: str, epochs: int) -> None:
        """Say so."""
        self._channel.send(Begun(trial_id, epochs))

    def epoch_ended(self, trial_id: str, epoch: Epoch, model: keras.Model) -> None:
        """Say so, not too often; send a first network, where there is none yet."""
        now = time.monotonic()
        assert self._trial is not None
        if self._trial.early and epoch.best and (not self._early or now - self._early > _EARLY_SECONDS):
            self._early = now
            path = self._folder / "early.keras"
            model.save(path)
            self._channel.send(EpochEnded(trial_id, epoch, path.read_bytes()))
            path.unlink()
        elif now - self._told > _TELL_SECONDS:
            self._told = now
            self._channel.send(EpochEnded(trial_id, epoch))

    def trial_ended(self, result: TrialResult, model: keras.Model) -> None:
        """Take no note: its files are sent when it is over."""

    def trial_failed(self, trial_id: str, message: str) -> None:
        """Take no note."""


def _log_to(path: str | None) -> None:
    """Print to the job's log from here on."""
    if path is None:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)
