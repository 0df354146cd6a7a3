"""What a run keeps: its model in a folder of its own, and whether a sandbox ran it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.datasets import load_iris

from automl_bridge import Estimator
from automl_bridge.bundle import read_bundle
from automl_bridge.config import load_config
from automl_bridge.registry import load_class
from automl_bridge.session import Session


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


def test_the_model_is_the_run_s_own_whatever_the_backend_clears_away(iris, home):
    X, y = iris
    run = Estimator(backend="baseline", random_state=0).fit(X, y).run_
    assert run.bundle_path == home / "runs" / run.id / "bundle"
    shutil.rmtree(home / "work")
    assert read_bundle(run.bundle_path).run == run.id
    with Session(load_config()) as session:
        outputs = session.predict(run.id, X).outputs
    assert np.mean(outputs.argmax(axis=1) == y) > 0.9


@pytest.mark.parametrize(("variable", "said"), [("", False), ("gcp", False), ("aws", True), ("gcp,aws", True)])
def test_a_run_says_when_a_sandbox_stood_in_for_its_service(iris, monkeypatch, variable, said):
    monkeypatch.setattr(load_class("baseline"), "provider", "aws")
    monkeypatch.setenv("AUTOML_BRIDGE_SANDBOX", variable)
    assert Estimator(backend="baseline", random_state=0).fit(*iris).run_.sandbox is said
