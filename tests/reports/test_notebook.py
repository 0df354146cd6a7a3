"""What a notebook shows for the objects that people hold."""

from __future__ import annotations

from automl_bridge.estimator import Estimator
from automl_bridge.leaderboard import Leaderboard
from automl_bridge.reports.notebook import leaderboard_html, run_html


def test_a_run_shows_what_its_report_says(finished, baseline):
    html = run_html(finished, baseline=baseline)
    assert "autokeras 0.824 [0.793, 0.853]" in html
    assert "baseline 0.818" in html


def test_a_leaderboard_shows_its_trials_in_order_with_failed_ones_last(finished):
    trials = finished.outcome.trials
    html = leaderboard_html((trials[2], trials[1], trials[0]), "val_auc")
    assert html.index("dense 1×32") < html.index("dense 2×128") < html.index("dense 4×1024")
    assert "val_auc" in html


def test_the_public_objects_have_it(finished):
    assert Leaderboard.of(finished)._repr_html_() == leaderboard_html(finished.outcome.trials, "auc")
    estimator = Estimator()
    estimator.run_ = finished
    assert estimator._repr_html_() == run_html(finished)


def test_an_estimator_that_is_not_fitted_shows_what_scikit_learn_shows():
    assert "Estimator" in Estimator()._repr_html_()
