"""Texts of any kind, as lists, files of lines and JSON lines."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.errors import UsageError
from automl_bridge.spec import Kind

ODD = [None, "", " ", "\u200b", "😀👍🏽", "\ud800 lone half", "Ünï ﬁ", "مرحبا", "x" * 300_000, "two\nlines", "nul\0nul"]


@pytest.mark.parametrize("make", [list, tuple, lambda texts: np.array(texts, dtype=object), pd.Series])
def test_texts_of_any_kind_stay_aligned(make):
    odd = [None if text is None or make is not pd.Series else text.replace("\ud800", "\ufffd") for text in ODD]
    texts = make([*(odd if make is pd.Series else ODD), *[f"plain text number {i}" for i in range(30)]])
    _, dataset = build_dataset(texts, y=np.arange(len(texts)) / 2, task="text-regression", holdout=0, validation=0)
    assert dataset.profile.rows == {"train": len(texts)}
    feature = dataset.profile.features[0]
    assert (feature.kind, feature.max_length, feature.missing) == (Kind.TEXT, 300_000, 1)
    new = build_predict_dataset(texts, dataset.profile)
    held = new.features("predict").column(0).to_pylist()
    assert held[:3] == [None, "", " "]
    assert held[5] == "\ufffd lone half"


def test_a_file_of_lines_is_a_list_of_texts(tmp_path):
    _, dataset = build_dataset([f"some text {i}" for i in range(30)], y=np.arange(30) / 2)
    for content in ("eins\r\n\r\ndrei", "\ufeffeins\n\ndrei\n"):
        (tmp_path / "new.txt").write_bytes(content.encode())
        new = build_predict_dataset(tmp_path / "new.txt", dataset.profile)
        assert new.features("predict").column(0).to_pylist() == ["eins", "", "drei"]
    (tmp_path / "new.txt").write_bytes("größer\n".encode("cp1252"))
    with pytest.raises(UsageError, match="encoding"):
        build_predict_dataset(tmp_path / "new.txt", dataset.profile)


def test_json_lines_are_a_table(tmp_path):
    rows = [
        {"text": "café\nzwei", "n": 1, "when": "2024-01-01", "big": 2**60, "y": "NA"},
        {"text": None, "n": 2.5, "flag": True, "y": "b"},
        {"n": None, "y": "b", "text": ""},
    ]
    lines = "\n\n".join(json.dumps(row, ensure_ascii=number % 2 == 0) for number, row in enumerate(rows))
    for name, content in (
        ("t.jsonl", lines.encode()),
        ("t.ndjson", b"\xef\xbb\xbf" + lines.encode()),
        ("t.data", lines.replace("\n", "\r\n").encode()),
        ("t.json", json.dumps(rows, indent=1).encode()),
        ("u.jsonl", lines.encode("utf-16")),
    ):
        (tmp_path / name).write_bytes(content)
        _, dataset = build_dataset(tmp_path / name, target="y", task="tabular-classification", holdout=0, validation=0)
        table = dataset.parts["train"]
        assert dataset.profile.classes == ("NA", "b"), name
        assert table["text"].to_pylist() == ["café\nzwei", None, ""]
        assert table["n"].to_pylist() == [1.0, 2.5, None]
        assert table["big"].to_pylist() == [2**60, None, None]
        assert table["flag"].to_pylist() == [None, True, None]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1}\n{"a": 2\n', "line 2 of t.jsonl is no JSON"),
        (b'{"a": 1}\n[1, 2]\n', "line 2 of t.jsonl is no object"),
        (b'{"a": 1}\n{"a": {"b": 1}}\n', 'column "a" holds a dict'),
        (b'{"a": 1, "a": 2}\n', 'holds "a" twice'),
        (b"\n\n", "no records"),
        (b"{}\n", "are empty"),
        ('{"a": "grün"}\n'.encode("cp1252"), "encoding UTF-8"),
    ],
)
def test_json_lines_that_are_wrong_are_named(tmp_path, content, words):
    (tmp_path / "t.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        build_dataset(tmp_path / "t.jsonl", target="a")
