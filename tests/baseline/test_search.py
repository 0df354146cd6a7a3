import math
import time

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.errors import UnreadableError
from automl_bridge.metrics import METRICS
from automl_bridge.scoring import score
from automl_bridge.task import Task
from automl_bridge.testing import jobs
from automl_bridge_baseline import candidates, search

PATIENCE = 60


def train(backend, source, target="y", *, budget=None, metric=None, seed=0, **options):
    task, dataset = build_dataset(source, target=target, **options)
    changes = {"seed": seed} if metric is None else {"metric": metric, "seed": seed}
    return dataset, jobs.train(
        backend, jobs.train_spec(task, dataset, budget or Budget(), **changes), dataset, PATIENCE
    )


def signal(rows=400, *, noise=0.3, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, rows)
    codes = np.clip((x + noise * rng.normal(size=rows)) * classes, 0, classes - 1).astype(int)
    return pa.table({"x": x, "other": rng.normal(size=rows), "y": [f"c{code}" for code in codes]})


def numbers(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, rows)
    return pa.table({"x": x, "other": rng.normal(size=rows), "y": np.sin(x) * 5 + rng.normal(size=rows) * 0.1})


def outputs_on(backend, done, dataset, part):
    return backend.load(done.model).predict(dataset.features(part))


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy", "f1"])
def test_the_saved_model_is_the_one_that_earned_the_score(backend, metric):
    dataset, done = train(backend, signal(), metric=metric)
    best = done.outcome.trials[0]
    found = score(metric, outputs_on(backend, done, dataset, "validation"), dataset.target_codes("validation"))
    assert found == best.score
    assert best.metrics == {metric: best.score}


@pytest.mark.parametrize("metric", ["rmse", "r2", "mae", "mape"])
def test_scores_of_a_regression_have_their_natural_sign(backend, metric):
    dataset, done = train(backend, numbers(), metric=metric)
    scores = [trial.score for trial in done.outcome.trials]
    assert scores == sorted(scores, reverse=METRICS[metric].greater_is_better)
    found = score(metric, outputs_on(backend, done, dataset, "validation"), dataset.target_values("validation"))
    assert found == scores[0]
    assert done.outcome.trials[0].id.startswith("boosting")
    if metric == "rmse":
        assert 0.1 < scores[0] < scores[-1]


def test_every_candidate_is_on_the_leaderboard_and_finds_an_easy_signal(backend):
    dataset, done = train(backend, signal(noise=0.05))
    assert {trial.id for trial in done.outcome.trials} == {"dummy", "linear", "boosting", "boosting-small"}
    assert done.outcome.trials[-1].id == "dummy"
    assert done.outcome.stopped_by == "done"
    assert score("roc_auc", outputs_on(backend, done, dataset, "holdout"), dataset.target_codes("holdout")) > 0.95


def test_if_nothing_beats_the_dummy_it_says_so(backend):
    rng = np.random.default_rng(3)
    noise = pa.table({"x": rng.normal(size=2000), "y": rng.choice(["a", "b"], 2000, p=[0.9, 0.1])})
    _, done = train(backend, noise, metric="log_loss")
    assert done.outcome.trials[0].id == "dummy"
    assert any("dummy was not beaten" in note for note in done.outcome.notes)


def test_the_number_of_trials_is_kept_and_the_most_useful_come_first(backend):
    for limit, expected in ((1, {"boosting"}), (2, {"boosting", "dummy"}), (99, 4)):
        _, done = train(backend, signal(), budget=Budget(max_trials=limit))
        found = {trial.id for trial in done.outcome.trials}
        assert found == expected or len(found) == expected
        assert done.outcome.stopped_by == ("max_trials" if limit < 4 else "done")


def test_a_time_that_is_long_enough_changes_nothing(backend):
    dataset, free = train(backend, signal())
    _, timed = train(backend, signal(), budget=Budget(max_time=3600))
    np.testing.assert_array_equal(
        outputs_on(backend, free, dataset, "holdout"), outputs_on(backend, timed, dataset, "holdout")
    )
    assert timed.plan.limits_sent == {"max_seconds": 3600.0}


def test_a_time_that_is_too_short_for_all_rows_takes_fewer(backend):
    rng = np.random.default_rng(0)
    table = pa.table({f"x{i}": rng.normal(size=150_000) for i in range(15)})
    table = table.append_column("y", pa.array(np.asarray(table["x0"]) + rng.normal(size=150_000)))
    started = time.monotonic()
    task, dataset = build_dataset(table, target="y")
    spec = jobs.train_spec(task, dataset, Budget(max_time=1))
    plan, staged = jobs.prepare(backend, spec, dataset)
    started = time.monotonic()
    ref = backend.submit(plan, staged)
    took = time.monotonic() - started
    outcome = backend.collect(ref)
    assert outcome.stopped_by == "max_time"
    assert took < 6
    assert METRICS["rmse"].better(outcome.trials[0].score, np.std(np.asarray(table["y"])))


def test_a_time_of_nearly_nothing_still_leaves_a_model(backend):
    dataset, done = train(backend, signal(), budget=Budget(max_time=0.001))
    assert done.outcome.stopped_by == "max_time"
    assert done.outcome.trials[0].score is not None
    assert len(outputs_on(backend, done, dataset, "holdout")) == dataset.profile.rows["holdout"]


def test_a_cost_is_a_time(backend):
    _, done = train(backend, signal(), budget=Budget(max_cost_usd=5))
    assert done.plan.cap.kind == "guaranteed"
    assert "$5" in done.plan.cap.because
    assert done.plan.limits_sent["max_seconds"] > 0
    assert done.plan.usage.worst.items[0].quantity == pytest.approx(done.plan.limits_sent["max_seconds"] / 3600)


def test_without_validation_rows_one_model_learns_from_all(backend):
    _, done = train(backend, signal(), validation=0)
    assert [trial.id for trial in done.outcome.trials] == ["boosting"]
    assert done.outcome.trials[0].score is None
    assert done.outcome.model is not None


def test_a_metric_that_the_validation_rows_do_not_have_is_replaced_and_named(backend, monkeypatch):
    task, dataset = build_dataset(signal(), target="y")
    monkeypatch.setattr(
        search, "score", lambda metric, *a, **k: math.nan if metric.name == "roc_auc" else score(metric, *a, **k)
    )
    done = jobs.train(backend, jobs.train_spec(task, dataset, Budget()), dataset, PATIENCE)
    assert any("roc_auc is not defined" in note for note in done.outcome.notes)
    assert set(done.outcome.trials[0].metrics) == {"log_loss"}
    scores = [trial.score for trial in done.outcome.trials]
    assert scores == sorted(scores)


def fails(*_, **__):
    raise FloatingPointError("no model today\nsecond line")


def test_a_trial_that_fails_is_shown_last_and_takes_no_other_with_it(backend, monkeypatch):
    broken = candidates.Candidate("broken", "always fails", fails)
    monkeypatch.setattr(candidates, "_ALL", (*candidates._ALL[:2], broken))
    _, done = train(backend, signal())
    last = done.outcome.trials[-1]
    assert (last.id, last.state, last.score) == ("broken", JobState.FAILED, None)
    assert last.message == "FloatingPointError: no model today"
    assert done.outcome.trials[0].id == "boosting"
    assert done.outcome.state is JobState.SUCCEEDED


def test_if_all_trials_fail_the_job_has_failed(backend, monkeypatch):
    broken = candidates.Candidate("broken", "always fails", fails)
    monkeypatch.setattr(candidates, "_ALL", (broken,))
    _, done = train(backend, signal(), validation=0)
    assert done.outcome.state is JobState.FAILED
    assert done.outcome.failure.kind == "all-trials-failed"
    assert "no model today" in done.outcome.failure.message
    assert done.outcome.model is None
    assert backend.poll([done.ref])[done.ref].state is JobState.FAILED


def test_a_job_that_breaks_has_failed_and_does_not_break_the_caller(backend, monkeypatch):
    monkeypatch.setattr(search, "read_part", fails)
    _, done = train(backend, signal())
    assert done.outcome.state is JobState.FAILED
    assert done.outcome.failure.kind == "crash"
    assert "FloatingPointError: no model today" in done.outcome.failure.message


def test_data_that_is_gone_is_said_as_it_is(backend, tmp_path):
    task, dataset = build_dataset(signal(), target="y")
    plan, staged = jobs.prepare(backend, jobs.train_spec(task, dataset, Budget()), dataset)
    with pytest.raises(UnreadableError, match="no dataset in"):
        backend.submit(plan, staged.model_copy(update={"uris": {"data": str(tmp_path / "gone")}}))
    assert backend.find(plan) is None


def test_several_targets_are_learned_at_once(backend):
    table = numbers().append_column("z", numbers()["x"])
    dataset, done = train(backend, table, target=["y", "z"])
    found = outputs_on(backend, done, dataset, "holdout")
    assert found.shape == dataset.target_values("holdout").shape == (dataset.profile.rows["holdout"], 2)
    assert score("rmse", found[:, 0], dataset.target_values("holdout")[:, 0]) < 1


def test_weights_count_in_the_score(backend):
    table = signal()
    weights = np.random.default_rng(0).uniform(0.1, 5, table.num_rows)
    dataset, done = train(backend, table, weight=weights)
    found = outputs_on(backend, done, dataset, "validation")
    codes = dataset.target_codes("validation")
    assert done.outcome.trials[0].score == score("roc_auc", found, codes, dataset.weights("validation"))
    assert done.outcome.trials[0].score != score("roc_auc", found, codes)


def test_another_seed_may_differ_and_the_same_does_not(backend):
    dataset, first = train(backend, signal(), seed=2**40 + 7)
    _, second = train(backend, signal(), seed=2**40 + 7)
    np.testing.assert_array_equal(*(outputs_on(backend, done, dataset, "holdout") for done in (first, second)))


def test_a_class_without_training_rows_keeps_its_column(backend):
    table = signal(classes=3)
    task, dataset = build_dataset(table, target="y")
    codes = dataset.target_codes("train")
    kept = dataset.parts["train"].filter(pa.array(codes != 1))
    from dataclasses import replace

    altered = replace(dataset, parts={**dict(dataset.parts), "train": kept}, split_digest="altered")
    done = jobs.train(backend, jobs.train_spec(task, altered, Budget()), altered, PATIENCE)
    found = outputs_on(backend, done, dataset, "holdout")
    assert found.shape[1] == 3
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found[:, 1] == 0).all()


AWKWARD = ["[a]:,<b>", 'say "c"', "größe", "数量", "_x", "class", "a\nb", "{}", " space ", "target "]


def test_awkward_names_train_and_come_back(backend):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    table = pa.table({name: x + rng.normal(size=300) * 0.1 for name in AWKWARD} | {"y": np.where(x > 0, "<1>", "[2]")})
    dataset, done = train(backend, table)
    assert [column.name for column in backend.load(done.model).metadata.profile.features] == AWKWARD
    assert done.plan.request["columns"] == AWKWARD
    assert score("roc_auc", outputs_on(backend, done, dataset, "holdout"), dataset.target_codes("holdout")) > 0.95


@pytest.mark.parametrize("winner", ["boosting", "linear", "dummy"])
def test_rows_unlike_any_in_training_are_predicted(backend, monkeypatch, winner):
    monkeypatch.setattr(candidates, "_ALL", tuple(c for c in candidates._ALL if c.name == winner))
    rng = np.random.default_rng(0)
    x, level = rng.normal(size=300), rng.choice(["a", "b", "c"], 300)
    dataset, done = train(backend, pa.table({"x": x, "level": level, "y": np.where(x > 0, "p", "n")}))
    assert done.outcome.trials[0].id == winner
    new = pa.table(
        {
            "x": [math.inf, -math.inf, 1e300, -1e300, math.nan, None, 0.5],
            "level": ["new", "", None, "a", "b", "never seen", "c"],
        }
    )
    found = backend.load(done.model).predict(build_predict_dataset(new, dataset.profile).features("predict"))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    if winner != "dummy":
        assert (found[:4].argmax(axis=1) == found[[0, 1, 0, 1]].argmax(axis=1)).all()
        assert found[0].argmax() != found[1].argmax()


def test_a_fit_takes_less_than_a_second(backend):
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    table = pa.Table.from_pandas(x.assign(y=y.map({0: "malignant", 1: "benign"})))
    train(backend, signal())  # imports
    task, dataset = build_dataset(table, target="y", task=Task.TABULAR_CLASSIFICATION)
    seconds = []
    for _ in range(3):
        spec = jobs.train_spec(task, dataset, Budget())
        started = time.process_time()  # of this process only: the machine may be busy with other things
        jobs.train(backend, spec, dataset, PATIENCE)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1.0


@pytest.mark.parametrize("classes", [0, 2, 3, 4, 12, 100, 999, 5000])
def test_many_classes_have_fewer_trees_each(classes):
    for candidate in candidates._ALL:
        steps = candidates.steps_for(candidate, classes)
        assert list(steps) == sorted(set(steps))
        assert bool(steps) >= bool(candidate.steps)
        if candidate.steps and classes <= 2:
            assert steps == candidate.steps
        elif candidate.steps:
            assert 1 <= steps[-1] <= max(1, candidates.MAX_TREES // classes)
            assert set(steps[:-1]) <= set(candidate.steps)


def blobs(rows=1000, classes=12):
    rng = np.random.default_rng(0)
    centres, code = rng.normal(size=(classes, 20)), np.arange(rows) % classes
    x = centres[code] + rng.normal(size=(rows, 20)) * 0.9
    return pa.table({f"x{i}": x[:, i] for i in range(20)} | {"y": [f"c{c:02}" for c in code]})


def test_twelve_classes_take_seconds_and_lose_nothing(backend, monkeypatch):
    task, dataset = build_dataset(blobs(), target="y")
    train(backend, signal())  # imports
    found = {}
    for limit in (candidates.MAX_TREES, 10**6):
        monkeypatch.setattr(candidates, "MAX_TREES", limit)
        spec = jobs.train_spec(task, dataset, Budget(max_time=1e6 + limit))
        started = time.process_time()
        done = jobs.train(backend, spec, dataset, PATIENCE)
        fitted = time.process_time()
        best = next(trial for trial in done.outcome.trials if trial.id == "boosting-small")
        model = backend.load(done.model)
        found[limit] = (best.score, best.params["trees"], fitted - started, time.process_time() - fitted)
        assert len(model.predict(dataset.features("holdout"))) == 200
    (score_, trees, fitting, loading), (free, *_) = found.values()
    assert trees * 12 <= 1000
    assert score_ < free + 0.02  # log loss
    assert fitting < 6  # 2 s on an idle core, of which this is the bound on a busy one
    assert loading < 2
