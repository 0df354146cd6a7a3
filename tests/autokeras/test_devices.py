"""What a search computes on: GPUs, as far as that shows without one, and Keras, whatever is set around it."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from autokeras_bench import Bench
from sklearn.datasets import load_digits

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.costs.gpus import Gpus
from automl_bridge.data.build import build_dataset
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings, doctor, request


@pytest.fixture
def own(tmp_path):
    bench = Bench(tmp_path / "work", {"epochs": 3, "ensemble": False})
    yield bench
    bench.backend()._queue().kill()


def job(own: Bench):
    x, y = load_digits(return_X_y=True)
    pixels = (x[:300].reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    task, dataset = build_dataset(pixels, y=y[:300], task="image-classification")
    return own.spec(dataset, task, "target", "accuracy", budget=Budget(max_trials=1)), dataset


@pytest.mark.parametrize(
    ("seen", "listed", "words"),
    [
        ([], Gpus(), "no GPU"),
        (["Tesla T4"], Gpus(1, "Tesla T4"), "it computes on Tesla T4"),
        (["NVIDIA L4", "NVIDIA L4"], Gpus(2, "NVIDIA L4"), "uses the first of 2"),
        ([], Gpus(1, "Tesla T4"), r"lists 1 × Tesla T4, but TensorFlow sees no GPU.*tensorflow\[and-cuda\]"),
    ],
)
def test_doctor_says_what_it_computes_on(seen, listed, words):
    assert re.search(words, doctor._gpu_words(seen, listed))


@pytest.mark.parametrize(
    ("gpus", "settings", "told"), [(1, {}, True), (0, {}, False), (1, {"ray_address": "a:1"}, False)]
)
def test_a_plan_names_the_gpu_of_this_machine(own, monkeypatch, gpus, settings, told):
    monkeypatch.setattr(request, "found_gpus", lambda: Gpus(gpus, "Tesla T4"))
    spec, _ = job(own)
    plan = own.backend(**settings).plan(spec)
    assert any("1 × Tesla T4" in note for note in plan.notes) is told


def test_no_process_takes_all_memory_of_a_gpu(tmp_path):
    """TensorFlow would, at its start; the variable is its own way to say otherwise."""
    backend = AutoKerasBackend(AutoKerasSettings(), tmp_path)
    assert backend._environment()["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


@pytest.mark.slow
def test_a_search_whatever_keras_is_set_to_around_it(own, tmp_path, monkeypatch):
    home = tmp_path / "keras"
    home.mkdir()
    other = {"backend": "torch", "floatx": "float64", "image_data_format": "channels_first", "epsilon": 1e-7}
    (home / "keras.json").write_text(json.dumps(other))
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    spec, dataset = job(own)
    outcome = own.run(spec, dataset)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert outcome.trials[0].state is JobState.SUCCEEDED
    rows = dataset.features("holdout")
    by_job = own.predict(outcome, rows)
    predictor = own.backend().load(outcome.model)
    np.testing.assert_allclose(predictor.predict(pa.table(rows)), by_job, atol=1e-5)
