"""Records of runs as the store would give them, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automl_bridge.backend import JobState, Objective, Outcome, Plan, Progress, Trial
from automl_bridge.budget import Budget
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.runs.record import RunRecord
from automl_bridge.runs.states import RunState
from automl_bridge.scoring import Interval
from automl_bridge.spec import ColumnProfile, JobSpec, Kind, ModelRef, Profile, Role
from automl_bridge.task import Task

MADE = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TRIALS = (
    Trial(id="1", model="dense 2×128, periodic numbers", score=0.8123, epochs=23, seconds=14.2),
    Trial(id="2", model="dense 1×32", score=0.7911, epochs=8, seconds=4.4),
    Trial(id="3", model="dense 4×1024", state=JobState.FAILED, message="ran out of memory\nat epoch 2", seconds=2.0),
)


def _profile(**changes: Any) -> Profile:
    columns = [
        ColumnProfile(name="status", safe_name="status", kind=Kind.CATEGORICAL, role=Role.TARGET, arrow_type="string"),
        ColumnProfile(name="age", safe_name="age", kind=Kind.INTEGER, arrow_type="int64"),
        *changes.pop("columns", ()),
    ]
    content: dict[str, Any] = {
        "name": "credit.csv",
        "rows": {"train": 2850, "validation": 713, "holdout": 891},
        "bytes": 400_000,
        "columns": columns,
        "classes": ("bad", "good"),
        "class_counts": (1254, 3200),
        "target_type": "string",
        "fingerprint": "f" * 64,
    }
    return Profile(**(content | changes))


@pytest.fixture
def make_record() -> Callable[..., RunRecord]:
    """Return a function that makes a record; keywords replace what it would hold."""

    def make(*, profile: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **changes: Any) -> RunRecord:
        wanted: dict[str, Any] = {
            "name": "ab-2f9c31d0a1b2",
            "task": Task.TABULAR_CLASSIFICATION,
            "target": ("status",),
            "metric": "roc_auc",
            "budget": Budget(max_time="2m"),
            "profile": _profile(**(profile or {})),
        }
        job = JobSpec(**(wanted | (spec or {})))
        notes = changes.pop("plan_notes", ())
        plan = Plan(spec=job, backend="autokeras", request={}, objective=Objective(name="auc", exact=True), notes=notes)
        content: dict[str, Any] = {
            "id": "2f9c31d0a1b2",
            "name": job.name,
            "backend": "autokeras",
            "task": job.task,
            "state": RunState.RUNNING,
            "spec": job,
            "plan": plan,
            "created": MADE,
            "updated": MADE + timedelta(seconds=118),
        }
        return RunRecord(**(content | changes))

    return make


@pytest.fixture
def running(make_record: Callable[..., RunRecord]) -> RunRecord:
    """Return a run in its fourth trial."""
    progress = Progress(state=JobState.RUNNING, fraction=0.75, trial=4, epoch=11, epochs=40, trials=TRIALS, best=0.8123)
    return make_record(progress=progress)


@pytest.fixture
def finished(make_record: Callable[..., RunRecord]) -> RunRecord:
    """Return a run that ended with a model."""
    usage = Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=0.0328, unit=LOCAL_UNIT),))
    model = ModelRef(backend="autokeras", uri="/models/2f9c", local=True)
    outcome = Outcome(state=JobState.SUCCEEDED, stopped_by="max_time", trials=TRIALS, model=model, usage=usage)
    return make_record(
        state=RunState.SUCCEEDED,
        outcome=outcome,
        scores={"roc_auc": 0.824, "accuracy": 0.79},
        interval=Interval(metric="roc_auc", value=0.824, low=0.793, high=0.853),
        usage=usage,
        baseline_run="b" * 12,
    )


@pytest.fixture
def baseline(make_record: Callable[..., RunRecord]) -> RunRecord:
    """Return the baseline's run beside it."""
    return make_record(
        id="b" * 12,
        backend="baseline",
        state=RunState.SUCCEEDED,
        scores={"roc_auc": 0.818},
        interval=Interval(metric="roc_auc", value=0.818, low=0.786, high=0.848),
    )
