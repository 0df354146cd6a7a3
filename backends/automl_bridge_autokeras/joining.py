"""What becomes of a search's trials: those chosen are put together, and trained once more on all rows.

The validation rows chose the networks and told how long each should train. Then they are rows like any other: each
chosen network is trained again from its start, with its own hyperparameters and seed, on training and validation rows,
for as many epochs as its best one took. Scores stay those from before: after it, no row is left to score by.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.backend import Trial
from automl_bridge_autokeras import ensemble
from automl_bridge_autokeras.recorder import best_epoch

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from automl_bridge_autokeras.prepared import Prepared
    from automl_bridge_autokeras.recorder import Recorder
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["ENSEMBLE", "REFIT", "join_trials", "refits"]

ENSEMBLE = "ensemble"
"""The id of the row that stands for the trials together."""
REFIT = "refit"
"""The id of the row that stands for one trial's network, trained again on all rows."""
_REFIT_SHARE = 0.35  # epochs of training again, of those of all trials


def refits(settings: AutoKerasSettings, *, forecast: bool) -> bool:
    """Whether networks are trained again: not those of the user's own space, whose training may be anything, nor
    forecasts, whose quantiles are set by errors on rows that they have not learned.
    """  # noqa: D205 - one thought
    return settings.refit and settings.search_space is None and not settings.callbacks and not forecast


def join_trials(recorder: Recorder, prepared: Prepared, tuner: Any, settings: AutoKerasSettings) -> None:
    """Choose among the finished trials, train what is chosen again, and keep it if it is no worse and there is time."""
    candidates = recorder.candidates()
    if not candidates or not recorder.may_join(len(candidates)):
        return
    began = time.monotonic()
    outputs = {
        name: np.load(folder / ensemble.OUTPUTS, allow_pickle=False).astype(np.float64)
        for name, folder in (candidates if settings.ensemble else _first(candidates)).items()
    }
    chosen, scores = ensemble.select(outputs, prepared.judge, go_on=lambda: recorder.may_join(len(candidates)))
    if len(chosen) == 1:
        # Its own scores: outputs are kept in single precision, in which two rows may tie.
        scores = scores | recorder.trials[next(iter(chosen))].metrics
    score = scores[prepared.metric.name]
    again = _train_again(recorder, tuner, chosen) if recorder.refits and recorder.is_no_worse(score) else {}
    if (len(chosen) < 2 and not again) or not recorder.may_join(len(chosen)):
        return
    files = {again.get(name, candidates[name] / ensemble.MODEL): count for name, count in chosen.items()}
    model = ensemble.join(files)
    row = Trial(
        id=ENSEMBLE if len(chosen) > 1 else REFIT,
        model=_in_words(chosen, set(again)),
        score=score,
        metrics={name: value for name, value in scores.items() if math.isfinite(value)},
        combines=tuple(chosen),
        params={"networks": dict(chosen), "weights": int(model.count_params()), "refitted": sorted(again)},
        seconds=round(time.monotonic() - began, 3),
    )
    recorder.keep_joined(row, model, ties=bool(again))


def _first(candidates: dict[str, Path]) -> dict[str, Path]:
    name = next(iter(candidates))
    return {name: candidates[name]}


def _train_again(recorder: Recorder, tuner: Any, chosen: Counter[str]) -> dict[str, Path]:
    """Train what weighs most first, while there is time; returns the networks' files by trial."""
    # In epochs, not in seconds: without a limit of time, the same search does the same again.
    left = _REFIT_SHARE * sum(trial.epochs or 0 for trial in recorder.trials.values())
    again = {}
    for name, _ in chosen.most_common():
        left -= best_epoch(recorder.trials[name])
        if left < 0:
            break
        if not recorder.may_refit(name, networks=len(chosen)):
            continue
        file = tuner.train_again(name, lambda: not recorder.may_join(len(chosen)))
        if file is not None:
            again[name] = file
    return again


def _in_words(chosen: Counter[str], again: set[str]) -> str:
    # Ids count from 0, people (and progress) from 1.
    spoken = {name: str(int(name) + 1) if name.isdigit() else name for name in chosen}
    listed = ", ".join(spoken[n] + (f" (×{count})" if count > 1 else "") for n, count in chosen.most_common())
    if len(chosen) == 1:
        return f"trial {spoken[next(iter(chosen))]}, trained again on all rows"
    words = f"average of {len(chosen)} networks: trials {listed}"
    if not again:
        return words
    which = "" if again == set(chosen) else f"{len(again)} of them "
    return f"{words}; {which}trained again on all rows"
