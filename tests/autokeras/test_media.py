"""Pictures, texts and mixed columns: searched in a real worker, and predicted from raw rows in a fresh process."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from autokeras_bench import Bench, Fit, wait
from PIL import Image
from sklearn.datasets import load_digits

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.scoring import score

FRESH = """
import json, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from automl_bridge_autokeras.model_io import LoadedModel
answers = []
for bundle, rows in json.loads(sys.argv[1]):
    with pa.ipc.open_file(rows) as file:
        answers.append(LoadedModel(Path(bundle)).predict(file.read_all()).tolist())
print(json.dumps(answers))
"""


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return (X[:count].reshape(-1, 8, 8) / 16 * 255).astype(np.uint8), y[:count]


def reviews(count: int = 240) -> tuple[list[str], list[str]]:
    """Texts whose class is in one pair of words, among words that say nothing."""
    rng = np.random.default_rng(0)
    filler = ["the", "film", "was", "long", "music", "actor", "Škoda", "again", "perhaps", "2nd"]
    said, classes = [], []
    for _ in range(count):
        good = rng.random() < 0.5
        words = [*rng.choice(filler, 8), "not good" if not good else "so good", *rng.choice(filler, 4)]
        said.append(" ".join(words))
        classes.append("praise" if good else "blame")
    return said, classes


def goods(count: int = 240) -> pd.DataFrame:
    """A number, a category, a text and a picture, each with a part of the answer."""
    pixels, labels = digits(count)
    said, classes = reviews(count)
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"size": rng.normal(size=count), "kind": rng.choice(["a", "b"], count), "said": said})
    table["picture"] = [png(picture) for picture in pixels]
    table["price"] = 100 + 3 * table["size"] + 5 * (np.array(classes) == "praise")
    table["weight"] = labels + (table["kind"] == "a") * 2.0
    table["sold"] = np.where(table["price"] > 102.5, "yes", "no")
    return table


@pytest.fixture(scope="module")
def pictures(bench: Bench) -> Fit:
    pixels, labels = digits(500)
    task, dataset = build_dataset(pixels, y=labels, task="image-classification")
    spec = bench.spec(dataset, task, "target", "accuracy", budget=Budget(max_trials=1))
    return Fit(spec, dataset, bench.run(spec, dataset, epochs=12))


@pytest.fixture(scope="module")
def texts(bench: Bench) -> Fit:
    said, classes = reviews()
    task, dataset = build_dataset(said, y=classes, task="text-classification")
    spec = bench.spec(dataset, task, "target", "log_loss", budget=Budget(max_trials=1))
    return Fit(spec, dataset, bench.run(spec, dataset, epochs=25))


@pytest.fixture(scope="module")
def several(bench: Bench) -> Fit:
    table = goods().drop(columns="sold")
    task, dataset = build_dataset(table, target=["price", "weight"], task="multimodal-regression")
    spec = bench.spec(dataset, task, ("price", "weight"), "r2", budget=Budget(max_trials=1))
    return Fit(spec, dataset, bench.run(spec, dataset, epochs=30))


def holdout(bench: Bench, fit: Fit) -> np.ndarray:
    return bench.predict(fit.outcome, fit.dataset.features("holdout"))


def test_pictures_are_told_apart(bench, pictures):
    assert pictures.outcome.state is JobState.SUCCEEDED, pictures.outcome.failure
    outputs = holdout(bench, pictures)
    assert outputs.shape == (100, 10)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    assert score("accuracy", outputs, pictures.dataset.target_codes("holdout")) > 0.85


def test_networks_for_small_pictures_are_small(pictures):
    (trial,) = pictures.outcome.trials
    assert trial.params["weights"] < 200_000
    assert "ConvNet" in trial.model


def test_a_missing_picture_gets_an_answer(bench, pictures):
    rows = pictures.dataset.features("holdout").slice(0, 2)
    name = rows.column_names[0]
    gap = pa.table({name: pa.array([rows[name][0].as_py(), None], pa.large_binary())})
    outputs = bench.predict(pictures.outcome, gap)
    assert np.isfinite(outputs).all()


def test_pairs_of_words_tell_texts_apart(bench, texts):
    assert texts.outcome.state is JobState.SUCCEEDED, texts.outcome.failure
    outputs = holdout(bench, texts)
    assert score("accuracy", outputs, texts.dataset.target_codes("holdout")) > 0.9


def test_any_string_gets_probabilities(bench, texts):
    strings = ["", " ", "\u200b", "😀 😀", "so good", "漢字かな", "x" * 300_000, "word " * 50_000]
    outputs = bench.predict(texts.outcome, strings)
    assert outputs.shape == (8, 2)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


def test_mixed_columns_and_several_targets(bench, several):
    assert several.outcome.state is JobState.SUCCEEDED, several.outcome.failure
    outputs, wanted = holdout(bench, several), several.dataset.target_values("holdout")
    assert outputs.shape == wanted.shape == (48, 2)
    for index in range(2):
        assert np.corrcoef(outputs[:, index], wanted[:, index])[0, 1] > 0.7


def test_every_bundle_predicts_raw_rows_in_a_fresh_process(bench, pictures, texts, several, tmp_path):
    given, wanted = [], []
    for number, fit in enumerate((pictures, texts, several)):
        rows = fit.dataset.features("holdout").combine_chunks()
        path = tmp_path / f"{number}.arrow"
        with pa.ipc.new_file(path, rows.schema) as file:
            file.write_table(rows)
        given.append([fit.outcome.model.uri, str(path)])
        wanted.append(holdout(bench, fit))
    command = [sys.executable, "-c", FRESH, json.dumps(given)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    for outputs, expected in zip(json.loads(answer.stdout.splitlines()[-1]), wanted, strict=True):
        np.testing.assert_allclose(outputs, expected, atol=1e-4, rtol=1e-4)


def test_the_model_of_a_picture_search_is_the_one_that_earned_the_score(bench, pictures):
    outputs = bench.predict(pictures.outcome, pictures.dataset.features("validation"))
    earned = score("accuracy", outputs, pictures.dataset.target_codes("validation"))
    assert earned == pytest.approx(pictures.outcome.trials[0].score, abs=1e-9)


def test_without_time_for_a_network_pictures_and_texts_have_a_linear_model(bench, pictures, texts):
    """The worker is warm by now; half a second is not enough for a network."""
    for fit, least in ((pictures, 0.6), (texts, 0.8)):
        spec = fit.spec.model_copy(update={"name": f"short-{fit.spec.name}"})
        backend = bench.backend()
        plan = backend.plan(spec)
        request = {**plan.request, "data": backend.stage(plan, fit.dataset).uris, "max_time": 0.6, "grace": 8}
        backend._queue().submit(spec.name, request)
        job = backend.find(plan)
        wait(lambda backend=backend, job=job: backend.poll([job])[job].state.is_final)
        outcome = backend.collect(job)
        assert outcome.state is JobState.SUCCEEDED, outcome.failure
        outputs = bench.predict(outcome, fit.dataset.features("holdout"))
        assert score("accuracy", outputs, fit.dataset.target_codes("holdout")) > least


@pytest.mark.slow
def test_the_other_tasks_learn(bench):
    pixels, labels = digits(300)
    said, classes = reviews()
    cases = [
        ("image-regression", pixels, labels.astype(float), None),
        ("text-regression", said, [float(each == "praise") * 10 for each in classes], None),
        ("multimodal-classification", goods().drop(columns=["price", "weight"]), None, "sold"),
    ]
    for task, source, y, target in cases:
        found, dataset = build_dataset(source, y=y, target=target, task=task)
        metric = "roc_auc" if dataset.profile.classes else "r2"
        spec = bench.spec(dataset, found, target or "target", metric, budget=Budget(max_trials=2))
        fit = Fit(spec, dataset, bench.run(spec, dataset, epochs=40, ensemble=True))
        assert fit.outcome.state is JobState.SUCCEEDED, fit.outcome.failure
        outputs = holdout(bench, fit)
        truth = dataset.target_codes("holdout") if dataset.profile.classes else dataset.target_values("holdout")
        assert score(metric, outputs, truth) > 0.5, task


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pictures_texts_and_ensembles(bench, pictures, texts):
    for fit in (pictures, texts):
        found = []
        for number in range(2):
            changes = {"name": f"seed-{number}-{fit.spec.name}", "budget": Budget(max_trials=3)}
            spec = fit.spec.model_copy(update=changes)
            found.append(bench.run(spec, fit.dataset, epochs=3, ensemble=True))
        one, two = ([(trial.id, trial.score) for trial in outcome.trials] for outcome in found)
        assert one == two


@pytest.mark.slow
def test_a_killed_search_over_pictures_goes_on(tmp_path):
    from test_accidents import own_processes

    own = Bench(tmp_path / "work", {"epochs": 4})
    try:
        pixels, labels = digits(300)
        task, dataset = build_dataset(pixels, y=labels, task="image-classification")
        spec = own.spec(dataset, task, "target", "accuracy", budget=Budget(max_trials=3))
        backend, _, job = own.start(spec, dataset)
        wait(lambda: len(backend.poll([job])[job].trials) >= 1)
        for pid in own_processes(own):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait(lambda: backend.poll([job])[job].state.is_final)
        outcome = backend.collect(job)
        assert outcome.state is JobState.SUCCEEDED, outcome.failure
        assert len([trial for trial in outcome.trials if trial.counts]) == 3
    finally:
        own.backend()._queue().kill()
