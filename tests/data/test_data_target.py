"""The target: what it is, what is wrong with it, and labels that come back as they went in."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_bridge.data.build import build_dataset
from automl_bridge.data.labels import classes_array, decode
from automl_bridge.errors import TargetError, UnknownNameError
from automl_bridge.spec import Kind, Profile, Role
from automl_bridge.task import Task


def table(rows: int = 60, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(rows) % 7, "z": np.arange(rows) % 5} | columns)


def built(y: object, **settings: object):
    return build_dataset(table(len(y)), y=y, **settings)  # type: ignore[arg-type]


LABELS = {
    "str": ["no", "yes"] * 30,
    "twelve": [str(i % 12) for i in range(60)],
    "int": np.array([3, 1, 2] * 20),
    "int8": np.array([3, -1] * 30, dtype="int8"),
    "uint64": np.array([2**64 - 1, 2**64 - 2] * 30, dtype="uint64"),
    "beyond 2^53": np.array([2**53 + 1, 2**53 + 2, 2**53 + 3] * 20),
    "bool": np.array([True, False] * 30),
    "whole floats": np.array([1.0, 2.0, 3.0] * 20),
    "float32": np.array([0.0, 1.0] * 30, dtype="float32"),
    "objects": np.array(["b", "a"] * 30, dtype=object),
    "unicode": np.array(["ja", "näin"] * 30),
    "bytes": np.array([b"u", b"v"] * 30),
    "dates": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * 30,
    "stamps": np.array(["2024-01-02T03:04:05.678901", "2023-01-01"] * 30, dtype="M8[us]"),
    "decimals": [decimal.Decimal("1.10"), decimal.Decimal("2.20")] * 30,
    "mixed": [1, "a", 2.5, True] * 15,
    "pandas string": pd.Series(["a", "b"] * 30, dtype="string"),
    "pandas Int64": pd.Series([10, 20] * 30, dtype="Int64"),
    "pandas boolean": pd.Series([True, False] * 30, dtype="boolean"),
    "pandas category": pd.Series(pd.Categorical(["lo", "hi"] * 30, categories=["lo", "hi", "unused"])),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_come_back_as_they_went_in(name):
    y = LABELS[name]
    _, dataset = built(y, holdout=0, validation=0, task="tabular-classification")
    profile = Profile.model_validate_json(dataset.profile.model_dump_json())
    back = decode(dataset.target_codes("train"), profile)
    assert [(type(v), v) for v in back.tolist()] == [(type(v), v) for v in np.asarray(y, dtype=back.dtype).tolist()]
    if isinstance(y, np.ndarray) and y.dtype.kind in "iubf":
        assert back.dtype == y.dtype
    if name not in {"mixed", "decimals", "dates"}:
        expected = np.unique(np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y))
        assert classes_array(profile).tolist() == expected.tolist()
    assert sum(profile.class_counts) == len(y)


@settings(max_examples=60, deadline=None)
@given(
    labels=st.one_of(
        st.lists(st.text(min_size=1, max_size=4), min_size=4, max_size=40),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=40),
        st.lists(st.booleans(), min_size=4, max_size=40),
    ).filter(lambda each: len(set(each)) > 1)
)
def test_any_labels_come_back(labels):
    _, dataset = built(labels, holdout=0, validation=0, task="tabular-classification")
    assert decode(dataset.target_codes("train"), dataset.profile).tolist() == labels


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"] * 30, Task.TABULAR_CLASSIFICATION),
        (np.array([True, False] * 30), Task.TABULAR_CLASSIFICATION),
        (np.array([0, 1] * 30), Task.TABULAR_CLASSIFICATION),
        (np.array([0.0, 1.0] * 30), Task.TABULAR_CLASSIFICATION),
        (np.array([5, 6, 7] * 20), Task.TABULAR_CLASSIFICATION),
        (pd.Series(pd.Categorical([1.5, 2.5] * 30)), Task.TABULAR_CLASSIFICATION),
        (np.arange(60), Task.TABULAR_REGRESSION),
        (np.arange(60) % 20, Task.TABULAR_REGRESSION),
        (np.array([0.1, 0.9] * 30), Task.TABULAR_REGRESSION),
        (np.linspace(0, 1, 60), Task.TABULAR_REGRESSION),
        (pd.to_timedelta(np.arange(60), unit="s"), Task.TABULAR_REGRESSION),
        (np.column_stack([np.arange(60), np.arange(60)]), Task.TABULAR_REGRESSION),
    ],
)
def test_the_task_is_inferred(y, task):
    assert built(y)[0] is task


def test_features_settle_the_rest_of_the_task(tmp_path):
    texts = [f"the quick brown fox number {i} jumps over" for i in range(60)]
    assert build_dataset(texts, y=["a", "b"] * 30)[0] is Task.TEXT_CLASSIFICATION
    Image.new("L", (4, 4)).save(tmp_path / "photo.PNG")
    images = {"path": [str(tmp_path / "photo.PNG")] * 60}
    assert build_dataset(images, y=["a", "b"] * 30)[0] is Task.IMAGE_CLASSIFICATION
    assert build_dataset(images | {"n": list(range(60))}, y=list(range(60)))[0] is Task.MULTIMODAL_REGRESSION


def test_a_missing_target_is_named_with_the_nearest(tmp_path):
    (tmp_path / "d.csv").write_text("age,churn,plan\n1,a,x\n2,b,y\n")
    with pytest.raises(TargetError) as caught:
        build_dataset(tmp_path / "d.csv", target="chrun")
    assert str(caught.value) == 'no column "chrun" in d.csv. Did you mean "churn"? Columns: age, churn, plan (3)'


@pytest.mark.parametrize(
    ("y", "task", "words"),
    [
        ([None] * 60, None, "missing in every row"),
        (np.full(60, np.nan), "tabular-regression", "missing in every row"),
        (["a"] * 60, None, "only one class, 'a'"),
        (np.ones(60), "tabular-classification", "only one class"),
        (np.array([1.0, np.inf] * 30), "tabular-regression", "Input y contains infinity"),
        (np.array([1.0, np.inf] * 30), "tabular-classification", "Input y contains infinity"),
        (np.linspace(0, 1, 60), "tabular-classification", "Unknown label type: continuous"),
        (["a", "b"] * 30, "tabular-regression", "row 1 holds 'a'"),
        ([dt.datetime(2024, 1, 1 + i % 2) for i in range(60)], None, "holds timestamp"),  # noqa: DTZ001
        ([f"id{i}" for i in range(60)], None, "60 classes in 60 rows"),
        (["a", "b"] * 29, None, "inconsistent numbers of samples"),
    ],
)
def test_targets_that_cannot_be_learned(y, task, words):
    with pytest.raises(TargetError, match=words):
        build_dataset(table(), y=y, task=task)


@pytest.mark.parametrize("target", [None, [], ()])
def test_no_target_at_all(target):
    with pytest.raises(TargetError, match="no target is given"):
        build_dataset(table(), target=target)


def test_names_that_are_numbers():
    _, dataset = build_dataset(pd.DataFrame({0: range(60), 1: [0, 1] * 30}), target=1)
    assert [column.name for column in dataset.profile.columns] == ["0", "1"]


def test_a_plain_list_of_strings_is_text_even_if_few_differ():
    task, dataset = build_dataset(["x" * 300_000, "y z"] * 10, y=[0, 1] * 10)
    assert task is Task.TEXT_CLASSIFICATION
    assert dataset.profile.features[0].max_length == 300_000


def test_rows_without_a_target_are_left_out_with_a_count():
    y = ["a", "b", None] * 20
    _, dataset = built(y)
    assert sum(dataset.profile.rows.values()) == 40
    assert dataset.profile.classes == ("a", "b")
    assert '20 of 60 rows left out: their target "target" is missing' in dataset.notes


def test_whole_number_labels_with_gaps_stay_whole(tmp_path):
    pd.DataFrame({"x": range(60), "y": pd.array([1, 2, None] * 20, dtype="Int64")}).to_parquet(tmp_path / "t.parquet")
    _, dataset = build_dataset(tmp_path / "t.parquet", target="y")
    assert decode([0, 1], dataset.profile).dtype == np.int64


def test_a_class_with_one_row_is_kept_and_named():
    y = ["a"] * 30 + ["b"] * 27 + ["c"] * 2 + ["d"]
    _, dataset = built(y)
    assert dataset.profile.classes == ("a", "b", "c", "d")
    assert dataset.profile.class_counts == (30, 27, 2, 1)
    assert set(dataset.target_codes("train")) == {0, 1, 2, 3}
    assert any("class 'd' of \"target\" with a single row" in note for note in dataset.notes)


def test_a_column_that_gives_the_target_away_is_named():
    y = ["good", "bad", "good"] * 20
    frame = table(60, code=[{"good": 1, "bad": 2}[v] for v in y], noise=np.random.default_rng(0).integers(0, 2, 60))
    _, dataset = build_dataset(frame, y=y)
    assert ['"code"' in note for note in dataset.notes] == [True]
    value = np.random.default_rng(0).normal(size=60)
    _, dataset = build_dataset(table(60, fahrenheit=value * 1.8 + 32), y=value)
    assert ['"fahrenheit"' in note for note in dataset.notes] == [True]


def test_numbers_as_text_are_a_regression_if_asked_for():
    _, dataset = built([f"{i},5" for i in range(60)], task="tabular-regression", holdout=0, validation=0)
    assert dataset.target_values("train")[:, 0].tolist() == [i + 0.5 for i in range(60)]
    _, dataset = built([True, False] * 30, task="tabular-regression", holdout=0, validation=0)
    assert dataset.target_values("train")[:3, 0].tolist() == [1, 0, 1]


def test_two_targets_at_once():
    frame = table(60, a=np.arange(60.0), b=np.arange(60.0) * 2)
    _, dataset = build_dataset(frame, target=["b", "a"], holdout=0, validation=0)
    assert dataset.target_values("train")[3].tolist() == [6.0, 3.0]  # as named
    with pytest.raises(TargetError, match="2 targets at once"):
        build_dataset(frame, target=["a", "b"], task="tabular-classification")


def test_a_target_named_like_a_feature_and_a_column_vector():
    frame = table()
    _, dataset = build_dataset(frame, y=pd.Series(np.arange(60), name="x"))
    assert [column.name for column in dataset.profile.with_role(Role.TARGET)] == ["x_"]
    assert built(np.arange(60).reshape(-1, 1))[0] is Task.TABULAR_REGRESSION


def test_the_type_of_the_target_can_be_set_by_hand():
    task, dataset = build_dataset(table(60, y=np.arange(60) % 30), target="y", types={"y": "categorical"})
    assert task is Task.TABULAR_CLASSIFICATION
    assert dataset.profile.with_role(Role.TARGET)[0].kind is Kind.CATEGORICAL
    task, _ = build_dataset(table(60, y=np.arange(60) % 2), target="y", types={"y": "numeric"})
    assert task is Task.TABULAR_REGRESSION


def test_an_unknown_task():
    with pytest.raises(UnknownNameError, match=r'"tabular-clasification".* Did you mean "tabular-classification"'):
        built(["a", "b"] * 30, task="tabular-clasification")
