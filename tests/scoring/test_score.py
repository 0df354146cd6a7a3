import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from automl_bridge.errors import BackendError, DataError, UnknownNameError, UsageError
from automl_bridge.metrics import METRICS, metric_names
from automl_bridge.scoring import all_scores, remarks, score
from automl_bridge.task import Task

CLASSIFICATION, REGRESSION = Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION


@st.composite
def classified(draw, classes):
    """Probabilities on a coarse grid, so that there are ties; every class occurs; weights."""
    n = draw(st.integers(2 * classes, 40))
    grid = draw(hnp.arrays(np.int64, (n, classes), elements=st.integers(0, 4)))
    outputs = (grid + 0.25) / (grid + 0.25).sum(axis=1, keepdims=True)
    codes = draw(hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)))
    codes[:classes] = np.arange(classes)
    weights = draw(hnp.arrays(np.float64, n, elements=st.floats(0.125, 8, width=32)))
    return outputs, codes, weights


@st.composite
def valued(draw):
    shape = (draw(st.integers(2, 40)), draw(st.integers(1, 3)))
    numbers = st.floats(-1e6, 1e6, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3)
    outputs, values = (
        draw(hnp.arrays(np.float64, shape, elements=numbers)),
        draw(hnp.arrays(np.float64, shape, elements=numbers)),
    )
    weights = draw(hnp.arrays(np.float64, shape[0], elements=st.floats(0.125, 8, width=32)))
    return outputs, values, weights


def sklearn_scores(outputs, codes, weights):
    labels, k = outputs.argmax(axis=1), outputs.shape[1]
    expected = {
        "log_loss": sk.log_loss(codes, outputs, labels=range(k), sample_weight=weights),
        "accuracy": sk.accuracy_score(codes, labels, sample_weight=weights),
        "balanced_accuracy": sk.balanced_accuracy_score(codes, labels, sample_weight=weights),
        "f1_macro": sk.f1_score(codes, labels, average="macro", sample_weight=weights),
    }
    if k == 2:
        expected["roc_auc"] = sk.roc_auc_score(codes, outputs[:, 1], sample_weight=weights)
        for name in ("f1", "precision", "recall"):
            function = getattr(sk, f"{name}_score")
            expected[name] = function(codes, labels, sample_weight=weights, zero_division=0)
    else:
        expected["roc_auc"] = np.mean(
            [sk.roc_auc_score(codes == code, outputs[:, code], sample_weight=weights) for code in range(k)]
        )
    return expected


@pytest.mark.parametrize("classes", [2, 3, 5])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_classification_is_what_sklearn_says(classes, data):
    outputs, codes, weights = data.draw(classified(classes))
    for given_weights in (None, weights):
        found = all_scores(CLASSIFICATION, outputs, codes, given_weights)
        assert found == pytest.approx(sklearn_scores(outputs, codes, given_weights), rel=1e-9, abs=1e-12)


@given(valued())
@settings(max_examples=60, deadline=None)
def test_regression_is_what_sklearn_says(case):
    outputs, values, weights = case
    for given_weights in (None, weights):
        expected = {
            "rmse": sk.root_mean_squared_error(values, outputs, sample_weight=given_weights),
            "mae": sk.mean_absolute_error(values, outputs, sample_weight=given_weights),
            "mape": sk.mean_absolute_percentage_error(values, outputs, sample_weight=given_weights),
        }
        found = all_scores(REGRESSION, outputs, values, given_weights)
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_r2_is_what_sklearn_says():
    rng = np.random.default_rng(0)
    for offset in (0.0, 1e6, -1e9):
        values = rng.normal(size=(200, 2)) + offset
        outputs = values + rng.normal(size=values.shape)
        weights = rng.uniform(0.1, 2, 200)
        expected = sk.r2_score(values, outputs, sample_weight=weights)
        assert score("r2", outputs, values, weights) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_r2_of_a_constant_target(constant):
    values = np.full(7, constant)
    assert score("r2", values, values) == sk.r2_score(values, values) == 1
    assert score("r2", values + 1, values) == 0
    assert np.isnan(score("r2", [1.0], [2.0]))


def test_r2_of_far_off_predictions_is_far_below_zero():
    values = np.arange(5.0)
    assert score("r2", values + 1e12, values) == pytest.approx(sk.r2_score(values, values + 1e12))


def test_forecasting_metrics_by_their_definition():
    values, outputs = np.array([10.0, 20.0, 30.0]), np.array([12.0, 18.0, 33.0])
    assert score("wape", outputs, values) == pytest.approx(7 / 60)
    assert score("mase", outputs, values, scale=2.0) == pytest.approx(7 / 3 / 2)
    with pytest.raises(UsageError, match="scale"):
        score("mase", outputs, values)
    # The quantile loss needs quantiles, which `scoring_forecast` has.
    known = set(metric_names(Task.FORECASTING)) - {"wql"}
    assert set(all_scores(Task.FORECASTING, outputs, values, scale=1.0)) == known
    assert "mase" not in all_scores(Task.FORECASTING, outputs, values)


def test_signs_are_natural_and_best_comes_first():
    values = np.array([1.0, 2.0, 3.0])
    near, far = values + 0.1, values + 1
    for name, order in (("rmse", [near, far]), ("r2", [near, far])):
        metric = METRICS[name]
        scores = [score(name, outputs, values) for outputs in order]
        assert metric.better(*scores)
        nan = score(name, values * np.nan, values)
        ranked = sorted([nan, scores[1], scores[0]], key=metric.sort_key)
        assert ranked[:2] == scores
        assert not metric.better(nan, scores[1])
    assert score("rmse", far, values) == pytest.approx(1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", METRICS)
def test_an_output_that_is_no_number_has_no_score(name, bad):
    if METRICS[name].needs == "values":
        outputs, targets = np.array([[1.0], [bad]]), np.array([1.0, 2.0])
    else:
        outputs, targets = np.array([[0.5, 0.5], [bad, 0.5]]), np.array([0, 1])
    assert np.isnan(score(name, outputs, targets, scale=1.0))


def test_log_loss_of_a_class_that_was_ruled_out_is_large_and_finite():
    outputs = np.array([[1.0, 0.0], [1.0, 0.0]])
    expected = sk.log_loss([0, 1], outputs)
    assert score("log_loss", outputs, [0, 1]) == pytest.approx(expected)
    assert np.isfinite(score("log_loss", outputs, [1, 1]))


def test_large_values_do_not_overflow():
    values = np.array([1e200, -1e200, 3e200])
    assert score("rmse", values * 2, values) == pytest.approx(np.sqrt(11 / 3) * 1e200)
    assert score("r2", values, values) == 1
    tiny = np.array([1e-200, -1e-200])
    assert score("rmse", tiny * 2, tiny) == pytest.approx(1e-200)


def test_probabilities_rounded_by_a_service_are_taken_as_they_are_meant():
    outputs = np.array([[0.33, 0.33, 0.33], [0.5, 0.3, 0.2]])
    assert score("log_loss", outputs, [0, 0]) == pytest.approx((np.log(3) + np.log(2)) / 2)


def test_classes_absent_from_the_rows_are_left_out_of_means_and_named():
    rng = np.random.default_rng(0)
    outputs, codes = rng.dirichlet(np.ones(4), 60), rng.integers(0, 3, 60)
    expected = np.mean([sk.roc_auc_score(codes == code, outputs[:, code]) for code in range(3)])
    assert score("roc_auc", outputs, codes) == pytest.approx(expected)
    labels = outputs.argmax(axis=1)
    recalls = sk.recall_score(codes, labels, labels=range(3), average=None)
    assert score("balanced_accuracy", outputs, codes) == pytest.approx(recalls.mean())
    assert score("f1_macro", outputs, codes) == pytest.approx(sk.f1_score(codes, labels, average="macro"))
    assert remarks(CLASSIFICATION, codes, ["a", "b", "c", "d"]) == (
        'no row of "d" in the holdout: means over the classes are over the other 3',
    )
    assert remarks(CLASSIFICATION, codes, ["a", "b", "c"]) == ()


def test_one_class_only_has_no_auc_but_has_an_accuracy():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert np.isnan(score("roc_auc", outputs, [0, 0]))
    assert np.isnan(score("recall", outputs, [0, 0]))
    assert score("accuracy", outputs, [0, 0]) == 0.5
    assert "not defined" in remarks(CLASSIFICATION, [0, 0], ["no", "yes"])[0]


def test_no_rows_have_no_score():
    assert np.isnan(score("accuracy", np.empty((0, 2)), []))
    assert np.isnan(score("rmse", np.empty((0, 1)), []))


def test_zero_targets_are_remarked():
    assert "mape" in remarks(REGRESSION, np.array([0.0, 1.0]))[0]
    assert remarks(REGRESSION, np.array([1.0])) == ()


@pytest.mark.parametrize(
    ("metric", "outputs", "targets", "words"),
    [
        ("accuracy", np.full((3, 2), 0.5), [0, 1], "3 predictions for 2 rows"),
        ("accuracy", np.full((2, 2), 0.5), [0, 2], "2 classes, the target has at least 3"),
        ("accuracy", np.full((2, 2), 0.9), [0, 1], "row 0 are no probabilities: 0.9, 0.9"),
        ("log_loss", [[1.5, -0.5], [0.5, 0.5]], [0, 1], "row 0 are no probabilities"),
        ("roc_auc", [[1.0], [1.0]], [0, 0], "cannot be computed from predictions of 1 classes"),
        ("f1", np.full((2, 4), 0.25), [0, 1], "4 classes"),
        ("rmse", np.ones((2, 2)), [1.0, 2.0], "shape"),
    ],
)
def test_predictions_that_do_not_fit_are_an_error_of_the_backend(metric, outputs, targets, words):
    with pytest.raises(BackendError, match=words):
        score(metric, outputs, targets)


@pytest.mark.parametrize("weights", [[1.0], [-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_are_none(weights):
    with pytest.raises(DataError):
        score("mae", [1.0, 2.0], [1.0, 2.0], weights)


def test_a_weight_of_two_is_the_row_twice_and_zero_is_no_row():
    rng = np.random.default_rng(1)
    outputs, codes = rng.dirichlet(np.ones(3), 30), rng.integers(0, 3, 30)
    weights = rng.integers(0, 3, 30)
    for name in metric_names(CLASSIFICATION):
        if not METRICS[name].binary_only:
            repeated = score(name, np.repeat(outputs, weights, axis=0), np.repeat(codes, weights))
            assert score(name, outputs, codes, weights * 1e300) == pytest.approx(repeated)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownNameError, match='Did you mean "roc_auc"'):
        score("roc_acu", [[0.5, 0.5]], [0])


def test_every_metric_has_a_formula():
    from automl_bridge.scoring_statistics import STATISTICS

    # The quantile loss needs the quantiles of a forecast, and is scored where they are (test_forecast_scores).
    assert set(STATISTICS) == set(METRICS) - {"wql"}


def test_importing_the_scorer_imports_no_sklearn():
    script = (
        "import sys, automl_bridge.scoring\n"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
