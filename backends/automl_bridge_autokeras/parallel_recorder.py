"""The recorder of a search with several workers: trials run at the same time, and some on other machines."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge_autokeras.recorder import Recorder
from automl_bridge_autokeras.request import UNLIMITED_TRIALS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl_bridge.backend import Outcome, Trial
    from automl_bridge_autokeras.parallel_messages import EpochEnded
    from automl_bridge_autokeras.tuner import TrialResult

__all__ = ["CORE_SKU", "CORE_UNIT", "ParallelRecorder"]

CORE_SKU, CORE_UNIT = "ray-core", "vcpu-hour"
"""Processors of other machines of a cluster. No price is imputed: it is whoever runs the cluster who knows it."""

_CANCEL_SECONDS = 2.0  # for workers after a cancel: the supervisor ends everything after three


class ParallelRecorder(Recorder):
    """See `Recorder`.

    Attributes
    ----------
    held_elsewhere
        Says how many processors of other machines are held for the search now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: dict[str, dict[str, Any]] = {}
        self._ran: dict[str, str] = {}
        self._patience: float | None = None
        self._core_seconds, self._counted = 0.0, time.monotonic()
        self.held_elsewhere: Callable[[], int] = lambda: 0

    # -- what runs --------------------------------------------------------------------------------------------------

    def trial_given(self, trial_id: str, number: int, where: str) -> None:
        """Take note that a worker has a trial."""
        self._running[trial_id] = {
            "trial": int(trial_id) + 1 if trial_id.isdigit() else len(self.trials) + 1,
            "worker": number,
            "where": where,
            "epoch": 0,
            "epochs": 0,
            "since": time.monotonic(),
        }
        self._ran[trial_id] = where
        self._report(force=True)

    def trial_started(self, trial_id: str, epochs: int) -> None:
        """Say that a trial's model is built."""
        if trial_id not in self._running:  # it runs in this process
            super().trial_started(trial_id, epochs)
            return
        self._current = self._running[trial_id]
        self._current["epochs"] = epochs
        self._report(force=True)

    def epoch_told(self, message: EpochEnded) -> None:
        """Take note of an epoch in a worker, and of a first network, if it sent one."""
        self._current = self._running[message.trial_id]
        self._current["epoch"] = message.epoch.number
        if message.model is None:
            self._tempo.epoch(message.trial_id, message.epoch.number)
            self._report()
            return
        with tempfile.TemporaryDirectory(dir=self._project, prefix=".early-") as folder:
            file = Path(folder) / "model.keras"
            file.write_bytes(message.model)
            self.epoch_ended(message.trial_id, message.epoch, file)

    def trial_ended(self, result: TrialResult, model: Any) -> None:
        """See `Recorder.trial_ended`; the model is in the result's file where it was trained elsewhere."""
        self.trial_over(result.trial_id)
        super().trial_ended(result, model)

    def trial_over(self, trial_id: str) -> None:
        """Take note that a trial does not run any more."""
        self._running.pop(trial_id, None)
        self._tempo.forgets(trial_id)
        if self._running:
            self._current = next(iter(self._running.values()))

    @property
    def wants_early(self) -> bool:
        """Whether no network was trained to its end yet."""
        return self._best is None or self._best[2] != "done"

    @property
    def patience(self) -> float:
        """Seconds that workers have to say what came of their trials, once they were told to stop."""
        if self._patience is None:
            self._patience = _CANCEL_SECONDS if self._job.cancelled else max(_CANCEL_SECONDS, 0.7 * self.reserve)
        return self._patience

    @property
    def reserve(self) -> float:
        """Seconds that are kept at the end; networks also have to come from the workers."""
        return super().reserve + (0.5 + 0.5 * self._tempo.save if self._running else 0.0)

    # -- what is told of it -----------------------------------------------------------------------------------------

    @property
    def whereabouts(self) -> str:
        """Which trials run where, and how far they are."""
        told = [
            f"trial {one['trial']} on {one['where']}"
            + (f", epoch {one['epoch']} of {one['epochs']}" if one["epoch"] else "")
            for one in sorted(self._running.values(), key=lambda one: int(one["worker"]))
        ]
        return "; ".join(told)

    def _row(self, trial_id: str, values: Mapping[str, Any], document: Mapping[str, Any]) -> Trial:
        row = super()._row(trial_id, values, document)
        if trial_id not in self._ran:
            return row
        return row.model_copy(update={"params": {**row.params, "worker": self._ran[trial_id]}})

    def _fraction(self, now: float) -> float | None:
        if not self._running or self._max_trials >= UNLIMITED_TRIALS:
            return super()._fraction(now)
        within: float = sum(one["epoch"] / (one["epochs"] or 1) for one in self._running.values())
        by_trials = (len(self.trials) + within) / self._max_trials
        by_time = 0.0
        if self._job.deadline is not None:
            spent = now - self._started
            by_time = spent / max(spent + self._job.seconds_left, 1e-6)
        return min(1.0, max(by_trials, by_time))

    # -- what it takes ----------------------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """Hours of this machine, and of the processors of others, which earlier attempts did not write down."""
        now = time.monotonic()
        self._core_seconds += self.held_elsewhere() * (now - self._counted)
        self._counted = now
        usage = super().usage()
        if not self._core_seconds:
            return usage
        item = UsageItem(sku=CORE_SKU, quantity=self._core_seconds / 3600, unit=CORE_UNIT)
        return usage + Usage(items=(item,), known=not self._before)

    def final(self) -> Outcome:
        """See `Recorder.final`."""
        self.usage()
        if self._core_seconds:
            self.notes.append(
                f"trials ran on other machines of a Ray cluster: their processors are counted as {CORE_SKU}, whose "
                "price is not known unless your prices say it"
            )
        return super().final()
