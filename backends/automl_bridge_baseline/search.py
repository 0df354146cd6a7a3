"""A training job: fit each candidate, score it on the validation rows, keep the one that scored best.

The model that is kept is the very object that was scored: it is not fitted again on more rows afterwards.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.backend import Failure, JobState, Outcome, Trial
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.metrics import METRICS, Metric
from automl_bridge.scoring import score
from automl_bridge_baseline import model
from automl_bridge_baseline.candidates import Candidate, chosen, faster, steps_for
from automl_bridge_baseline.features import Layout, Part, outputs_of, read_part
from automl_bridge_baseline.joined import inputs
from automl_bridge_baseline.threads import limited

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.backend import Plan
    from automl_bridge.data.dataset import Dataset

__all__ = ["train"]

_PROBE_ROWS = 20_000


@dataclass
class _Job:
    """What all trials share."""

    plan: Plan
    layout: Layout
    train: Part
    validation: Part | None
    metric: Metric
    end: float
    """When to stop, on the clock of ``time.monotonic``."""
    notes: list[str] = field(default_factory=list)

    @property
    def classes(self) -> int:
        return len(self.plan.spec.profile.classes)

    @property
    def left(self) -> float:
        return self.end - time.monotonic()

    def score(self, models: list[Any]) -> float | None:
        """Score on the validation rows; None if there are none."""
        rows = self.validation
        if rows is None:
            return None
        return score(self.metric, outputs_of(models, rows.X, self.classes), rows.y, rows.weights)


@dataclass
class _Fit:
    """A fitted candidate."""

    models: list[Any]
    score: float | None
    trees: int | None = None
    cut: bool = False
    """Whether time ended it."""


def train(plan: Plan, dataset: Dataset, folder: Path) -> Outcome:
    """Run the search of ``plan`` and write the best model to ``folder / "bundle"``."""
    from automl_bridge_baseline.reader import Reader, places_to_read

    started = time.monotonic()
    spec = plan.spec
    seconds = plan.request["max_seconds"]
    wanted = set(plan.request["columns"])  # type: ignore[call-overload]
    columns = [column for column in spec.profile.features if column.name in wanted]
    features = dataset.features("train")
    places = places_to_read(features, columns, spec.task, spec.seed)
    reader, rows = Reader.fit(features, columns, spec.task, spec.seed, places)
    parts = {
        name: read_part(
            dataset,
            name,
            rows if name == "train" else reader.read(dataset.features(name)),
            classification=spec.task.is_classification,
            places=places if name == "train" else None,
        )
        for name in ("train", "validation")
        if name in dataset.parts and dataset.parts[name].num_rows
    }
    job = _Job(
        plan=plan,
        layout=Layout.of(reader, rows),
        train=parts["train"],
        validation=parts.get("validation"),
        metric=METRICS[spec.metric],
        end=started + seconds if isinstance(seconds, int | float) else math.inf,
    )
    if places is not None:
        drawn = f"{len(places):,} of {features.num_rows:,}"
        job.notes.append(f"models were fitted on {drawn} training rows, drawn at random: the baseline reads no more")
    with limited(job.train.X.size):
        job.metric = _defined_metric(job)
        trials, best, stopped_by = _search(job)
    usage = _usage(time.monotonic() - started)
    if best is None:
        failure = Failure(kind="all-trials-failed", message=trials[0].message)
        return Outcome(
            state=JobState.FAILED, trials=tuple(trials), failure=failure, usage=usage, notes=tuple(job.notes)
        )
    made = model.save(folder / "bundle", best.models, reader, job.layout, plan, trials[0])
    return Outcome(
        state=JobState.SUCCEEDED,
        stopped_by=stopped_by,
        trials=tuple(trials),
        model=model.reference(made),
        usage=usage,
        versions=made.versions,
        notes=tuple(job.notes),
    )


def _defined_metric(job: _Job) -> Metric:
    """Return the metric, or one that can be computed where the validation rows do not have it."""
    rows = job.validation
    if rows is None:
        return job.metric
    same = np.full((len(rows), job.classes), 1 / job.classes) if job.classes else np.zeros_like(rows.y)
    if math.isfinite(score(job.metric, same, rows.y, rows.weights)):
        return job.metric
    other = METRICS["log_loss" if job.classes else "mae"]
    job.notes.append(
        f"{job.metric.name} is not defined on the {len(rows)} validation rows: models were chosen by {other.name}"
    )
    return other


def _search(job: _Job) -> tuple[list[Trial], _Fit | None, str]:
    """Try the candidates; returns the leaderboard, what the first of it is, and what ended the search."""
    limit = job.plan.spec.budget.max_trials
    task = job.plan.spec.task
    wanted = chosen(limit if job.validation is not None else 1, task)
    stopped_by = "max_trials" if len(wanted) < len(chosen(None, task)) and limit == len(wanted) else "done"
    fits: dict[str, _Fit] = {}
    trials: list[Trial] = []
    # The dummy takes no time: whatever happens to the others, there is a model.
    for candidate in sorted(wanted, key=lambda candidate: candidate.name != "dummy"):
        if job.left <= 0 and fits:
            stopped_by = "max_time"
            break
        if len(job.train) * job.layout.width * max(1, job.classes) > candidate.max_cells:
            job.notes.append(f"{candidate.name} was left out: on a table of this size it takes too long")
            continue
        trial, fit = _try(job, candidate)
        trials.append(trial)
        if fit is not None:
            fits[trial.id] = fit
            stopped_by = "max_time" if fit.cut else stopped_by
    trials.sort(key=lambda trial: (trial.state is JobState.FAILED, *job.metric.sort_key(trial.score)))
    best = fits.get(trials[0].id)
    if best is not None and trials[0].id == "dummy" and len(fits) > 1:
        job.notes.append("the dummy was not beaten: the models found nothing in the columns that tells the target")
    return trials, best, stopped_by


def _try(job: _Job, candidate: Candidate) -> tuple[Trial, _Fit | None]:
    started = time.monotonic()
    fit, state = None, JobState.SUCCEEDED
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            models = _make(job, candidate)
            fit = _fit_in_steps(job, candidate, models) if candidate.steps else _fit_once(job, candidate, models)
            message = _first_line(caught[0].message) if caught else ""
        except Exception as error:  # noqa: BLE001 - one model that fails must not take the others with it
            message, state = f"{type(error).__name__}: {_first_line(error)}", JobState.FAILED
    trial = Trial(
        id=candidate.name,
        model=candidate.words,
        state=state,
        score=None if fit is None or fit.score is None or math.isnan(fit.score) else fit.score,
        metrics={} if fit is None or fit.score is None else {job.metric.name: fit.score},
        params={
            **candidate.params,
            **faster(candidate, job.classes),
            **({"trees": fit.trees} if fit is not None and fit.trees else {}),
        },
        seconds=time.monotonic() - started,
        message=message,
    )
    return trial, fit


def _make(job: _Job, candidate: Candidate) -> list[Any]:
    """Return one classifier, or one regressor per target; not fitted."""
    spec = job.plan.spec
    count = 1 if spec.task.is_classification else job.train.y.shape[1]
    made = [
        candidate.make(job.layout, spec.task.is_classification, spec.metric, spec.seed % 2**32) for _ in range(count)
    ]
    changed = faster(candidate, job.classes)
    for estimator in made if changed else ():
        estimator.set_params(**changed)
    return made


def _fit(models: list[Any], rows: Part) -> None:
    for target, estimator in enumerate(models):
        name = "model__sample_weight" if hasattr(estimator, "steps") else "sample_weight"
        weights = {} if rows.weights is None else {name: rows.weights}
        estimator.fit(inputs(estimator, rows.X), rows.y if rows.y.ndim == 1 else rows.y[:, target], **weights)


def _fit_once(job: _Job, candidate: Candidate, models: list[Any]) -> _Fit:  # noqa: ARG001 - as `_fit_in_steps`
    _fit(models, job.train)
    return _Fit(models, job.score(models))


def _fit_in_steps(job: _Job, candidate: Candidate, models: list[Any]) -> _Fit:
    """Grow trees until they help no more or time is up; what is kept is the step that scored best."""
    rows = _rows_for_the_time(job, candidate)
    steps = steps_for(candidate, job.classes)
    if job.validation is None:
        steps = (min(100, steps[-1]),)
    best: _Fit | None = None
    per_tree, grown = 0.0, 0
    for trees in steps:
        if best is not None and per_tree * (trees - grown) > job.left:
            best.cut = True
            break
        started = time.monotonic()
        for estimator in models:
            estimator.set_params(max_iter=trees)
        _fit(models, rows)
        per_tree, grown = (time.monotonic() - started) / (trees - grown), trees
        found = job.score(models)
        if best is not None and not job.metric.better(_known(found), _known(best.score)):
            break
        last = trees == steps[-1]
        best = _Fit(models if last else copy.deepcopy(models), found, trees)
    assert best is not None
    best.cut = best.cut or len(rows) < len(job.train)
    return best


def _rows_for_the_time(job: _Job, candidate: Candidate) -> Part:
    """Return the training rows, or as many of them as the first step can take in half the time that is left."""
    rows = len(job.train)
    if math.isinf(job.end) or rows <= _PROBE_ROWS:
        return job.train
    rng = np.random.default_rng(job.plan.spec.seed)
    order = rng.permutation(rows)
    probe = _make(job, candidate)
    for estimator in probe:
        estimator.set_params(max_iter=2)
    started = time.monotonic()
    _fit(probe, job.train.take(np.sort(order[:_PROBE_ROWS])))
    per_row = (time.monotonic() - started) / 2 * candidate.steps[0] / _PROBE_ROWS
    affordable = max(_PROBE_ROWS // 20, int(max(job.left, 0.0) / 2 / per_row))
    if affordable >= rows:
        return job.train
    job.notes.append(
        f"{candidate.name} was fitted on {affordable:,} of {rows:,} rows, drawn at random, for want of time"
    )
    return job.train.take(np.sort(order[:affordable]))


def _known(found: float | None) -> float:
    return math.nan if found is None else found


def _first_line(error: object) -> str:
    return (str(error).splitlines() or [""])[0][:300]


def _usage(seconds: float) -> Usage:
    return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=seconds / 3600, unit=LOCAL_UNIT),))
