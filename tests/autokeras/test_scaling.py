"""Numbers for a net: whatever comes in, finite and bounded numbers come out, the same after JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from automl_bridge_autokeras.scaling import NumberScaler


@pytest.fixture
def table() -> np.ndarray:
    rng = np.random.default_rng(0)
    columns = [
        rng.normal(1e6, 3.0, 500),
        np.exp(rng.normal(0, 4, 500)),
        rng.integers(0, 3, 500),
        np.full(500, 7.0),
        np.full(500, np.nan),
        np.where(np.arange(500) % 10 == 0, np.nan, rng.normal(size=500)),
    ]
    return np.column_stack(columns).astype(np.float32)


def test_shapes_and_bounds(table):
    ranks, flat = NumberScaler.fit(table).transform(table)
    assert ranks.shape == (500, 6)
    assert flat.shape == (500, 8)  # two of the columns miss values
    for array in (ranks, flat):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
        assert np.abs(array).max() <= 3.01


def test_ranks_keep_order_and_share_ties(table):
    ranks, _ = NumberScaler.fit(table).transform(table)
    for column in (0, 1):
        order = np.argsort(table[:, column])
        assert (np.diff(ranks[order, column]) >= 0).all()
    assert len(np.unique(ranks[:, 2])) == 3


def test_missing_values_are_in_the_middle_and_told(table):
    scaler = NumberScaler.fit(table)
    ranks, flat = scaler.transform(table)
    gaps = np.isnan(table[:, 5])
    assert (ranks[gaps, 5] == 0).all()
    assert (flat[:, 7] == gaps).all()
    assert scaler.indicators == (4, 5)


def test_constant_columns_say_nothing(table):
    ranks, flat = NumberScaler.fit(table).transform(table)
    assert (ranks[:, 3] == 0).all()
    assert (flat[:, 3] == 0).all()


def test_values_that_training_never_saw(table):
    scaler = NumberScaler.fit(table)
    strange = np.array([[np.inf, -np.inf, 1e30, np.nan, 5.0, -1e30]], dtype=np.float32)
    ranks, flat = scaler.transform(strange)
    assert np.isfinite(ranks).all()
    assert np.isfinite(flat).all()
    top, _ = scaler.transform(table)
    assert ranks[0, 0] >= top[:, 0].max() - 1e-5
    assert ranks[0, 1] <= top[:, 1].min() + 1e-5


def test_same_after_json(table):
    scaler = NumberScaler.fit(table)
    again = NumberScaler.from_json(json.loads(json.dumps(scaler.to_json())))
    for one, two in zip(scaler.transform(table), again.transform(table), strict=True):
        np.testing.assert_array_equal(one, two)


def test_one_row_at_a_time_is_the_same(table):
    scaler = NumberScaler.fit(table)
    whole = np.concatenate(scaler.transform(table), axis=1)
    for row in (0, 7, 499):
        np.testing.assert_array_equal(np.concatenate(scaler.transform(table[row : row + 1]), axis=1)[0], whole[row])


def test_no_numeric_columns():
    ranks, flat = NumberScaler.fit(np.zeros((4, 0), np.float32)).transform(np.zeros((2, 0), np.float32))
    assert ranks.shape == flat.shape == (2, 0)
