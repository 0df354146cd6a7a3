"""New rows as they come: a prediction for each, in their order, or an error that names the column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from cases_kit import learn, share_right, table

from automl_bridge.errors import SchemaError, UsageError


def _sound(probabilities, rows):
    assert probabilities.shape == (rows, 12)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def _close(left, right):
    np.testing.assert_allclose(left, right, atol=1e-5)


def test_the_model_has_learned(model, rows):
    assert model.classes_.tolist() == sorted(str(code) for code in range(12))
    assert share_right(model, rows, rows["label"]) > 0.9


ORDERS: dict[str, Callable[[pd.DataFrame], object]] = {
    "another order": lambda frame: frame[frame.columns[::-1]],
    "further columns": lambda frame: frame.assign(new="x", **{"number.1": 3.0, "Number": "no"}),
    "without target": lambda frame: frame.drop(columns="label"),
    "another index": lambda frame: frame.set_index(pd.Index(range(1000, 1000 + len(frame)))[::-1]),
    "doubled index": lambda frame: frame.set_index(pd.Index([7] * len(frame))),
    "dates as index": lambda frame: frame.set_index(pd.date_range("2020-01-01", periods=len(frame))),
    "index of two levels": lambda frame: frame.set_index(["label", "city"], drop=False),
    "column index with a name": lambda frame: frame.rename_axis(columns="fields"),
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "arrow in chunks": lambda frame: pa.concat_tables(
        [pa.Table.from_pandas(frame[start : start + 60], preserve_index=False) for start in range(0, 400, 60)]
    ),
    "list of dicts": lambda frame: frame.astype(object).where(frame.notna(), None).to_dict("records"),
    "dict of lists": lambda frame: {name: frame[name].tolist() for name in frame},
    "target of another type": lambda frame: frame.assign(label=1.5),
    "target missing in part": lambda frame: frame.assign(label=None),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_same_rows_in_another_table_are_predicted_the_same(model, rows, kind):
    _close(model.predict_proba(ORDERS[kind](rows)), model.predict_proba(rows))


@pytest.mark.parametrize("order", ["reversed", "shuffled", "sorted by city", "every third"])
def test_predictions_stay_with_their_rows(model, rows, order):
    chosen = {
        "reversed": rows[::-1],
        "shuffled": rows.sample(frac=1, random_state=5),
        "sorted by city": rows.sort_values("city"),
        "every third": rows[::3],
    }[order]
    plain = pd.DataFrame(model.predict_proba(rows), index=rows.index)
    _close(model.predict_proba(chosen), plain.loc[chosen.index].to_numpy())


@pytest.mark.parametrize("missing", [["number"], ["city", "when"], ["count: [all]"]])
def test_missing_columns_are_named(model, rows, missing):
    with pytest.raises(SchemaError) as caught:
        model.predict(rows.drop(columns=missing))
    assert all(f'"{name}"' in str(caught.value) for name in missing)
    assert caught.value.exit_code == 2


def test_columns_of_another_case_are_missing_ones(model, rows):
    with pytest.raises(SchemaError, match='"city"'):
        model.predict(rows.rename(columns={"city": "City"}))


def test_one_name_twice_at_predict_is_named(model, rows):
    doubled = pd.concat([rows, rows[["city"]]], axis=1)
    with pytest.raises(SchemaError, match="city"):
        model.predict(doubled)


@pytest.mark.parametrize("at", [0, 1, 37, 399])
def test_one_row(model, rows, at):
    one = model.predict_proba(rows[at : at + 1])
    _close(one[0], model.predict_proba(rows)[at])
    assert model.predict(rows[at : at + 1]).shape == (1,)


@pytest.mark.parametrize("kind", ["pandas", "polars", "csv"])
def test_no_rows_at_all(model, rows, tmp_path, kind):
    none = rows[:0]
    given = none if kind == "pandas" else pl.from_pandas(none)
    if kind == "csv":
        none.to_csv(tmp_path / "none.csv", index=False)
        given = tmp_path / "none.csv"
    with pytest.raises(UsageError) as caught:
        model.predict(given)
    assert caught.value.exit_code == 2


NEW_VALUES = {
    "unseen level": {"city": "Atlantis"},
    "blank level": {"city": ""},
    "spaces": {"city": "  "},
    "missing level": {"city": None},
    "level of another script": {"city": "ローマ"},
    "very long level": {"city": "x" * 100_000},
    "number as level": {"city": 5},
    "infinity": {"number": np.inf},
    "minus infinity": {"number": -np.inf},
    "huge": {"number": 1e300},
    "tiny": {"number": 5e-324},
    "huge whole": {"count: [all]": 1e300},
    "infinite whole": {"count: [all]": np.inf},
    "fraction in a whole": {"count: [all]": 1.5},
    "missing number": {"number": None},
    "long duration": {"took": pd.Timedelta(days=100_000)},
    "no duration": {"took": pd.NaT},
    "duration in seconds": {"took": 77.0},
    "far future": {"when": pd.Timestamp("2261-01-01", tz="UTC")},
    "long ago": {"when": pd.Timestamp("1700-01-01", tz="UTC")},
    "no time": {"when": pd.NaT},
    "missing flag": {"flag": None},
    "flag as text": {"flag": "true"},
    "flag as number": {"flag": 1},
    "all missing": {
        "number": None, "count: [all]": None, "city": None, "flag": None, "when": pd.NaT, "took": pd.NaT, "large": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", NEW_VALUES)
def test_values_that_training_never_saw(model, rows, kind):
    changed = rows[:40].copy()
    for name, value in NEW_VALUES[kind].items():
        changed[name] = value
    _sound(model.predict_proba(changed), 40)
    # In one row among others it changes that row only.
    single = rows[:40].astype(object)
    for name, value in NEW_VALUES[kind].items():
        single.loc[3, name] = value
    mixed = model.predict_proba(single)
    _sound(mixed, 40)
    keep = np.arange(40) != 3
    _close(mixed[keep], model.predict_proba(rows[:40])[keep])


def test_infinities_as_they_stand_in_a_file(model, rows, tmp_path):
    lines = rows[:6].astype({"number": object})
    lines["number"] = ["inf", "-inf", "1e300", "1e400", "-1e400", "Infinity"]
    lines.to_csv(tmp_path / "new.csv", index=False)
    _sound(model.predict_proba(tmp_path / "new.csv"), 6)


@pytest.mark.parametrize("word", ["abc", "1,2,3", "12 apples"])
def test_what_is_no_number_names_column_and_value(model, rows, word):
    with pytest.raises(SchemaError) as caught:
        model.predict(rows[:3].assign(number=["1", word, "2"]))
    assert '"number"' in str(caught.value)
    assert word in str(caught.value)


def _hours(took: pd.Timedelta) -> str:
    minutes, seconds = divmod(int(took.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


DRESSES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "utc": lambda frame: frame.assign(when=frame["when"].dt.tz_convert("UTC")),
    "another zone": lambda frame: frame.assign(when=frame["when"].dt.tz_convert("Asia/Kolkata")),
    "utc without a zone": lambda frame: frame.assign(when=frame["when"].dt.tz_convert("UTC").dt.tz_localize(None)),
    "text with offset": lambda frame: frame.assign(
        when=[None if pd.isna(stamp) else stamp.isoformat() for stamp in frame["when"]]
    ),
    "python datetimes": lambda frame: frame.assign(
        when=pd.Series([None if pd.isna(stamp) else stamp.to_pydatetime() for stamp in frame["when"]], dtype=object)
    ),
    "finer unit": lambda frame: frame.assign(when=frame["when"].dt.as_unit("ns")),
    "coarser unit": lambda frame: frame.assign(when=frame["when"].dt.as_unit("s"), took=frame["took"].dt.as_unit("ms")),
    "duration as text": lambda frame: frame.assign(took=frame["took"].astype(str)),
    "duration as ISO 8601": lambda frame: frame.assign(took=[took.isoformat() for took in frame["took"]]),
    "duration as hours": lambda frame: frame.assign(took=[_hours(took) for took in frame["took"]]),
    "duration as seconds": lambda frame: frame.assign(took=frame["took"].dt.total_seconds()),
    "category": lambda frame: frame.assign(city=frame["city"].astype("category")),
    "other codes": lambda frame: frame.assign(
        city=pd.Categorical(frame["city"], categories=["Rome", "Paris", "Bern", "Oslo"])
    ),
    "codes in reverse": lambda frame: frame.assign(
        city=pd.Categorical(frame["city"], categories=sorted(set(frame["city"]))[::-1], ordered=True)
    ),
    "object": lambda frame: frame.astype(object),
    "nullable": lambda frame: frame.convert_dtypes(),
    "arrow types": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "numbers as text": lambda frame: frame.assign(number=frame["number"].map(repr)),
    "whole numbers as floats": lambda frame: frame.assign(large=frame["large"].map(str)),
    "flags as 0 and 1": lambda frame: frame.assign(flag=frame["flag"].astype(int)),
    "flags as words": lambda frame: frame.assign(flag=np.where(frame["flag"], "yes", "no")),
}


@pytest.mark.filterwarnings('ignore:stamps of "when" have a time zone in training:UserWarning')
@pytest.mark.parametrize("dress", DRESSES)
def test_the_same_values_in_other_types(model, rows, dress):
    _close(model.predict_proba(DRESSES[dress](rows)), model.predict_proba(rows))


def test_stamps_that_lost_their_zone_are_warned_of(model, rows):
    with pytest.warns(UserWarning, match='"when" have a time zone in training, and none now'):
        model.predict(rows[:3].assign(when=rows["when"][:3].dt.tz_localize(None)))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_the_same_rows_from_a_file(model, rows, tmp_path, suffix):
    path = tmp_path / f"new.{suffix}"
    if suffix == "csv":
        rows.to_csv(path, index=False)
    elif suffix == "parquet":
        rows.to_parquet(path)
    else:
        rows.to_feather(path)
    _close(model.predict_proba(path), model.predict_proba(rows))


def test_a_bundle_elsewhere_predicts_the_same(model, rows, tmp_path):
    bundle = model.export(tmp_path / "my bundle")
    loaded = type(model).load(bundle)
    _close(loaded.predict_proba(rows), model.predict_proba(rows))
    assert loaded.classes_.tolist() == model.classes_.tolist()


def test_the_log_loss_says_that_columns_belong_to_classes(model, rows):
    from sklearn.metrics import log_loss

    probabilities = model.predict_proba(rows)
    loss = log_loss(rows["label"], probabilities, labels=list(model.classes_))
    assert loss < 0.7
    shuffled = model.classes_[np.argmax(probabilities, axis=1)]
    assert (shuffled == rows["label"].to_numpy()).mean() > 0.9


# Categories with codes: what they say counts, not their number.


@pytest.mark.parametrize("kind", ["text", "int", "float", "bool", "date", "mixed"])
def test_levels_under_other_codes_are_the_same_levels(kind):
    levels = {
        "text": ["a", "b", "c"],
        "int": [10, 2, 33],
        "float": [0.5, 1.5, 2.0],
        "bool": [False, True, None],
        "date": [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01"), pd.Timestamp("2024-03-01")],
        "mixed": ["x", 1, 2.5],
    }[kind]
    levels = [level for level in levels if level is not None]
    rng = np.random.default_rng(0)
    code = rng.integers(0, len(levels), 240)
    values = pd.Series([levels[index] for index in code], dtype=object)
    frame = pd.DataFrame({"level": pd.Categorical(values, categories=levels), "noise": rng.normal(size=240)})
    frame["label"] = np.where(code == 0, "first", "other")
    model = learn(frame, budget={"max_trials": 1})
    assert share_right(model, frame, frame["label"]) == 1.0
    other = frame.assign(level=pd.Categorical(values, categories=[*levels[::-1]]))
    assert share_right(model, other, frame["label"]) == 1.0
    fewer = other[other["label"] == "first"].copy()
    fewer["level"] = fewer["level"].cat.remove_unused_categories()
    assert share_right(model, fewer, fewer["label"]) == 1.0
    plain = frame.assign(level=values)
    assert share_right(model, plain, frame["label"]) == 1.0


@pytest.mark.parametrize("new", ["int", "text", "float"])
@pytest.mark.parametrize("old", ["int", "text"])
def test_codes_as_numbers_or_text_are_the_same_categories(tmp_path, old, new):
    rng = np.random.default_rng(0)
    code = rng.integers(1, 4, 240)
    types = {"int": int, "text": str, "float": float}
    frame = pd.DataFrame({"zip": code * 10, "noise": rng.normal(size=240)})
    frame["label"] = np.where(code == 2, "b", "a")
    model = learn(frame.astype({"zip": types[old]}), types={"zip": "categorical"}, budget={"max_trials": 1})
    assert share_right(model, frame.astype({"zip": types[new]}), frame["label"]) == 1.0


@pytest.mark.parametrize("names", ["same names", "no names"])
def test_arrays_and_tables_of_a_model_without_names(names):
    frame = table(240)
    X, y = frame[["number", "count"]].to_numpy(), (frame["number"] > 0).astype(int).to_numpy()
    model = learn(X, y, budget={"max_trials": 1})
    assert not hasattr(model, "feature_names_in_")
    given = X if names == "no names" else pd.DataFrame(X, columns=["x0", "x1"])
    assert share_right(model, given, y) > 0.95
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.predict(X[:, :1])
