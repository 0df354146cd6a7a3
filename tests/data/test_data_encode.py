"""The encoder: every row becomes finite numbers and known codes, and JSON brings it back exactly."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.encode import TableEncoder
from automl_bridge.errors import BundleError
from automl_bridge.spec import ColumnProfile, Kind


def fitted(frame, **settings):
    dataset = build_dataset(frame, y=["p", "q"] * (len(frame) // 2), holdout=0, validation=0, **settings)[1]
    table = dataset.features("train")
    encoder = TableEncoder.fit(table, dataset.profile.features)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again.to_json() == encoder.to_json()
    return encoder, encoder.transform(table), dataset.profile


def column(values, kind, name="a"):
    array = pa.chunked_array([pa.array(values)])
    return pa.table({name: array}), [ColumnProfile(name=name, safe_name=name, kind=kind, arrow_type=str(array.type))]


def test_shapes_names_and_order():
    frame = pd.DataFrame(
        {
            "n": [1.5, None, 3.0, 4.0],
            "c": ["u", "v", "u", None],
            "i": [1, 2, 3, 4],
            "b": [True, False, None, True],
            "t": ["one two three four five", "a b c d e f", "x y z w v", "q r s t u"],
        }
    )
    encoder, encoded, _ = fitted(frame, types={"c": "categorical", "t": "text"})
    assert encoder.numeric_names == ("n", "i", "b", "t.length", "t.words")
    assert encoder.categorical_names == ("c",)
    assert encoder.text_names == ("t",)
    assert encoded.numeric.dtype == np.float32
    assert encoded.categorical.dtype == np.int32
    expected = [[1.5, 1, 1, 23, 5], [np.nan, 2, 0, 11, 6], [3, 3, np.nan, 9, 5], [4, 4, 1, 9, 5]]
    np.testing.assert_array_equal(encoded.numeric, np.array(expected, np.float32))


def test_levels_by_frequency_rare_unseen_and_missing():
    values = ["b"] * 5 + ["a"] * 3 + ["c"] * 3 + ["once", None]
    table, columns = column(values, Kind.CATEGORICAL)
    encoder = TableEncoder.fit(table, columns)
    assert encoder.cardinalities == (5,)
    codes = encoder.transform(pa.table({"a": ["b", "a", "c", "once", "never seen", None]})).categorical[:, 0]
    assert codes.tolist() == [1, 2, 3, 4, 4, 0]
    table, columns = column(["u", "v", "u", "v"], Kind.CATEGORICAL)
    codes = TableEncoder.fit(table, columns).transform(pa.table({"a": ["u", "new", None]})).categorical[:, 0]
    assert codes.tolist() == [1, 0, 0]


def test_many_levels_stay_below_what_gradient_boosting_takes():
    table, columns = column([f"level {i}" for i in range(5000)] * 2, Kind.CATEGORICAL)
    encoder = TableEncoder.fit(table, columns)
    assert encoder.cardinalities[0] <= 255
    assert encoder.transform(table).categorical.max() == encoder.cardinalities[0] - 1


def test_infinity_only_at_predict():
    frame = pd.DataFrame({"x": np.linspace(-1, 1, 40), "z": np.arange(40)})
    encoder, _, profile = fitted(frame)
    new = {"x": [np.inf, -np.inf, 1e300, -1e300, None, 0.5], "z": ["1e400", "inf", "-inf", "5", "", "7.5"]}
    encoded = encoder.transform(build_predict_dataset(new, profile).features("predict"))
    assert encoded.numeric[:, 0].tolist()[:4] == [21.0, -21.0, 21.0, -21.0]
    assert np.isfinite(np.delete(encoded.numeric, 4, axis=0)).all()
    assert np.isnan(encoded.numeric[4]).all()


@settings(max_examples=150, deadline=None)
@given(
    train=st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=20),
    new=st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=20),
)
def test_numbers_are_never_infinite_and_only_missing_ones_are_nan(train, new):
    table, columns = column(pa.array(train, pa.float64()), Kind.NUMERIC)
    encoder = TableEncoder.fit(table, columns)
    for values in (train, new):
        encoded = encoder.transform(pa.table({"a": pa.array(values, pa.float64())})).numeric[:, 0]
        assert np.array_equal(np.isnan(encoded), [value is None for value in values])
        assert not np.isinf(encoded).any()
        assert np.nanmax(np.abs(encoded), initial=0) <= 2e16


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30))
def test_order_is_kept(values):
    table, columns = column(values, Kind.NUMERIC)
    encoded = TableEncoder.fit(table, columns).transform(table).numeric[:, 0]
    assert (np.diff(encoded[np.argsort(values, kind="stable")]) >= 0).all()


def test_large_numbers_with_small_differences_are_told_apart():
    start = 1_700_000_000
    table, columns = column([start + i for i in range(100)], Kind.INTEGER)
    assert TableEncoder.fit(table, columns).transform(table).numeric[:, 0].tolist() == list(range(100))


def test_huge_numbers_keep_their_signal():
    values = np.random.default_rng(0).normal(size=50) * 1e300
    table, columns = column(values, Kind.NUMERIC)
    encoded = TableEncoder.fit(table, columns).transform(table).numeric[:, 0]
    assert np.corrcoef(encoded.astype(float), values / 1e300)[0, 1] > 0.999999


def test_parts_of_stamps_by_the_clock_of_their_zone():
    stamps = pd.to_datetime(["2024-03-31 00:30", "2024-03-31 01:30", "2024-12-31 23:15"], utc=True)
    for zone, hours in (("UTC", [0.5, 1.5, 23.25]), ("Europe/Berlin", [1.5, 3.5, 0.25])):
        table = pa.table({"a": pa.array(stamps.tz_convert(zone))})
        columns = [ColumnProfile(name="a", safe_name="a", kind=Kind.DATETIME, arrow_type=str(table.schema.types[0]))]
        encoder = TableEncoder.fit(table, columns)
        assert encoder.numeric_names == ("a.days", "a.month", "a.day", "a.weekday", "a.hour")
        encoded = encoder.transform(table).numeric
        local = stamps.tz_convert(zone)
        assert encoded[:, 4].tolist() == hours
        assert encoded[:, 1].tolist() == local.month.tolist()
        assert encoded[:, 2].tolist() == local.day.tolist()
        assert encoded[:, 3].tolist() == local.day_of_week.tolist()
        np.testing.assert_allclose(encoded[:, 0], (stamps - stamps[0]).total_seconds() / 86_400, rtol=1e-6)


def test_dates_before_1970_and_missing_ones():
    table = pa.table({"a": pa.array([pd.Timestamp("1950-02-28").date(), None, pd.Timestamp("1969-12-31").date()])})
    columns = [ColumnProfile(name="a", safe_name="a", kind=Kind.DATETIME, arrow_type="date32[day]")]
    encoder = TableEncoder.fit(table, columns)
    assert encoder.numeric_names == ("a.days", "a.month", "a.day", "a.weekday")
    encoded = encoder.transform(table).numeric
    assert encoded[0, 1:].tolist() == [2, 28, 1]
    assert encoded[2, 1:].tolist() == [12, 31, 2]
    assert np.isnan(encoded[1]).all()


def test_constant_empty_and_categorical_numbers():
    frame = pd.DataFrame({"one": [7.0] * 20, "none": [None] * 20, "zip": [10115, 20095] * 10})
    encoder, encoded, profile = fitted(frame, types={"zip": "categorical"})
    assert encoded.numeric[:, 0].tolist() == [7.0] * 20
    assert np.isnan(encoded.numeric[:, 1]).all()
    assert set(encoded.categorical[:, 0]) == {1, 2}
    new = build_predict_dataset({"one": [8.0], "none": ["x"], "zip": ["10115"]}, profile)
    assert encoder.transform(new.features("predict")).categorical.tolist() == [[1]]


def test_ten_thousand_columns_take_seconds():
    table = np.random.default_rng(0).random((100, 10_000))
    start = time.perf_counter()
    _, encoded, _ = fitted(pd.DataFrame(table).rename(columns=str))
    assert encoded.numeric.shape == (100, 10_000)
    assert time.perf_counter() - start < 60


def test_an_encoder_of_a_newer_version_is_refused():
    with pytest.raises(BundleError, match="format 99"):
        TableEncoder.from_json({"format": 99, "columns": []})
