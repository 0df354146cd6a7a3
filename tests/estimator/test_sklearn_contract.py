"""scikit-learn's own checks over the baseline backend, and its tools at work."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from automl_bridge import Estimator

BY_NAME = "columns of a table are found by their names: another order is no error, and an array has none to check"

# No holdout and no validation part: the checks fit on a handful of rows and compare fits on the same rows.
CLASSIFIER = Estimator("tabular-classification", "baseline", holdout=0, validation=0, random_state=0)
REGRESSOR = Estimator("tabular-regression", "baseline", holdout=0, validation=0, random_state=0)


@parametrize_with_checks(
    [CLASSIFIER, REGRESSOR],
    expected_failed_checks=lambda _: {"check_dataframe_column_names_consistency": BY_NAME},
    xfail_strict=True,
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("backend", ["baseline"])
def test_tags_say_what_it_is(backend):
    assert is_classifier(Estimator("tabular-classification", backend))
    assert is_regressor(Estimator("tabular-regression", backend))
    assert not hasattr(Estimator("tabular-regression", backend), "predict_proba")


def test_cross_validation_in_two_processes():
    X, y = load_breast_cancer(return_X_y=True)
    scores = cross_val_score(Estimator(backend="baseline", random_state=0), X, y, cv=4, n_jobs=2)
    assert len(scores) == 4
    assert min(scores) > 0.9


def test_a_pipeline():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), Estimator(backend="baseline", random_state=0)).fit(X, y)
    assert pipeline.score(X, y) > 0.9
    assert pipeline.predict_proba(X[:2]).shape == (2, 3)


def test_grid_search_over_backends(toy_backend):
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(Estimator(random_state=0), {"backend": ["baseline", toy_backend]}, cv=3).fit(X, y)
    assert search.best_params_ == {"backend": "baseline"}
    assert search.cv_results_["mean_test_score"][0] > search.cv_results_["mean_test_score"][1]


@pytest.mark.parametrize("fitted", [False, True])
def test_clone_and_pickle_before_and_after_fit(fitted, home):
    X, y = load_diabetes(return_X_y=True)
    estimator = Estimator(backend="baseline", random_state=0)
    if fitted:
        estimator.fit(X, y)
    assert clone(estimator).get_params() == estimator.get_params()
    again = pickle.loads(pickle.dumps(estimator))
    assert again.get_params() == estimator.get_params()
    if fitted:
        np.testing.assert_array_equal(again.predict(X), estimator.predict(X))


def test_a_pickle_predicts_where_the_run_is_not(tmp_path, monkeypatch):
    X, y = load_iris(return_X_y=True)
    estimator = Estimator(backend="baseline", random_state=0).fit(X, y)
    expected, data = estimator.predict_proba(X), pickle.dumps(estimator)
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path / "another machine"))
    np.testing.assert_array_equal(pickle.loads(data).predict_proba(X), expected)


def test_the_same_seed_gives_the_same_model():
    X, y = load_diabetes(return_X_y=True)
    first, second = (Estimator(backend="baseline", random_state=3).fit(X, y) for _ in range(2))
    assert first.score_ == second.score_
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
