import io

import numpy as np
import pytest
import skops.io
from PIL import Image

from automl_bridge.sandbox.trainers import (
    UnusableDataError,
    load_model,
    train_images,
    train_series,
    train_table,
    train_texts,
)


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    size = random.normal(size=600)
    colour = random.choice(["red", "blue", ""], size=600)
    return {
        "size": [str(value) for value in size],
        "colour": list(colour),
        "day": [f"2024-01-{day:02d}" for day in random.integers(1, 28, 600)],
        "bought": ["yes" if s + (c == "red") > 0.4 else "no" for s, c in zip(size, colour, strict=True)],
    }


def test_a_search_learns_and_its_models_survive_files(table):
    found = list(train_table(table, None, target="bought", problem="binary", candidates=5))
    assert len({candidate.algorithm for candidate in found}) == 5
    for candidate in found:
        assert candidate.validation["auc"] > 0.9
        again = load_model(candidate.model.files())
        assert again.labels == ["yes", "no"]
        np.testing.assert_allclose(again.predict(table), candidate.model.predict(table))


def test_scores_are_of_the_rows_that_were_given_for_it(table):
    flipped = {**table, "bought": ["no" if value == "yes" else "yes" for value in table["bought"]]}
    (found,) = train_table(table, flipped, target="bought", problem="binary", candidates=1)
    assert found.train["accuracy"] > 0.9
    assert found.validation["accuracy"] < 0.1


def test_regression_and_unseen_values(table):
    (found,) = train_table(table, None, target="size", problem="regression", candidates=1)
    odd = {"colour": ["mauve"], "day": ["never"], "bought": ["yes"]}
    assert np.isfinite(found.model.predict(odd)).all()
    assert found.validation["rmse"] == pytest.approx(found.validation["mse"] ** 0.5)


@pytest.mark.parametrize(
    ("target", "problem", "words"),
    [
        ("price", "regression", "not in the data"),
        ("colour", "regression", "not a number"),
        ("day", "binary", "classes"),
    ],
)
def test_data_that_cannot_be_learned_is_named(table, target, problem, words):
    with pytest.raises(UnusableDataError, match=words):
        list(train_table(table, None, target=target, problem=problem, candidates=1))


def test_texts():
    pairs = [(f"a good day {i}", "glad") if i % 2 else (f"a bad night {i}", "sad") for i in range(200)]
    (found,) = train_texts(pairs, None)
    assert found.validation["accuracy"] > 0.95
    assert found.model.labels[found.model.predict(["good good day"]).argmax()] == "glad"


def picture(colour, mode="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 30), colour).save(buffer, mode)
    return buffer.getvalue()


def test_images():
    pairs = [(picture((200 + i, 0, 0)), "red") if i % 2 else (picture((0, 0, 200 + i)), "blue") for i in range(40)]
    (found,) = train_images(pairs, None)
    assert found.model.labels[found.model.predict([picture((255, 10, 10), "JPEG")]).argmax()] == "red"
    with pytest.raises(UnusableDataError, match="not an image"):
        list(train_images([(b"hello", "red"), (picture((0, 0, 0)), "black")], None))


def test_series_finds_the_season_and_widens_with_the_horizon():
    random = np.random.default_rng(0)
    week = np.tile([10.0, 11, 12, 13, 14, 30, 40], 12)
    series = {item: week * (1 + item) + random.normal(size=84) for item in range(3)}
    (found,) = train_series(series, horizon=7, season=7, levels=[0.1, 0.5, 0.9], columns={})
    assert found.validation["wape"] < 0.1
    model = load_model(found.model.files())
    said = model.forecast(series[0], [0.1, 0.5, 0.9])
    assert said.shape == (7, 4)
    assert said[5:, 0].min() > said[:5, 0].max()
    assert (np.diff(said[:, 3] - said[:, 1])[:4] > 0).all()
    with pytest.raises(UnusableDataError, match="long enough"):
        list(train_series({0: week[:5]}, horizon=7, season=7, levels=[0.5], columns={}))


def test_a_model_that_would_load_foreign_types_is_refused(table):
    (found,) = train_table(table, None, target="bought", problem="binary", candidates=1)
    files = found.model.files()
    files["model.skops"] = skops.io.dumps(UnusableDataError("hello"))
    with pytest.raises(ValueError, match="not loaded"):
        load_model(files)
