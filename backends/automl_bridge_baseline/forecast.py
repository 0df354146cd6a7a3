"""A forecasting job: each candidate learns on the training rows and forecasts the validation rows; the best is kept.

A candidate learns twice: first without the latest origins, from which its errors, and so its quantiles, are measured;
then on all. What is kept is the very object that was scored.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.backend import Failure, JobState, Outcome, Trial
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.data.series import Panel
from automl_bridge.data.series_arrays import SeriesArrays, SeriesReader
from automl_bridge.data.series_context import validation_question
from automl_bridge.data.series_windows import Shape
from automl_bridge.metrics import METRICS, Metric
from automl_bridge.scoring_forecast import ForecastScorer, scales_of
from automl_bridge_baseline import model
from automl_bridge_baseline.forecast_io import ForecastModel, save_forecast
from automl_bridge_baseline.forecast_models import Blend, Boosting, Linear, Simple
from automl_bridge_baseline.forecast_spread import Spread
from automl_bridge_baseline.threads import limited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.backend import Plan
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec

__all__ = ["Candidate", "chosen", "train"]

_JUDGES = 4000
"""Origins that errors are measured from, at most."""
_LEAST_JUDGES = 5
_LEAST_SERIES = 20
"""Series whose validation rows tell models apart; of fewer, earlier origins are scored too."""


@dataclass(frozen=True)
class Candidate:
    """A kind of forecaster: its identifier, what it is, how it is made, and whether it learns."""

    name: str
    words: str
    make: Callable[[Shape, str], Any]
    learns: bool = False


def _absolute(metric: str) -> bool:
    return metric != "rmse"


_NAIVE = "seasonal-naive"
_BLEND = "blend"
_ALL = (
    Candidate(
        "boosting", "gradient boosting on lags", lambda shape, metric: Boosting(shape, _absolute(metric)), learns=True
    ),
    Candidate(_NAIVE, "seasonal naive: the last season again", lambda shape, _: Simple(shape, "naive")),
    Candidate("linear", "linear model of windows", lambda shape, _: Linear(shape), learns=True),
    Candidate(
        _BLEND,
        "mean of boosting, linear model and seasonal means",
        lambda shape, metric: Blend([Boosting(shape, _absolute(metric)), Linear(shape), Simple(shape, "mean")]),
        learns=True,
    ),
    Candidate("seasonal-mean", "means of the last seasons", lambda shape, _: Simple(shape, "mean")),
    Candidate("drift", "drift: the last value and the mean slope", lambda shape, _: Simple(shape, "drift")),
)


def chosen(spec: JobSpec) -> tuple[Candidate, ...]:
    """Return the candidates of a job, the most useful first; without validation rows there is no choice to make."""
    if not spec.profile.rows.get("validation"):
        return tuple(candidate for candidate in _ALL if candidate.name == _BLEND)
    return _ALL[: spec.budget.max_trials]


@dataclass
class _Job:
    """What all trials share."""

    plan: Plan
    table: pa.Table
    reader: SeriesReader
    arrays: SeriesArrays
    shape: Shape
    question: pa.Table | None
    scorer: ForecastScorer | None
    metric: Metric
    end: float
    notes: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        return self.end - time.monotonic()


def train(plan: Plan, dataset: Dataset, folder: Path) -> Outcome:
    """Run the search of ``plan`` and write the best model to ``folder / "bundle"``."""
    started = time.monotonic()
    job = _job(plan, dataset, started)
    with limited(min(len(job.arrays.values), 60_000) * 40):
        trials, models = _search(job)
    usage = Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=(time.monotonic() - started) / 3600, unit=LOCAL_UNIT),))
    common: dict[str, Any] = {"trials": tuple(trials), "usage": usage}
    best = models.get(trials[0].id)
    if best is None:
        failure = Failure(kind="all-trials-failed", message=trials[0].message)
        return Outcome(state=JobState.FAILED, failure=failure, notes=tuple(job.notes), **common)
    made = save_forecast(folder / "bundle", job.reader, *best, plan, trials[0])
    return Outcome(
        state=JobState.SUCCEEDED,
        stopped_by=_stopped_by(job, trials),
        model=model.reference(made),
        versions=made.versions,
        notes=tuple(job.notes),
        **common,
    )


def _stopped_by(job: _Job, trials: list[Trial]) -> str:
    wanted = chosen(job.plan.spec)
    if len(trials) < len(wanted):
        return "max_time"
    return "max_trials" if len(wanted) < len(_ALL) and len(wanted) == job.plan.spec.budget.max_trials else "done"


def _job(plan: Plan, dataset: Dataset, started: float) -> _Job:
    spec = plan.spec
    forecast = spec.forecast
    assert forecast is not None
    reader = SeriesReader.fit(dataset.parts["train"], spec.profile, forecast)
    arrays = reader.read(dataset.parts["train"])
    validated = bool(spec.profile.rows.get("validation"))
    seconds = plan.request["max_seconds"]
    return _Job(
        plan=plan,
        table=dataset.parts["train"],
        reader=reader,
        arrays=arrays,
        shape=Shape.of(forecast.horizon, forecast.season, np.diff(arrays.starts)),
        question=validation_question(dataset) if validated else None,
        scorer=ForecastScorer.of(dataset, "validation") if validated else None,
        metric=METRICS[spec.metric],
        end=started + seconds if isinstance(seconds, int | float) else math.inf,
    )


def _search(job: _Job) -> tuple[list[Trial], dict[str, tuple[Any, Spread]]]:
    """Try the candidates; returns the leaderboard, and what came of each."""
    _defined_metric(job)
    trials: list[Trial] = []
    models: dict[str, tuple[Any, Spread]] = {}
    # What needs no learning takes no time: whatever happens to the others, there is a model.
    for candidate in sorted(chosen(job.plan.spec), key=lambda candidate: candidate.learns):
        if job.left <= 0 and models:
            break
        trial, made = _try(job, candidate)
        trials.append(trial)
        if made is not None:
            models[trial.id] = made
    trials.sort(key=lambda trial: (trial.state is JobState.FAILED, *job.metric.sort_key(trial.score)))
    if trials[0].id == _NAIVE and len(models) > 1:
        job.notes.append("the seasonal naive forecast was not beaten on the validation rows")
    return trials, models


def _defined_metric(job: _Job) -> None:
    """Choose by mae where the metric is not defined on the validation rows: mase of series that never change."""
    if job.scorer is None:
        return
    plain = job.scorer.naive[:, None] + np.zeros(1 + len(job.scorer.quantiles))
    if not math.isfinite(job.scorer.score(job.metric.name, plain)):
        job.notes.append(f"{job.metric.name} is not defined on the validation rows: models were chosen by mae")
        job.metric = METRICS["mae"]


def _try(job: _Job, candidate: Candidate) -> tuple[Trial, tuple[Any, Spread] | None]:
    started = time.monotonic()
    score: float | None = None
    scores: dict[str, float] = {}
    made: tuple[Any, Spread] | None = None
    state, message = JobState.SUCCEEDED, ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made, judged, late = _learned(job, candidate)
            if job.question is not None and job.scorer is not None:
                outputs = ForecastModel(job.reader, *made).predict(job.question)
                scorer, outputs = _with_earlier(job, job.scorer, outputs, judged, made[1], late)
                scores = {name: scorer.score(name, outputs) for name in dict.fromkeys((job.metric.name, "wape"))}
                score = scores[job.metric.name]
            message = str(caught[0].message).splitlines()[0] if caught else ""
        except Exception as error:  # noqa: BLE001 - one model that fails must not take the others with it
            made, state = None, JobState.FAILED
            message = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"
    trial = Trial(
        id=candidate.name,
        model=candidate.words,
        state=state,
        score=score if score is not None and math.isfinite(score) else None,
        metrics={name: value for name, value in scores.items() if math.isfinite(value)},
        params={"season": job.shape.season, "window": job.shape.length} if candidate.learns else {},
        seconds=time.monotonic() - started,
        message=message,
    )
    return trial, made


def _learned(job: _Job, candidate: Candidate) -> tuple[tuple[Any, Spread], Any, NDArray[np.int64]]:
    """Let a forecaster learn.

    Returns
    -------
    tuple
        The forecaster and its spread; the same kind as it was before it had seen the latest origins; and those.
    """
    spec, shape, arrays = job.plan.spec, job.shape, job.arrays
    assert spec.forecast is not None
    quantiles = spec.forecast.quantiles
    origins = arrays.origins(shape.horizon, min(shape.length, max(shape.season, 2)))
    if not len(origins):
        origins = arrays.origins(shape.horizon, 1)
    judged = candidate.make(shape, spec.metric)
    early, late = _cut(arrays, origins, shape.horizon)
    if not candidate.learns:
        return (judged, Spread.of(shape, quantiles, judged, arrays, _some(origins, spec.seed))), judged, late
    if not len(origins):
        raise ValueError(f"no series has more than {shape.horizon} steps to learn from")
    judged.fit(arrays, early, spec.seed)
    spread = Spread.of(shape, quantiles, judged, arrays, _some(late, spec.seed))
    if len(early) == len(origins):
        return (judged, spread), judged, late[:0]
    forecaster = candidate.make(shape, spec.metric)
    forecaster.fit(arrays, origins, spec.seed)
    return (forecaster, spread), judged, late


def _with_earlier(
    job: _Job,
    scorer: ForecastScorer,
    outputs: NDArray[np.float64],
    judged: Any,
    spread: Spread,
    late: NDArray[np.int64],
) -> tuple[ForecastScorer, NDArray[np.float64]]:
    """Add forecasts from earlier origins to those of the validation rows, where these come of a few series only.

    The origins lie a horizon apart, and what forecasts from them has not seen what came after.
    """
    arrays, horizon = job.arrays, job.shape.horizon
    windows = -(-_LEAST_SERIES // len(scorer.scales))
    left = arrays.starts[1:][arrays.codes[late]] - late
    origins = late[(left % horizon == 0) & (left < windows * horizon)]
    if windows < 2 or not len(origins):
        return scorer, outputs
    rows = arrays.ahead(origins, horizon).reshape(-1)
    panel = Panel(job.table, arrays.starts, arrays.values)
    added = spread.around(judged.predict(arrays, origins), arrays, origins)
    more = ForecastScorer(
        values=np.concatenate([scorer.values, arrays.values[rows]]),
        codes=np.concatenate([scorer.codes, len(scorer.scales) + arrays.codes[rows]]),
        scales=np.concatenate([scorer.scales, scales_of(panel, scorer.season)]),
        quantiles=scorer.quantiles,
        naive=np.concatenate([scorer.naive, np.zeros(len(rows))]),
        season=scorer.season,
    )
    return more, np.concatenate([outputs, added])


def _cut(arrays: SeriesArrays, origins: NDArray[np.int64], horizon: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the origins to learn from at first, and later ones whose future those have not seen.

    With too few to part with, all are both: errors are then those of what was learned, and too small.
    """
    left = arrays.starts[1:][arrays.codes[origins]] - origins
    latest = np.quantile(left, 0.25)
    late = origins[left <= latest]
    early = origins[left >= latest + horizon]
    enough = len(late) >= _LEAST_JUDGES and len(early) >= max(_LEAST_JUDGES, len(origins) // 4)
    return (early, late) if enough else (origins, origins)


def _some(origins: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(origins) <= _JUDGES:
        return origins
    return np.sort(np.random.default_rng(seed).choice(origins, _JUDGES, replace=False))
