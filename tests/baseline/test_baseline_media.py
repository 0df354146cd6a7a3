"""The baseline on texts, pictures and both: good where the signal is easy, the same twice, whole when loaded anew."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from sklearn.base import clone

from automl_bridge import Estimator
from automl_bridge.bundle import read_bundle
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import BundleError
from automl_bridge_baseline import texts
from automl_bridge_baseline.model import load
from automl_bridge_baseline.pictures import PictureColumn
from automl_bridge_baseline.texts import TextColumn

FULL_WIDTH = "".join(chr(ord(letter) + 0xFEE0) for letter in "SUPERB")


def column(values):
    return pa.chunked_array([pa.array(values, pa.string())])


@pytest.fixture(scope="module")
def mixed():
    """Rows whose target needs the text, the picture and the number."""
    rng = np.random.default_rng(0)
    rows = 160
    light, happy, size = rng.random(rows) < 0.5, rng.random(rows) < 0.5, rng.normal(size=rows)
    pictures = [
        Image.fromarray(rng.integers(130 * lit, 120 + 130 * lit, (12, 12, 3), dtype=np.uint8))
        for lit in light.astype(int)
    ]
    words = [f"a {'glad' if mood else 'sad'} day of the year, number {number}" for number, mood in enumerate(happy)]
    target = 2.0 * light + 1.0 * happy + 0.5 * size
    return {"photo": pictures, "words": words, "size": size}, np.column_stack([target, 10 - 3 * target])


def encoded(pictures):
    from automl_bridge.data.images import encoded as png

    return [png(picture) for picture in pictures]


def test_all_parts_of_a_mixed_table_are_read(mixed, tmp_path):
    X, y = mixed
    X = X | {"photo": encoded(X["photo"])}
    estimator = Estimator(backend="baseline", random_state=0, metric="r2").fit(X, y)
    assert estimator.task_ == "multimodal-regression"
    assert estimator.score_ > 0.75
    found = estimator.predict(X)
    assert found.shape == y.shape
    path = estimator.export(tmp_path / "bundle")
    np.testing.assert_array_equal(Estimator.load(path).predict(X), found)


def test_texts_are_learned_and_every_odd_one_is_predicted(tmp_path):
    rng = np.random.default_rng(1)
    texts_, moods = [], []
    for number in range(200):
        mood = number % 2
        texts_.append(f"{rng.choice(['lovely', 'superb'] if mood else ['dull', 'awful'])} thing, number {number}")
        moods.append(["bad", "good"][mood])
    estimator = Estimator(backend="baseline", random_state=0, metric="accuracy").fit(texts_, moods)
    assert estimator.task_ == "text-classification"
    assert estimator.score_ == 1.0
    odd = [None, "", " ", "\u200b", "😀", "\ud800", "lovely " * 40_000, "SUPERB", "dull\u200b", "ﬁne", FULL_WIDTH]
    probabilities = estimator.predict_proba(odd)
    assert probabilities.shape == (len(odd), 2)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities[:4], np.tile(probabilities[0], (4, 1)), atol=0.2)
    assert estimator.predict(odd)[[6, 7, 8, 10]].tolist() == ["good", "good", "bad", "good"]
    # The same in a fresh process, from the strings themselves.
    path = estimator.export(tmp_path / "bundle")
    script = (
        "import sys\nfrom automl_bridge import Estimator\n"
        "print(Estimator.load(sys.argv[1]).predict(['a superb thing', '', 'an awful one']).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == str(estimator.predict(["a superb thing", "", "an awful one"]).tolist())


def test_languages_without_spaces_are_read_by_pieces(monkeypatch):
    monkeypatch.setattr(texts, "_SHORT", 0)
    chinese = ["今天天气很好我们去公园散步吧", "股票市场今天大幅下跌投资者很担心"] * 20
    learned = TextColumn.fit(column(chinese), "text")
    assert "天气" in learned.terms["char"]
    assert "char" not in TextColumn.fit(column(["the weather is fine today", "stocks fell"] * 20), "text").terms


def test_terms_survive_being_saved():
    held = column(["Größe zählt", "a b a b", None, "", "emoji 😀 here!"])
    learned = TextColumn.fit(held, "text")
    weights = learned.transform(held)
    learned.factor(weights, seed=0)
    again = TextColumn.restore(learned.document(), learned.arrays())
    assert (again.transform(held) != weights).nnz == 0
    np.testing.assert_array_equal(again.numbers(weights), learned.numbers(weights))
    assert weights[2].nnz == weights[3].nnz == 0


@pytest.mark.parametrize("values", [["a", "b"], [None, None], ["", " "], ["…", "…"]])
def test_texts_with_hardly_a_term_do_no_harm(values):
    learned = TextColumn.fit(column(values), "text")
    weights = learned.transform(column(values))
    learned.factor(weights, seed=0)
    assert weights.shape[0] == learned.numbers(weights).shape[0] == 2


def test_a_missing_picture_is_missing_numbers(mixed):
    pictures = encoded(mixed[0]["photo"][:5])
    _, dataset = build_dataset({"p": pictures}, y=[0.5, 1.5, 2.5, 3.5, 4.5], holdout=0, validation=0)
    reader = PictureColumn.of(dataset.profile.features[0])
    rows = pa.chunked_array([pa.array([pictures[0], None], pa.large_binary())])
    numbers = reader.transform(rows)
    assert np.isfinite(numbers[0]).all()
    assert numbers[0].min() >= 0
    assert numbers[0].max() <= 1
    assert np.isnan(numbers[1]).all()


def test_pictures_as_arrays_with_weights_groups_and_one_trial(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    X = rng.integers(0, 60, (150, 10, 10), dtype=np.uint8) + (y * 60).astype(np.uint8)[:, None, None]
    estimator = Estimator(backend="baseline", random_state=0, metric="accuracy", budget={"max_trials": 1})
    weights = rng.random(150)
    estimator.fit(X, y, sample_weight=weights, group=np.arange(150) % 30)
    assert estimator.task_ == "image-classification"
    assert len(estimator.leaderboard_) == 1
    assert estimator.score_ > 0.75
    assert estimator.n_features_in_ == 1
    assert estimator.predict(X / 255.0).tolist() == estimator.predict(X).tolist()
    # One picture, stored in six ways.
    plain = Image.fromarray(X[0])
    stored = [
        ("PNG", plain),
        ("PNG", plain.convert("RGB")),
        ("PNG", plain.convert("RGBA")),
        ("GIF", plain.convert("P")),
        ("TIFF", plain.convert("RGB").convert("CMYK")),
        ("PNG", Image.fromarray(X[0].astype(np.uint16) * 257)),
    ]
    for number, (kind, image) in enumerate(stored):
        image.save(tmp_path / f"{number}.{kind.lower()}")
    np.testing.assert_array_equal(estimator.predict_proba(str(tmp_path)), estimator.predict_proba(X[[0] * 6]))
    again = clone(estimator).fit(X, y, sample_weight=weights, group=np.arange(150) % 30)
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))


def test_a_text_bundle_whose_terms_were_altered_is_refused(tmp_path):
    texts_ = [f"{word} words {number}" for number in range(60) for word in ("red", "blue")]
    estimator = Estimator(backend="baseline", random_state=0).fit(texts_, ["r", "b"] * 60)
    path = estimator.export(tmp_path / "bundle")
    assert {"texts_0.npz", "encoder.json", "model.skops"} <= set(read_bundle(path).files)
    (path / "texts_0.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(BundleError, match=r"texts_0.npz"):
        load(path)


def test_no_more_is_read_than_takes_a_minute(monkeypatch):
    from automl_bridge_baseline import reader

    monkeypatch.setattr(reader, "_CHARACTERS", 3000)
    monkeypatch.setattr(reader, "_PICTURES", 100)
    monkeypatch.setattr(texts, "_COUNTED", 1000)
    said = [f"{word} words, number {number}" for number in range(200) for word in ("red", "blue")]
    estimator = Estimator(backend="baseline", random_state=0, metric="accuracy").fit(said, ["r", "b"] * 200)
    assert estimator.score_ == 1.0
    assert any("of 256 training rows, drawn at random" in note for note in estimator.run_.outcome.notes)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    X = (rng.integers(0, 60, (300, 6, 6)) + 150 * y[:, None, None]).astype(np.uint8)
    estimator = Estimator(backend="baseline", random_state=0, metric="accuracy").fit(X, y, rng.random(300) + 0.1)
    assert estimator.score_ == 1.0
    assert any("on 100 of 192 training rows" in note for note in estimator.run_.outcome.notes)
