"""Searches through the queue, in a real worker: what comes in, what comes out."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from autokeras_bench import mixed_table, wait

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.bundle import BundleError, read_bundle
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.scoring import score

PLAIN_KERAS = """
import json, sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1], safe_mode=True)
inputs = [np.zeros((2, *node.shape[1:]), node.dtype) for node in model.inputs]
shape = model(inputs).shape
print(json.dumps([list(shape), "autokeras" in sys.modules, "automl_bridge" in sys.modules]))
"""
NO_TENSORFLOW = """
import sys
from pathlib import Path
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings
from automl_bridge.spec import JobSpec, ModelRef
from automl_bridge.data.build import build_dataset
task, dataset = build_dataset(sys.argv[1], target="y")
backend = AutoKerasBackend(AutoKerasSettings(), Path(sys.argv[2]))
spec = JobSpec(name="job", task=task, target=("y",), metric="accuracy", profile=dataset.profile)
plan = backend.plan(spec)
staged = backend.stage(plan, dataset)
backend.find(plan), backend.poll([])
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow", "keras", "autokeras", "keras_tuner", "jax", "torch"}))
"""


def test_a_table_with_every_kind_of_column(bench, fitted):
    outcome, dataset = fitted.outcome, fitted.dataset
    assert outcome.state is JobState.SUCCEEDED
    assert outcome.stopped_by == "max_trials"
    assert [trial.state for trial in outcome.trials] == [JobState.SUCCEEDED] * 2
    outputs = bench.predict(outcome, dataset.features("holdout"))
    assert outputs.shape == (80, 2)
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    assert score("roc_auc", outputs, dataset.target_codes("holdout")) > 0.85


def test_the_model_is_the_one_that_earned_the_score(bench, fitted):
    outputs = bench.predict(fitted.outcome, fitted.dataset.features("validation"))
    best = fitted.outcome.trials[0]
    assert score("roc_auc", outputs, fitted.dataset.target_codes("validation")) == pytest.approx(best.score, abs=1e-6)
    assert score("log_loss", outputs, fitted.dataset.target_codes("validation")) == pytest.approx(
        best.metrics["val_loss"], abs=1e-5
    )
    assert best.score == max(trial.score for trial in fitted.outcome.trials)


def test_the_outcome_says_what_was_used(fitted):
    outcome = fitted.outcome
    (item,) = outcome.usage.items
    assert (item.sku, item.unit) == ("local-machine", "machine-hour")
    assert 0 < item.quantity < 0.1
    assert {"autokeras", "keras", "python", "automl-bridge"} <= set(outcome.versions)
    assert all(trial.seconds > 0 and trial.epochs == 12 and trial.model for trial in outcome.trials)
    assert outcome.model.local


def test_rows_that_training_never_saw(bench, fitted):
    rows = mixed_table(4, seed=9).drop(columns="outcome")
    rows["city"] = ["Lima", None, "", "Oslo"]
    rows["size"] = [np.inf, -np.inf, 1e300, np.nan]
    rows["since"] = [pd.NaT, pd.Timestamp("2099-12-31"), pd.NaT, pd.Timestamp("1970-01-01")]
    outputs = bench.predict(fitted.outcome, rows[list(reversed(rows.columns))])
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


def test_a_process_of_its_own_answers_in_milliseconds(bench, fitted):
    rows = fitted.dataset.features("holdout")
    predictor = bench.backend().load(fitted.outcome.model)
    try:
        whole = predictor.predict(rows)
        seconds = []
        for index in range(20):
            started = time.perf_counter()
            row = predictor.predict(rows.slice(index, 1))
            seconds.append(time.perf_counter() - started)
            np.testing.assert_allclose(row[0], whole[index], atol=1e-5)
    finally:
        predictor.close()
        predictor.close()
    assert min(seconds) < 0.05
    # A predict job, in another process, says the same.
    np.testing.assert_allclose(bench.predict(fitted.outcome, rows), whole, atol=1e-6)


def test_a_predict_job_says_what_it_used(bench, fitted):
    rows = build_predict_dataset(fitted.dataset.features("holdout"), fitted.dataset.profile)
    spec = bench.spec(rows, fitted.spec.task, "outcome", "roc_auc", kind="predict", model=fitted.outcome.model)
    outcome = bench.run(spec, rows)
    assert outcome.usage.items[0].part == "prediction"
    assert outcome.predictions.suffix == ".npy"


def test_plain_keras_opens_the_model_in_safe_mode(fitted):
    model = f"{fitted.outcome.model.uri}/model.keras"
    answer = subprocess.run([sys.executable, "-c", PLAIN_KERAS, model], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout.splitlines()[-1]) == [[2, 2], False, False]


def test_the_caller_never_loads_tensorflow(tmp_path):
    pd.DataFrame({"x": range(40), "y": [0, 1] * 20}).to_csv(tmp_path / "t.csv", index=False)
    command = [sys.executable, "-c", NO_TENSORFLOW, str(tmp_path / "t.csv"), str(tmp_path / "work")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_process_that_predicts_loads_nothing_that_only_dataframes_and_drawings_need(fitted):
    code = (
        "import sys; from automl_bridge_autokeras.worker import serve; "
        f"serve({{'path': {str(fitted.outcome.model.uri)!r}}}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "keras" in loaded
    assert not loaded & {"pandas", "sklearn", "matplotlib", "IPython", "autokeras"}


def test_the_bundle_exports_and_shows_tampering(bench, fitted, tmp_path):
    path = bench.backend().export(fitted.outcome.model, tmp_path / "out")
    metadata = read_bundle(path)
    assert metadata.backend == "autokeras"
    assert metadata.score == fitted.outcome.trials[0].score
    (path / "model.keras").write_bytes(b"other")
    with pytest.raises(BundleError):
        bench.backend().load(fitted.outcome.model.model_copy(update={"uri": str(path)}))


def test_the_same_seed_gives_the_same_result(bench, mixed, fitted):
    spec = fitted.spec.model_copy(update={"name": "again"})
    again = bench.run(spec, fitted.dataset, epochs=12)
    assert [(t.id, t.score, t.params) for t in again.trials] == [
        (t.id, t.score, t.params) for t in fitted.outcome.trials
    ]
    rows = fitted.dataset.features("holdout")
    np.testing.assert_array_equal(bench.predict(again, rows), bench.predict(fitted.outcome, rows))


def test_another_seed_gives_another(bench, fitted):
    spec = fitted.spec.model_copy(update={"name": "other", "seed": 1, "budget": Budget(max_trials=1)})
    other = bench.run(spec, fitted.dataset, epochs=12)
    assert other.trials[0].score != next(t.score for t in fitted.outcome.trials if int(t.id) == 0)


def test_regression_keeps_large_numbers_apart(bench):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    table = pd.DataFrame({"x": x, "kind": rng.choice(["a", "b"], 300), "y": 1e9 + 3 * x + rng.normal(size=300) * 0.1})
    fit = bench.fit(table, "y", "rmse", epochs=20)
    outputs = bench.predict(fit.outcome, fit.dataset.features("holdout"))
    assert outputs.shape == (60, 1)
    assert score("rmse", outputs, fit.dataset.target_values("holdout")) < 1.0
    assert fit.outcome.trials[0].score < 1.0


def test_several_targets(bench):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pd.DataFrame({"x": x, "small": x / 1000, "large": -1000 * x})
    fit = bench.fit(table, ["small", "large"], "r2", epochs=20)
    outputs = bench.predict(fit.outcome, fit.dataset.features("holdout"))
    wanted = fit.dataset.target_values("holdout")
    assert outputs.shape == wanted.shape == (40, 2)
    for index in range(2):
        assert np.corrcoef(outputs[:, index], wanted[:, index])[0, 1] > 0.9


def test_weights_count_in_learning_and_in_scores(bench):
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    table = pd.DataFrame({"x": x, "y": np.where(x > 0, "up", "down")})
    lies = np.arange(600) % 2 == 0
    table.loc[lies, "y"] = np.where(x[lies] > 0, "down", "up")
    table["w"] = np.where(lies, 1e-9, 1.0)
    fit = bench.fit(table, "y", "accuracy", data={"weight": "w"}, epochs=15)
    assert fit.outcome.trials[0].score > 0.9
    outputs = bench.predict(fit.outcome, pa.table({"x": [-2.0, 2.0]}))
    assert outputs.argmax(axis=1).tolist() == [0, 1]  # down, up


def test_only_categories_only_numbers_one_column(bench):
    rng = np.random.default_rng(0)
    letters = rng.choice(["a", "b", "c"], 150)
    for column in (letters, (letters == "a") * 1.0 + rng.normal(size=150) * 0.01):
        fit = bench.fit(pd.DataFrame({"c": column, "y": letters == "a"}), "y", "accuracy", epochs=20)
        assert fit.outcome.trials[0].score > 0.9


def test_a_metric_that_is_not_defined_falls_back_and_says_so(bench):
    # In the order of time, all validation rows are of one class.
    table = pd.DataFrame({"x": np.arange(100.0), "t": pd.date_range("2024-01-01", periods=100)})
    table["y"] = ["no" if i < 50 or 64 <= i < 80 else "yes" for i in range(100)]
    fit = bench.fit(table, "y", "roc_auc", data={"time": "t"})
    assert fit.outcome.state is JobState.SUCCEEDED
    assert any("not defined on the validation rows" in note for note in fit.outcome.notes)


def test_no_validation_part(bench, mixed):
    fit = bench.fit(mixed, "outcome", "accuracy", data={"validation": 0.0})
    assert fit.outcome.state is JobState.SUCCEEDED
    assert fit.outcome.trials[0].score is not None


def test_if_all_trials_fail_so_does_the_job(bench, mixed):
    fit = bench.fit(mixed, "outcome", "roc_auc", max_model_size=10)
    assert fit.outcome.state is JobState.FAILED
    assert fit.outcome.model is None
    assert fit.outcome.failure.kind == "all-trials-failed"
    assert "max_model_size is 10" in fit.outcome.failure.message
    assert "max_model_size is 10" in fit.outcome.trials[0].message


@pytest.mark.parametrize(
    "tuner", ["bayesian", *(pytest.param(t, marks=pytest.mark.slow) for t in ("hyperband", "random"))]
)
def test_autokeras_other_tuners(bench, mixed, tuner):
    task, dataset = build_dataset(mixed, target="outcome")
    spec = bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=2))
    outcome = bench.run(spec, dataset, tuner=tuner, epochs=2)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert len(outcome.trials) == 2


def test_cancelling_keeps_the_best_model(bench, mixed):
    task, dataset = build_dataset(mixed, target="outcome")
    spec = bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=1000))
    backend, plan, job = bench.start(spec, dataset)
    assert backend.find(plan) == job
    wait(lambda: backend.poll([job])[job].trials)
    asked = time.monotonic()
    backend.cancel(job)
    wait(lambda: backend.poll([job])[job].state.is_final)
    assert time.monotonic() - asked < 5
    outcome = backend.collect(job)
    assert outcome.state is JobState.CANCELLED
    assert bench.predict(outcome, dataset.features("holdout")).shape == (80, 2)


def test_progress_says_trial_epoch_and_best(bench, mixed):
    task, dataset = build_dataset(mixed, target="outcome")
    spec = bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=3))
    backend, _, job = bench.start(spec, dataset, epochs=100)
    seen = wait(lambda: (p := backend.poll([job])[job]).epoch and p.best and p)
    backend.cancel(job)
    wait(lambda: backend.poll([job])[job].state.is_final)
    assert seen.trial == 1
    assert 1 <= seen.epoch <= seen.epochs == 100
    assert 0 <= seen.fraction < 1
    assert seen.usage.items


def test_what_runs_in_the_worker_stays_in_its_log(bench, fitted, capfd):
    folder = bench.backend()._queue().folder(fitted.spec.name)
    assert (folder / "log.txt").exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow  # the contract's tests ask for the checks too
def test_doctor_says_what_is_there(bench):
    found = {check.name: check for check in bench.backend().check()}
    assert found["tensorflow starts"].ok
    assert found["workspace"].ok
    assert found["package keras"].ok
    assert int(found["cores"].detail) >= 1
