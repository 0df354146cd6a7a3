"""Canaries: what stock AutoKeras still gets wrong, and so why our overrides are there.

A failure here says that AutoKeras or Keras changed: look whether the override can go.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow, Keras and Keras Tuner, about themselves


@pytest.fixture(scope="module", autouse=True)
def _tensorflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import autokeras  # noqa: F401


def keras_version() -> tuple[int, ...]:
    import keras

    return tuple(int(part) for part in keras.version().split(".")[:2])


def stock_classifier(folder, **options):
    import autokeras as ak

    return ak.StructuredDataClassifier(max_trials=1, directory=folder, seed=7, **options)


def sound_classifier(folder, kind=None, **options):
    """Stock's space and stock's tuner over our graph: the override alone."""
    from autokeras.tuners.task_specific import StructuredDataClassifierTuner

    import autokeras as ak
    from automl_bridge_autokeras.compat import SoundModel

    inputs = ak.StructuredDataInput()
    head = ak.ClassificationHead()
    output = head(ak.StructuredDataBlock()(inputs))
    tuner = kind or StructuredDataClassifierTuner
    return SoundModel(inputs, output, tuner=tuner, max_trials=1, directory=folder, seed=7, **options)


X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def test_stock_passes_numpy_integers_to_keras(tmp_path):
    if keras_version() < (3, 13):
        pytest.skip("Keras 3.12 takes NumPy integers")
    with pytest.raises(ValueError, match="invalid value for `units`"):
        stock_classifier(tmp_path).fit(X, Y, epochs=1, verbose=0)


def test_our_graph_passes_plain_integers(tmp_path):
    model = sound_classifier(tmp_path)
    model.fit(X, Y, epochs=1, verbose=0)
    assert [trial.status for trial in model.tuner.oracle.trials.values()] == ["COMPLETED"]
    graph = model.tuner.hypermodel
    assert all(type(size) is int for node in graph.inputs for size in node.shape)
    assert graph.batch_size == graph.fit_batch_size == 32


def test_the_overrides_still_override_something():
    from autokeras.auto_model import AutoModel

    from autokeras import graph as graph_module

    assert callable(graph_module.Graph.set_io_shapes)
    assert isinstance(graph_module.Graph.batch_size, property)
    assert callable(AutoModel._build_graph)


def test_what_our_tuner_builds_on_is_there():
    import keras_tuner
    from autokeras.engine.tuner import AutoTuner
    from keras_tuner.engine import base_tuner, trial

    for owner, names in {
        AutoTuner: ("_prepare_model_build", "final_fit", "search", "get_trial_dir"),
        base_tuner.BaseTuner: ("search", "pre_create_trial", "on_trial_end", "run_trial", "_try_run_and_update_trial"),
        keras_tuner.Oracle: ("populate_space", "create_trial", "end_trial", "reload", "save"),
        trial.TrialStatus: ("COMPLETED", "FAILED", "RUNNING", "INVALID"),
    }.items():
        assert not [name for name in names if not hasattr(owner, name)]
    oracle = keras_tuner.Oracle(objective="val_loss")
    for name in ("_seed_state", "max_consecutive_failed_trials", "_retry_queue", "trials", "ongoing_trials"):
        assert hasattr(oracle, name)
