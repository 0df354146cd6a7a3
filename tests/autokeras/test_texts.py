"""Texts and pictures as arrays, without TensorFlow."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from automl_bridge.spec import ColumnProfile, ImageProfile, Kind
from automl_bridge_autokeras.inputs_image import ImageInputs
from automl_bridge_autokeras.inputs_text import TextInputs, tokens


def column(*texts):
    return pa.chunked_array([pa.array(texts, pa.string())])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't STOP, now!", ["don't", "stop", ",", "now", "!"]),
        ("漢字 and かな", ["漢", "字", "and", "か", "な"]),
        ("abc漢字def", ["abc", "漢", "字", "def"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("café", ["café"]),
        ("\ufb01ne \uff21\uff11", ["fine", "a1"]),
        ("😀👍", ["😀", "👍"]),
        ("", []),
        (" \u200b\n", ["\u200b"]),
    ],
)
def test_words(text, expected):
    assert tokens(text) == expected


def test_the_vocabulary_comes_from_the_data():
    words = [f"w{number}" for number in range(3000)]
    texts = [" ".join(words[i : i + 40]) for i in range(0, 2960, 8)]
    fitted = TextInputs.fit(column(*texts))
    assert len(fitted.words) > 2500  # AutoKeras' own keeps 500
    assert fitted.length == 40
    _, _, ids = fitted.transform(column(texts[3], texts[3] + " unheard"))
    assert (ids[0] > 1).all()
    assert (ids[0] == ids[1]).all()


def test_terms_are_weighted_to_length_one_and_frequent_ones_weigh_less():
    fitted = TextInputs.fit(column(*["the cat sat"] * 5, *["the dog ran"] * 5))
    terms, weights, _ = fitted.transform(column("the cat", None, "nothing known"))
    np.testing.assert_allclose((weights[0] ** 2).sum(), 1, rtol=1e-6)
    weight = {fitted.terms[i - 1]: w for i, w in zip(terms[0], weights[0], strict=True) if i}
    assert weight["cat"] > weight["the"]
    assert not weights[1].any()
    assert not terms[1].any()


def test_the_same_after_json():
    fitted = TextInputs.fit(column("one two three", "two three four", None, "", "漢字"))
    again = TextInputs.from_json(json.loads(json.dumps(fitted.to_json())))
    for one, two in zip(
        fitted.transform(column("two 漢字", "x")), again.transform(column("two 漢字", "x")), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_a_text_of_300000_characters_is_bounded():
    fitted = TextInputs.fit(column("a b c", "word " * 60_000, "x" * 300_000))
    arrays = fitted.transform(column("word " * 60_000))
    assert all(array.shape[1] <= 256 for array in arrays)


def test_many_texts_are_cut_shorter_so_that_they_fit_into_memory():
    texts = [" ".join(f"w{(i * 7 + j) % 500}" for j in range(300)) for i in range(50)]
    assert TextInputs.fit(column(*texts), rows=1000).length == 256
    assert TextInputs.fit(column(*texts), rows=2_000_000).length == 50


def test_nothing_but_blanks_can_be_fitted():
    fitted = TextInputs.fit(column("", None, " "))
    assert all(array.shape[0] == 2 and array.shape[1] >= 1 for array in fitted.transform(column("a", None)))


def profile(width, height, channels=3):
    image = ImageProfile(width=width, height=height, channels=channels, max_bytes=1)
    return ColumnProfile(name="p", safe_name="p", kind=Kind.IMAGE, arrow_type="large_binary", image=image)


@pytest.mark.parametrize(
    ("width", "height", "rows", "side", "expected"),
    [
        (8, 8, 1000, None, (8, 8)),
        (28, 28, 60_000, None, (28, 28)),
        (640, 480, 1000, None, (72, 96)),
        (640, 480, 3000, None, (48, 64)),
        (640, 480, 1_000_000, None, (24, 32)),
        (640, 480, 1000, 32, (24, 32)),
        (1000, 3, 10, None, (4, 96)),
    ],
)
def test_sizes_follow_pictures_and_rows(width, height, rows, side, expected):
    empty = pa.chunked_array([pa.array([None], pa.large_binary())])
    fitted = ImageInputs.fit(empty, profile(width, height), rows=rows, seed=0, side=side)
    assert (fitted.height, fitted.width) == expected
