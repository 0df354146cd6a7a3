"""New rows for a trained model: columns by name, in training's types; what cannot be is named."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.errors import SchemaError

NEW = {
    "i": [1, 2, 3],
    "f": [0.5, 1.5, None],
    "c": ["u", "v", None],
    "b": [True, False, None],
    "d": [dt.datetime(2024, 3, 31, 1, 30), dt.datetime(2024, 3, 31, 3, 30), None],  # noqa: DTZ001
}


def profile(**columns):
    rows = 60
    frame = pd.DataFrame(
        {
            "i": np.arange(rows),
            "f": np.linspace(0, 1, rows),
            "c": ["u", "v", "w"] * 20,
            "b": [True, False, True] * 20,
            "d": pd.date_range("2024-01-01", periods=rows, freq="h"),
            "y": ["p", "q"] * 30,
        }
        | columns
    )
    return build_dataset(frame, target="y")[1].profile


def predicted(source, seen=None):
    dataset = build_predict_dataset(source, seen or profile())
    assert list(dataset.parts) == ["predict"]
    assert dataset.profile.rows == {"predict": dataset.parts["predict"].num_rows}
    return dataset.features("predict")


def test_order_extra_columns_and_the_target_do_not_matter():
    plain = predicted(NEW)
    assert plain.to_pydict() == NEW
    awkward = predicted({"y": ["p", "q", "p"], **dict(reversed(NEW.items())), "extra": [[1], [2], [3]] and [1, 2, 3]})
    assert awkward.equals(plain)
    assert build_predict_dataset(NEW, profile()).key == build_predict_dataset(pd.DataFrame(NEW), profile()).key


def test_missing_columns_are_named():
    with pytest.raises(SchemaError, match=r'lacks the 2 columns "f", "d"'):
        predicted({name: NEW[name] for name in ("i", "c", "b")})
    with pytest.raises(SchemaError, match=r'lacks the column "c"'):
        predicted({name: NEW[name] for name in ("i", "f", "b", "d")})


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("i", ["1", " 2 ", "NA"], [1, 2, None]),
        ("i", [1.0, 2.0, None], [1, 2, None]),
        ("i", [1.5, float("inf"), None], [1.5, float("inf"), None]),
        ("i", ["1.5", "1e400", ""], [1.5, float("inf"), None]),
        ("i", [True, False, None], [1, 0, None]),
        ("i", [2**63, 1, 2], [2.0**63, 1, 2]),
        ("f", [1, 2, None], [1.0, 2.0, None]),
        ("f", ["1,5", "2,25", None], [1.5, 2.25, None]),
        ("f", ["nan", "inf", "-1e300"], [None, float("inf"), -1e300]),
        ("f", [decimal.Decimal("1.5"), None, decimal.Decimal(2)], [1.5, None, 2.0]),
        ("f", [None, None, None], [None, None, None]),
        ("c", [1, 2, 3], ["1", "2", "3"]),
        ("c", [1.0, 2.5, None], ["1", "2.5", None]),
        ("c", pd.Categorical(["v", "u", "new"], categories=["v", "new", "u"]), ["v", "u", "new"]),
        ("b", ["yes", "NO", None], [True, False, None]),
        ("b", [1, 0, None], [True, False, None]),
        ("b", [1.0, 0.0, None], [True, False, None]),
        ("d", ["2024-03-31 01:30:00", "2024-03-31T03:30:00", None], NEW["d"]),
        ("d", pd.to_datetime(["2024-03-31 01:30", "2024-03-31 03:30", None]).as_unit("ns"), NEW["d"]),
        ("d", pd.to_datetime(["2024-03-31 03:30", "2024-03-31 05:30", None]).tz_localize("Asia/Riyadh"), None),
        ("d", [dt.date(2024, 1, 1), None, dt.date(2024, 1, 2)], None),
        ("d", ["9999-12-31", "0001-01-01", None], None),
    ],
)
def test_values_come_in_the_type_that_training_saw(name, values, expected):
    table = predicted(NEW | {name: values})
    if expected is not None:
        assert table[name].to_pylist() == expected
    assert table.num_rows == 3


@pytest.mark.parametrize(("zone", "new"), [("Europe/Berlin", None), (None, "Asia/Tokyo"), ("Europe/Berlin", "text")])
def test_stamps_with_a_zone_on_one_side_only_are_told(zone, new):
    seen = profile(d=pd.date_range("2024-01-01", periods=60, freq="h", tz=zone))
    stamps = pd.date_range("2024-01-01", periods=3, freq="h", tz=None if new == "text" else new)
    rows = NEW | {"d": stamps.strftime("%Y-%m-%d %H:%M:%S") if new == "text" else stamps}
    (note,) = build_predict_dataset(rows, seen).notes
    assert '"d"' in note
    assert "UTC" in note
    same = NEW | {"d": pd.date_range("2024-01-01", periods=3, freq="h", tz=zone and "UTC")}
    assert build_predict_dataset(same, seen).notes == ()


def test_zones_are_turned_into_trainings_zone():
    zone = pd.date_range("2024-01-01", periods=60, freq="h", tz="Europe/Berlin")
    seen = profile(d=zone)
    utc = predicted(NEW | {"d": pd.to_datetime(["2024-03-31 00:30", "2024-03-31 01:30", None], utc=True)}, seen)
    naive = predicted(NEW | {"d": pd.to_datetime(["2024-03-31 00:30", "2024-03-31 01:30", None])}, seen)
    assert [stamp and stamp.hour for stamp in utc["d"].to_pylist()] == [1, 3, None]
    assert utc.equals(naive)


def test_durations_in_other_units():
    seen = profile(t=pd.to_timedelta(np.arange(60), unit="s"))
    other = predicted(NEW | {"t": pd.to_timedelta([1, 2, None], unit="s").as_unit("ns")}, seen)
    assert other["t"].to_pylist() == [dt.timedelta(seconds=1), dt.timedelta(seconds=2), None]
    assert predicted(NEW | {"t": [1.0, 2.0, None]}, seen)["t"].to_pylist() == [1.0, 2.0, None]


def test_a_column_that_was_empty_in_training_takes_anything():
    seen = profile(e=[None] * 60)
    assert predicted(NEW | {"e": ["x", "y", "z"]}, seen)["e"].to_pylist() == [None] * 3


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("i", ["1", "two", "3"], "column \"i\" should hold a number in every row; row 2 holds 'two'"),
        ("f", ["1", "2", "3 kg"], "row 3 holds '3 kg'"),
        ("b", ["yes", "maybe", None], "'maybe' is neither true nor false"),
        ("d", ["2024-01-01", "yesterday", None], "row 2 holds 'yesterday'"),
        ("d", [1, 2, 3], 'column "d" holds dates, and int64 now'),
    ],
)
def test_values_that_cannot_be_read_are_named(name, values, words):
    with pytest.raises(SchemaError, match=words):
        predicted(NEW | {name: values})


def test_arrays_go_by_position():
    _, dataset = build_dataset(np.random.default_rng(0).random((60, 3)), y=["p", "q"] * 30)
    rows = np.arange(6.0).reshape(2, 3)
    for source in (rows, rows.astype("float32"), rows.tolist(), sp.csc_matrix(rows), rows[:1], rows.astype(int)):
        table = predicted(source, dataset.profile)
        assert table["x2"].to_pylist() == [2.0, 5.0][: table.num_rows]
    with pytest.raises(SchemaError, match="X has 2 features, but the model is expecting 3 features as input"):
        predicted(rows[:, :2], dataset.profile)
    _, named = build_dataset(pd.DataFrame(rows.repeat(30, 0), columns=list("abc")), y=["p", "q"] * 30)
    assert predicted(rows, named.profile).column_names == ["a", "b", "c"]


def test_text_in_a_csv_stays_as_it_is_written(tmp_path):
    levels = ["1.0", "true", "2024-01-01", "007", "1,5", "other"]
    train = pd.DataFrame({"c": levels * 10, "n": range(60), "y": ["p", "q"] * 30})
    train.to_csv(tmp_path / "train.csv", index=False, sep=";")
    _, dataset = build_dataset(tmp_path / "train.csv", target="y")
    for level in levels:
        (tmp_path / "new.csv").write_text(f"n;c\n1;{level}\n2;NA\n")
        table = build_predict_dataset(tmp_path / "new.csv", dataset.profile).features("predict")
        assert table.to_pydict() == {"c": [level, None], "n": [1, 2]}


def test_texts_that_are_missing_or_blank_are_rows():
    texts = ["", " ", "\u200b", "🙂🙂", None, "a few plain words here"]
    _, dataset = build_dataset([f"{text} and some words {i}" for i, text in enumerate(texts * 10)], y=["p", "q"] * 30)
    assert predicted(texts, dataset.profile)["text"].to_pylist() == texts


def test_no_rows():
    with pytest.raises(SchemaError, match="0 sample"):
        predicted(pa.table({name: pa.array([], pa.float64()) for name in NEW}))
