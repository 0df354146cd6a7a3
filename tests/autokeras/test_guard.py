"""The linear model that is there before the first network."""

from __future__ import annotations

import json

import numpy as np
import pytest

from automl_bridge_autokeras.guard import LinearGuard


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    ranks = rng.normal(size=(500, 3)).astype(np.float32)
    codes = rng.integers(0, 4, (500, 2)).astype(np.int32) + np.array([0, 4], np.int32)
    return ranks, codes


def test_probabilities_in_the_right_order(arrays):
    ranks, codes = arrays
    target = ((ranks[:, 0] + (codes[:, 0] == 2) > 0.3) * 1)[:, None].astype(np.int32)
    guard = LinearGuard.fit(arrays, target, classes=2, levels=8)
    outputs = guard.predict(arrays)
    np.testing.assert_allclose(outputs.sum(axis=1), 1)
    assert outputs.min() > 0
    assert np.mean(outputs.argmax(axis=1) == target[:, 0]) > 0.85
    again = LinearGuard.from_json(json.loads(json.dumps(guard.to_json())))
    np.testing.assert_array_equal(again.predict(arrays), outputs)


def test_values(arrays):
    ranks, codes = arrays
    target = np.column_stack([2 * ranks[:, 1], (codes[:, 1] == 5) * 1.0]).astype(np.float32)
    outputs = LinearGuard.fit(arrays, target, levels=8).predict(arrays)
    for index in range(2):
        assert np.corrcoef(outputs[:, index], target[:, index])[0, 1] > 0.95


def test_weights_count(arrays):
    ranks, _ = arrays
    target = ranks[:, :1].copy()
    target[::2] *= -1
    weights = np.where(np.arange(500) % 2 == 0, 1e-9, 1.0)
    outputs = LinearGuard.fit((ranks,), target, weights=weights).predict((ranks,))
    assert np.corrcoef(outputs[:, 0], ranks[:, 0])[0, 1] > 0.95


def test_more_columns_than_rows_and_constant_ones():
    rng = np.random.default_rng(0)
    wide = np.concatenate([rng.normal(size=(30, 400)), np.zeros((30, 5))], axis=1).astype(np.float32)
    guard = LinearGuard.fit((wide,), wide[:, :1].copy())
    assert np.isfinite(guard.predict((wide,))).all()
    assert len(guard.kept) == 300
