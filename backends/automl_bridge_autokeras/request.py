"""From a JobSpec to the request that a worker gets, and the limits that it has to keep. No heavy imports."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Cap, Objective, Plan
from automl_bridge.budget import format_duration
from automl_bridge.costs.gpus import found_gpus
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT, rate_in
from automl_bridge.costs.usage import Usage, UsageItem, UsageRange
from automl_bridge.errors import BudgetError, TargetError, UnsupportedError, UsageError
from automl_bridge.metrics import metric_for
from automl_bridge.spec import Kind
from automl_bridge_autokeras.ray_request import check_ray
from automl_bridge_autokeras.references import digest_of, exists, words

if TYPE_CHECKING:
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.spec import ColumnProfile, JobSpec
    from automl_bridge_autokeras.references import Reference
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["UNLIMITED_TRIALS", "least_seconds", "plan_predict", "plan_train", "search_key"]

UNLIMITED_TRIALS = 1000
"""Trials where only time is limited; AutoKeras must be given a number."""

SPACE_VERSION = 1
"""Counts changes of the search space: trials of another space are not gone on with."""

_START_SECONDS = 15.0  # a worker that imports TensorFlow, one model compiled, one epoch, one bundle: 8-11 s on 2 cores
_CELLS_A_SECOND = 3e6  # values that are encoded and learned from in the first epoch, on 2 cores


def least_seconds(spec: JobSpec) -> float:
    """Return the least budget in which a model is certain, in seconds: measured on 2 cores, rounded up."""
    rows = spec.profile.rows.get("train", 0) + spec.profile.rows.get("validation", 0)
    cells = rows * max(1, sum(map(_cells, spec.profile.features)))
    return float(round(_START_SECONDS + cells / _CELLS_A_SECOND))


def _cells(column: ColumnProfile) -> int:
    """Return how many numbers a value of a column takes as much time as."""
    if column.image is not None:
        # Decoded once, and a first epoch of a small convolutional network: 1 ms for 28 × 28 on 2 cores.
        return 3 * min(column.image.width, 64) * min(column.image.height, 64)
    if column.kind is Kind.TEXT:
        return 300  # cut into words and terms: 0.1 ms for some fifty words
    return 1


def search_key(spec: JobSpec, settings: AutoKerasSettings) -> str:
    """Name a search: same data, question, seed and settings have the same key, anything else has another."""
    asked = {
        "data": spec.profile.fingerprint,
        "columns": [(c.name, c.kind, c.role) for c in spec.profile.columns],
        "classes": spec.profile.classes,
        "rows": spec.profile.rows,
        "task": spec.task,
        "target": spec.target,
        "metric": spec.metric,
        "seed": spec.seed,
        "settings": settings.search_settings(),
        "code": [digest_of(each) for each in _code(settings)],
        "space": SPACE_VERSION,
    }
    if not asked["code"]:
        del asked["code"]
    if spec.forecast is not None:
        asked["forecast"] = spec.forecast.model_dump(mode="json")
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _code(settings: AutoKerasSettings) -> list[Reference]:
    """Return the functions of the user's that the worker will run."""
    return [*((settings.search_space,) if settings.search_space else ()), *settings.callbacks]


def _check_code(settings: AutoKerasSettings) -> None:
    for given in _code(settings):
        if not exists(given):
            raise UsageError(
                f"there is no module or file for {words(given)}",
                hint="give the setting module:function, with the module importable from here, or folder/file.py:name",
            )


def plan_train(spec: JobSpec, settings: AutoKerasSettings, prices: PriceBook | None = None) -> Plan:
    """Plan a search; see `Backend.plan`."""
    _check_target(spec)
    _check_code(settings)
    check_ray(spec, settings)
    objective = _objective(spec, settings)
    max_time, cap = _limit(spec, prices)
    trials = spec.budget.max_trials or (UNLIMITED_TRIALS if spec.budget.max_time else settings.max_trials)
    request: dict[str, object] = {
        "kind": "train",
        "spec": spec.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "search": search_key(spec, settings),
        "tuner": settings.tuner,
        "objective": objective.name,
        "max_trials": trials,
        "epochs": settings.epochs,
        "max_model_size": settings.max_model_size,
        "seed": spec.seed,
        "max_time": max_time,
        "code": [digest_of(each) for each in _code(settings)],
    }
    least = least_seconds(spec)
    return Plan(
        spec=spec,
        backend="autokeras",
        request=request,
        objective=objective,
        cap=cap,
        limits_sent={"max_time": max_time, "max_trials": trials},
        usage=_usage(least, max_time, trials, known=not settings.ray_address),
        duration=(least, max_time if max_time is not None else least * trials * 4),
        notes=tuple(_notes(spec, settings, trials)),
    )


def plan_predict(spec: JobSpec) -> Plan:
    """Plan a predict job over a bundle."""
    if spec.model is None or not spec.model.local:
        raise UnsupportedError("autokeras predicts with bundles on this machine", hint="give it a bundle's folder")
    request: dict[str, object] = {
        "kind": "predict",
        "spec": spec.model_dump(mode="json"),
        "model": spec.model.uri,
        "max_time": spec.budget.max_time,
    }
    return Plan(spec=spec, backend="autokeras", request=request, usage=_usage(1.0, spec.budget.max_time, 1))


def _check_target(spec: JobSpec) -> None:
    classes = len(spec.profile.classes)
    if spec.task.is_classification and classes < 2:
        raise TargetError(
            f'the target "{", ".join(spec.target)}" has {classes} class; a classification needs two',
            hint="choose another target, or a regression task",
        )
    if spec.task.is_classification and len(spec.target) > 1:
        raise UnsupportedError("autokeras classifies one target a job", hint="fit one job a target")


def _objective(spec: JobSpec, settings: AutoKerasSettings) -> Objective:
    metric_for(spec.metric, spec.task, len(spec.profile.classes))
    name = settings.objective.removeprefix("val_") if settings.objective != "val_loss" else "val_loss"
    if name in {"metric", spec.metric}:
        return Objective(name=spec.metric, exact=True)
    if name != "val_loss":
        metric_for(name, spec.task, len(spec.profile.classes))
    if spec.objective == "exact":
        raise UnsupportedError(
            f"autokeras is set to optimise {name}, but {spec.metric} was asked for exactly",
            hint="leave the setting autokeras.objective at metric",
        )
    return Objective(name=name, exact=False)


def _limit(spec: JobSpec, prices: PriceBook | None) -> tuple[float | None, Cap]:
    """Return the seconds that the worker may take, from time and money, and what stands behind a cap."""
    budget, least = spec.budget, least_seconds(spec)
    limits = [budget.max_time] if budget.max_time is not None else []
    cap = Cap(kind="none", because="no cap was asked for")
    if budget.max_cost_usd is not None:
        rate, basis = rate_in(prices)
        limits.append(budget.max_cost_usd / rate * 3600)
        cap = Cap(kind="guaranteed", because=f"the worker ends at the time that the cap pays for ({basis})")
    if not limits:
        return None, cap
    limit = min(limits)
    if limit < least:
        what = f"max_time {format_duration(limit)}"
        if limit != budget.max_time:
            what = f"max_cost_usd ${budget.max_cost_usd:g} pays for {format_duration(limit)}, which"
        raise BudgetError(
            f"{what} is less than the {least:.0f} s in which autokeras certainly has a model: "
            "starting TensorFlow takes most of it",
            hint=f'give it max_time="{least:.0f}s" or more, or use the baseline backend, which takes seconds',
            limit="autokeras.min_seconds",
        )
    return limit, cap


def _usage(least: float, most: float | None, trials: int, *, known: bool = True) -> UsageRange:
    def hours(seconds: float) -> Usage:
        return Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=seconds / 3600, unit=LOCAL_UNIT),), known=known)

    # Without a limit nobody knows; a trial takes about as long as the start.
    likely = most if most is not None and trials >= UNLIMITED_TRIALS else min(most or 1e12, least * (1 + trials))
    unknown = Usage(known=False)
    return UsageRange(
        low=hours(least),
        likely=hours(likely),
        high=hours(most) if most is not None else unknown,
        worst=hours(most) if most is not None else unknown,
    )


def _notes(spec: JobSpec, settings: AutoKerasSettings, trials: int) -> list[str]:
    notes = []
    gpus = found_gpus()
    if gpus.number and not settings.ray_address:
        what = f"this machine has {gpus.number} × {gpus.model}"
        notes.append(f"{what}: TensorFlow uses the first, if it sees it (automl-bridge doctor autokeras says so)")
    if settings.ray_address:
        notes.append(f"trials run on the Ray cluster at {settings.ray_address}: what other machines cost is not known")
    if settings.search_space:
        notes.append(f"what is searched is {words(settings.search_space)} (setting autokeras.search_space)")
    if spec.budget.max_time is None and spec.budget.max_trials is None:
        notes.append(f"no limit on time or trials: autokeras makes {trials} trials (setting autokeras.max_trials)")
    if not spec.task.value.startswith("tabular"):
        return notes
    unused = {
        Kind.TEXT: "of text columns, tabular models use length and number of words only",
        Kind.IMAGE: "image columns are not used by tabular models",
    }
    for kind, why in unused.items():
        names = [column.name for column in spec.profile.features if column.kind is kind]
        if names:
            notes.append(f"{why}: {', '.join(names[:8])}")
    return notes


def staged_request(plan: Plan, uris: dict[str, str]) -> dict[str, Any]:
    """Return what the queue is given: the plan's request and where the data is."""
    return {**plan.request, "data": dict(uris)}
