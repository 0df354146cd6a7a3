"""Plans: pure, honest about limits, and refused where no model could come of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl_bridge.budget import Budget
from automl_bridge.errors import BudgetError, TargetError, UnsupportedError, UsageError
from automl_bridge.spec import ColumnProfile, JobSpec, Kind, ModelRef, Profile, Role
from automl_bridge.task import Task
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings
from automl_bridge_autokeras.request import search_key


def make_spec(*, task=Task.TABULAR_CLASSIFICATION, metric="roc_auc", classes=("no", "yes"), rows=1000, **changes):
    columns = (
        ColumnProfile(name="a", safe_name="a", kind=Kind.NUMERIC, arrow_type="double"),
        ColumnProfile(name="said", safe_name="said", kind=Kind.TEXT, arrow_type="string"),
        ColumnProfile(name="y", safe_name="y", kind=Kind.CATEGORICAL, role=Role.TARGET, arrow_type="string"),
    )
    profile = Profile(
        rows={"train": rows, "validation": 100, "holdout": 100},
        bytes=1000,
        columns=columns,
        classes=classes if task.is_classification else (),
        fingerprint="f" * 64,
    )
    return JobSpec(**{"name": "job-1", "task": task, "target": ("y",), "metric": metric, "profile": profile, **changes})


@pytest.fixture
def backend(tmp_path: Path) -> AutoKerasBackend:
    return AutoKerasBackend(AutoKerasSettings(), tmp_path / "work")


def test_plan_is_pure(backend, tmp_path):
    spec = make_spec(budget=Budget(max_time="2m"))
    first = backend.plan(spec)
    assert first == backend.plan(spec)
    json.dumps(first.request)
    assert list(tmp_path.iterdir()) == []


def test_the_metric_itself_is_optimised(backend):
    plan = backend.plan(make_spec(metric="f1"))
    assert plan.objective is not None
    assert (plan.objective.name, plan.objective.exact) == ("f1", True)


def test_val_loss_is_not_exact(tmp_path):
    backend = AutoKerasBackend(AutoKerasSettings(objective="val_loss"), tmp_path)
    assert not backend.plan(make_spec()).objective.exact
    with pytest.raises(UnsupportedError, match="exactly"):
        backend.plan(make_spec(objective="exact"))


def test_objectives_by_autokeras_own_names(tmp_path):
    plan = AutoKerasBackend(AutoKerasSettings(objective="val_accuracy"), tmp_path).plan(make_spec())
    assert (plan.objective.name, plan.objective.exact) == ("accuracy", False)
    plan = AutoKerasBackend(AutoKerasSettings(objective="val_roc_auc"), tmp_path).plan(make_spec())
    assert plan.objective.exact
    with pytest.raises(UsageError, match="no metric rmse"):
        AutoKerasBackend(AutoKerasSettings(objective="val_rmse"), tmp_path).plan(make_spec())


def test_a_time_limit_leaves_trials_open(backend):
    plan = backend.plan(make_spec(budget=Budget(max_time="2m")))
    assert plan.limits_sent["max_time"] == 120
    assert plan.limits_sent["max_trials"] >= 100
    assert plan.usage.worst.items[0].quantity == pytest.approx(120 / 3600)


def test_no_limit_makes_a_stated_number_of_trials(backend):
    plan = backend.plan(make_spec())
    assert plan.limits_sent["max_trials"] == AutoKerasSettings().max_trials
    assert any("10 trials" in note for note in plan.notes)
    assert not plan.usage.worst.known


def test_money_becomes_the_workers_deadline(backend):
    plan = backend.plan(make_spec(budget=Budget(max_cost_usd=0.05, max_time="10h")))
    assert plan.cap.kind == "guaranteed"
    assert 60 < plan.limits_sent["max_time"] < 36000


@pytest.mark.parametrize("budget", [Budget(max_time="5s"), Budget(max_cost_usd=0.00001)])
def test_too_small_a_budget_is_refused_with_the_least(backend, budget):
    with pytest.raises(BudgetError, match=r"less than the \d+ s") as caught:
        backend.plan(make_spec(budget=budget))
    assert "max_time=" in caught.value.hint


def test_more_rows_need_a_larger_budget(backend):
    budget = Budget(max_time="20s")
    backend.plan(make_spec(budget=budget))
    with pytest.raises(BudgetError):
        backend.plan(make_spec(budget=budget, rows=50_000_000))


def test_text_columns_are_named(backend):
    assert any("said" in note for note in backend.plan(make_spec()).notes)


def test_one_class_is_refused(backend):
    with pytest.raises(TargetError, match="1 class"):
        backend.plan(make_spec(classes=("no",)))


def test_a_metric_that_the_task_has_not(backend):
    with pytest.raises(UsageError, match="no metric rmse"):
        backend.plan(make_spec(metric="rmse"))


def test_tasks_that_it_does_not_do_say_why(backend):
    for task in Task:
        if not backend.capabilities.supports(task):
            with pytest.raises(UnsupportedError):
                backend.plan(make_spec(task=task, metric="log_loss"))


def test_predicting_needs_a_bundle(backend):
    spec = make_spec(kind="predict", model=ModelRef(backend="autokeras", uri="bundle", local=True))
    assert backend.plan(spec).request["model"] == "bundle"
    with pytest.raises(UnsupportedError):
        backend.plan(make_spec(kind="predict"))


def test_other_data_seed_or_settings_are_another_search():
    settings, spec = AutoKerasSettings(), make_spec()
    other_data = spec.model_copy(update={"profile": spec.profile.model_copy(update={"fingerprint": "e" * 64})})
    keys = [
        search_key(spec, settings),
        search_key(other_data, settings),
        search_key(make_spec(seed=1), settings),
        search_key(make_spec(metric="accuracy"), settings),
        search_key(spec, AutoKerasSettings(tuner="random")),
        search_key(spec, AutoKerasSettings(epochs=3)),
    ]
    assert len(set(keys)) == len(keys)


def test_budget_and_name_are_the_same_search():
    settings = AutoKerasSettings()
    one = search_key(make_spec(), settings)
    assert one == search_key(make_spec(name="job-2", budget=Budget(max_time="1h")), settings)
    assert one == search_key(make_spec(), AutoKerasSettings(max_memory="8GB", linger=1))
