"""Recorder: hears how a search goes, keeps its best model as a bundle, and decides when it has to end."""

from __future__ import annotations

import json
import math
import shutil
import statistics
import time
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Failure, JobState, Outcome, Progress, Trial
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.local.files import read_json, write_text
from automl_bridge.spec import ModelRef
from automl_bridge_autokeras import describe, ensemble, resume
from automl_bridge_autokeras.request import UNLIMITED_TRIALS
from automl_bridge_autokeras.tempo import Tempo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import keras

    from automl_bridge.local.job import Job
    from automl_bridge.metrics import Metric
    from automl_bridge_autokeras.guard import LinearGuard
    from automl_bridge_autokeras.training import Epoch
    from automl_bridge_autokeras.tuner import TrialResult

__all__ = ["Recorder", "best_epoch"]

_REPORT_SECONDS = 0.25  # between progress reports
_SAVE_SECONDS = 20.0  # between bundles of a first trial that is not done yet
_FIRST_SHARE = 0.45  # of the time, for the first trial: the second should have as much
_LEAST_SHARE = 0.3  # of the time that a trial usually takes: below, a trial is not worth its start
_LEAST_REST = 0.7  # seconds at the end that nothing was measured for
_UNMEASURED = 0.4  # of them, beside what a training takes until it asks again
_OPEN_SECONDS = 0.3  # for one network of an ensemble
_BEST = "best.json"
_CANDIDATES = 12  # trials that an ensemble chooses among: each takes a network's space on disk
_REFIT_SHARE = 0.2  # of the time at most, kept for training the chosen networks again
_REFITTED = 4  # networks that it is kept for
_MORE_ROWS = 1.3  # times what a trial took: it learns from the validation rows, too


class Recorder:
    """The `tuner.Listener` of a job.

    Parameters
    ----------
    job
        Clock, cancel, progress, checkpoints.
    project
        The search's folder.
    metric
        What trials are compared by.
    max_trials
        Trials that the search may make.
    save
        Writes a bundle of a model into a folder: ``save(path, model, words, score)``.
    versions, notes
        For the outcome.

    Attributes
    ----------
    joins
        Whether the trials are put together at the end: time is kept for it.
    refits
        Whether those that are chosen are trained again before that, likewise.
    """

    def __init__(
        self,
        job: Job,
        project: Path,
        metric: Metric,
        max_trials: int,
        save: Callable[[Path, Any, str, float], None],
        versions: dict[str, str],
    ) -> None:
        self._job, self._project, self._metric = job, project, metric
        self._max_trials, self._save, self._versions = max_trials, save, versions
        self.notes: list[str] = []
        self.trials: dict[str, Trial] = {}
        self._started = time.monotonic()
        self._last_report = self._last_save = 0.0
        self._tempo = Tempo()
        self._current: dict[str, Any] = {}
        self._unfinished: Trial | None = None
        best = read_json(project / _BEST) or {}
        self._before = float(best.get("seconds", 0.0))
        kept = bool(best) and (project / best["folder"]).exists()
        self._best: tuple[str, float, str] | None = (best["trial"], best["score"], best["stage"]) if kept else None
        self._folder: str = best.get("folder", "") if self._best else ""
        self._ensemble = Trial.model_validate(best["row"]) if kept and best.get("row") else None
        self._stopped_by: str | None = None
        self._seconds = job.seconds_left
        self.joins = self.refits = False

    # -- tuner.Listener ---------------------------------------------------------------------------------------------

    def stop(self) -> bool:
        """Whether time is up but for what writing a bundle takes, or the job was cancelled; reports on the way."""
        self._tempo.asks()
        return self._is_over()

    def _is_over(self) -> bool:
        self._report()
        return self._job.cancelled or self._job.seconds_left < self.reserve

    @property
    def reserve(self) -> float:
        """Seconds that are kept for what follows the training: scoring, keeping the trial, writing the best model.

        They are what these took here, as slow as the machine is now; twice the time of a bundle is for what is not
        measured yet.
        """
        tempo = self._tempo
        rest = max(3 * tempo.save, tempo.finish + 2 * tempo.save)
        end = self.ensemble_seconds + self.refit_seconds if self.joins else 0.0
        return max(_LEAST_REST, _UNMEASURED + tempo.gap) + rest + end

    @property
    def refit_seconds(self) -> float:
        """Seconds that are kept for training the best networks again."""
        if not self.refits or self._job.deadline is None:
            return 0.0
        best = [trial for trial in self.leaderboard if trial.id in self.trials and trial.score is not None]
        return min(_REFIT_SHARE * self._seconds, sum(self._again_seconds(trial) for trial in best[:_REFITTED]))

    def _again_seconds(self, trial: Trial) -> float:
        share = best_epoch(trial) / max(1, trial.epochs or 1)
        return self._tempo.start + _MORE_ROWS * share * (trial.seconds or 0.0)

    @property
    def ensemble_seconds(self) -> float:
        """Seconds that putting the trials together takes: mostly opening their networks. 0 while there is one."""
        count = sum(trial.state is JobState.SUCCEEDED for trial in self.trials.values())
        return 0.0 if count < 2 else self._opening_seconds(count)

    def _opening_seconds(self, networks: int) -> float:
        one = max(_OPEN_SECONDS * self._tempo.slowness, self._tempo.save)
        return 0.5 + one * min(networks, ensemble.MOST_NETWORKS)

    @property
    def is_late(self) -> bool:
        """Whether the time left is too short for another trial to be of use, or for it to be stopped in time."""
        seconds = [trial.seconds for trial in self.trials.values() if trial.seconds]
        usual = statistics.median(seconds) if seconds else 0.0
        least = max(_LEAST_SHARE * usual, self._tempo.start)
        late = self._is_over() or self._job.seconds_left - self.reserve < least
        if not late:
            self._tempo.begins()
        return late

    def seconds_for(self, trial_id: str) -> float | None:
        """Let the first trial take less than half of the time, and any later one what is left."""
        if self._job.deadline is None:
            return None
        left = max(0.0, self._job.seconds_left - self.reserve)
        return left if self.trials or trial_id in self.trials else _FIRST_SHARE * left

    def trial_started(self, trial_id: str, epochs: int) -> None:
        """Say that a trial starts."""
        self._current = {"trial": len(self.trials) + (trial_id not in self.trials), "epochs": epochs, "epoch": 0}
        self._current["since"] = time.monotonic()
        self._report(force=True)

    def epoch_ended(self, trial_id: str, epoch: Epoch, model: keras.Model) -> None:
        """Report; and while there is no finished trial, keep a first model in case the worker is ended."""
        self._tempo.epoch(trial_id, epoch.number)
        self._current["epoch"] = epoch.number
        score = epoch.scores[self._metric.name]
        waited = time.monotonic() - self._last_save
        stage = None if self._best is None else self._best[2]
        due = stage in {None, "guard"} or (stage == "begun" and waited > _SAVE_SECONDS)
        if epoch.best and due and self._beats_best(score):
            trial = Trial(
                id=trial_id,
                model="network of the first trial, which was not finished",
                score=score,
                epochs=epoch.number,
                seconds=round(time.monotonic() - self._current["since"], 3),
            )
            self._keep_best(trial, model, "begun")
        self._report()

    def trial_ended(self, result: TrialResult, model: keras.Model) -> None:
        """Add it to the leaderboard; keep its model if it is the best, and checkpoint."""
        trial = self._row(result.trial_id, result.values, result.document())
        self.trials[trial.id] = trial
        replaces = self._best is not None and (
            # Any network that was trained to its end replaces what was kept for want of one.
            (self._best[2] != "done" and not result.cut) or self._best[0] == trial.id
        )
        if replaces or self._beats_best(_score(trial)):
            self._keep_best(trial, result.file or model, "done")
        self._forget_models()
        resume.keep_copy(self._project)
        self._job.checkpoint(self._outcome("running", self.leaderboard))
        self._tempo.ends(trial.id)
        self._report(force=True)

    def trial_failed(self, trial_id: str, message: str) -> None:
        """Add it to the leaderboard, with its error."""
        self.trials[trial_id] = _failed(trial_id, message)
        self._tempo.ends(trial_id)
        resume.keep_copy(self._project)
        self._job.checkpoint(self._outcome("running", self.leaderboard))
        self._report(force=True)

    # -- the trials together -----------------------------------------------------------------------------------------

    def search_ended(self) -> None:
        """Take note of what ended the search; what follows it takes time, too."""
        if self._job.cancelled:
            self._stopped_by = "cancel"
        elif self.is_late and len(self.trials) < self._max_trials:
            self._stopped_by = "max_time"
        else:
            self._stopped_by = "max_trials" if len(self.trials) >= self._max_trials else "done"

    def may_join(self, networks: int, before: float = 0.0) -> bool:
        """Whether there is time to put so many networks together: to open them, and to write what they make.

        ``before`` is seconds of what is to be done first.
        """
        needed = before + _UNMEASURED + self._opening_seconds(networks) + self._tempo.save
        return self.joins and not self._job.cancelled and self._job.seconds_left > needed

    def candidates(self) -> dict[str, Path]:
        """Return the folders of the finished trials whose networks are kept, by trial, best first."""
        folders = {trial.id: self._project / f"trial_{trial.id}" for trial in self.leaderboard}
        return {name: folder for name, folder in folders.items() if (folder / ensemble.MODEL).exists()}

    def may_refit(self, trial_id: str, networks: int) -> bool:
        """Whether there is time to train a trial's network again, and to put so many together after it."""
        return self.may_join(networks, before=self._again_seconds(self.trials[trial_id]))

    def is_no_worse(self, score: float) -> bool:
        """Whether a score is at least that of what is kept."""
        return self._best is None or not self._metric.better(self._best[1], score)

    def keep_joined(self, trial: Trial, model: Any, *, ties: bool) -> None:
        """Keep what was made of the trials if it is better than what is kept, or, with ``ties``, no worse."""
        if self._beats_best(_score(trial)) or (ties and self.is_no_worse(_score(trial))):
            self._keep_best(trial, model, "done")

    def _forget_models(self) -> None:
        """Remove the networks of trials that are far behind: an ensemble would not take them."""
        for folder in list(self.candidates().values())[_CANDIDATES:]:
            (folder / ensemble.MODEL).unlink(missing_ok=True)

    # -- before the first network ------------------------------------------------------------------------------------

    @property
    def needs_guard(self) -> bool:
        """Whether there is no model yet."""
        return self._best is None

    def keep_guard(self, guard: LinearGuard, score: float) -> None:
        """Keep a model that takes no network, until one is better or was trained to its end."""
        words = "linear model, from before the first network"
        trial = Trial(id="linear", model=words, score=score, stand_in=True)
        self._keep_best(trial, guard, "guard")

    # -- resuming ---------------------------------------------------------------------------------------------------

    def restore(self, trial_id: str, values: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        """Add a finished trial of an earlier attempt; ``document`` is what `TrialResult.document` returned."""
        self.trials[trial_id] = self._row(trial_id, values, document)

    def restore_failed(self, trial_id: str, message: str) -> None:
        """Add a failed trial of an earlier attempt."""
        self.trials[trial_id] = _failed(trial_id, message)

    def _row(self, trial_id: str, values: Mapping[str, Any], document: Mapping[str, Any]) -> Trial:
        scores = document["scores"]
        return Trial(
            id=trial_id,
            model=describe.in_words(values),
            score=scores[self._metric.name],
            metrics={name: value for name, value in scores.items() if math.isfinite(value)},
            params={**values, "weights": document["size"], "best_epoch": document["best_epoch"]},
            seconds=round(document["seconds"], 3),
            epochs=document["epochs"],
        )

    # -- results ----------------------------------------------------------------------------------------------------

    @property
    def leaderboard(self) -> tuple[Trial, ...]:
        """The trials, and what was made of them, best first; failed ones last."""
        rows = [*([self._ensemble] if self._ensemble else []), *self.trials.values()]
        return tuple(sorted(rows, key=lambda trial: self._metric.sort_key(trial.score)))

    def final(self) -> Outcome:
        """Return what came of the search."""
        if self._stopped_by is None or self._job.cancelled:
            self.search_ended()
        assert self._stopped_by is not None
        return self._outcome(self._stopped_by, self.leaderboard)

    def _outcome(self, stopped_by: str, trials: tuple[Trial, ...]) -> Outcome:
        model = failure = None
        notes = list(self.notes)
        stage = None if self._best is None else self._best[2]
        usable = stopped_by in {"max_time", "cancel", "running"} or any(trial.score is not None for trial in trials)
        if self._best is not None and (stage != "guard" or usable):
            if self._unfinished is not None:
                # A row of the search's own for the same trial says what came of it: this one is the model that is kept.
                twice = any(trial.id == self._unfinished.id for trial in trials)
                kept = self._unfinished.model_copy(update={"stand_in": twice or self._unfinished.stand_in})
                trials = (kept, *trials)
            if stage == "guard":
                ended = any(trial.score is not None for trial in self.trials.values())
                why = "no network scored better" if ended else "no network was trained to its end"
                notes.append(f"{why}: the model is linear, from before the first network")
            details: dict[str, object] = {"trial": self._best[0], "score": self._best[1]}
            model = ModelRef(backend="autokeras", uri=str(self._project / self._folder), local=True, details=details)
        elif stopped_by == "max_time":
            failure = Failure(kind="time-limit", message="the time was over before the first model could be scored")
        elif stopped_by != "cancel":
            messages = "\n".join(f"trial {trial.id}: {trial.message}" for trial in trials if trial.message)
            failure = Failure(kind="all-trials-failed", message=f"all {len(trials)} trials failed\n{messages}")
        state = JobState.SUCCEEDED if model else JobState.FAILED if failure else JobState.CANCELLED
        return Outcome(
            state=state,
            stopped_by=stopped_by,
            trials=trials,
            model=model,
            failure=failure,
            usage=self.usage(),
            versions=self._versions,
            notes=tuple(notes),
        )

    def _beats_best(self, score: float) -> bool:
        return self._best is None or self._metric.better(score, self._best[1])

    def usage(self) -> Usage:
        """Hours of this machine, earlier attempts included."""
        hours = (self._before + time.monotonic() - self._started) / 3600
        return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=hours, unit=LOCAL_UNIT),))

    def _keep_best(self, trial: Trial, model: Any, stage: str) -> None:
        """Write the new best model, then point to it, then remove the one before: there is always one."""
        began = time.monotonic()
        together = bool(trial.combines)
        folder = f"best-{trial.id}-{stage}-{len(self.trials) if together else trial.epochs or 0}"
        shutil.rmtree(self._project / folder, ignore_errors=True)
        self._save(self._project / folder, model, trial.model, _score(trial))
        self._best = (trial.id, _score(trial), stage)
        self._unfinished = None if stage == "done" else trial
        self._ensemble = trial if together else None
        before, self._folder = self._folder, folder
        document = {
            "trial": trial.id,
            "score": _score(trial),
            "stage": stage,
            "folder": folder,
            "seconds": self._before + time.monotonic() - self._started,
            "row": trial.model_dump(mode="json") if together else None,
        }
        write_text(self._project / _BEST, json.dumps(document))
        self._job.checkpoint(self._outcome("running", self.leaderboard))
        if before and before != folder:
            shutil.rmtree(self._project / before, ignore_errors=True)
        self._last_save = time.monotonic()
        if stage != "guard":  # a linear model is written in no time
            self._tempo.saved(self._last_save - began)

    def _report(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._last_report < _REPORT_SECONDS:
            return
        self._last_report = now
        self._job.report(
            Progress(
                state=JobState.RUNNING,
                fraction=self._fraction(now),
                trial=self._current.get("trial"),
                epoch=self._current.get("epoch") or None,
                epochs=self._current.get("epochs"),
                trials=self.leaderboard,
                best=self._best[1] if self._best else None,
                usage=self.usage(),
                message=self.whereabouts,
            )
        )

    @property
    def whereabouts(self) -> str:
        """Which trials run where; nothing to say of one worker."""
        return ""

    def _fraction(self, now: float) -> float | None:
        shares = []
        if self._job.deadline is not None:
            spent = now - self._started
            shares.append(spent / max(spent + self._job.seconds_left, 1e-6))
        if self._max_trials < UNLIMITED_TRIALS:
            within = (self._current.get("epoch") or 0) / (self._current.get("epochs") or 1)
            done = max(0, (self._current.get("trial") or 1) - 1)
            shares.append((done + within) / self._max_trials)
        return min(1.0, max(shares)) if shares else None


def best_epoch(trial: Trial) -> int:
    """Return the epoch whose weights a finished trial's network has."""
    return int(str(trial.params["best_epoch"]))


def _failed(trial_id: str, message: str) -> Trial:
    return Trial(id=trial_id, model="failed", state=JobState.FAILED, message=describe.last_line(message))


def _score(trial: Trial) -> float:
    return float("nan") if trial.score is None else trial.score
