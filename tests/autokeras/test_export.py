"""Networks in the formats of others, checked to answer alike; and why not, where they cannot be."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl_bridge.errors import UnknownNameError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow, Keras and onnxruntime, about themselves


@pytest.fixture(scope="module")
def convert():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from automl_bridge_autokeras.convert import convert
    return convert


def bundle_of(fit) -> Path:
    return Path(fit.outcome.model.uri)


def arrays(fit, part="holdout"):
    from automl_bridge_autokeras.model_io import LoadedModel

    return LoadedModel(bundle_of(fit)).inputs.transform(fit.dataset.features(part))


def test_keras_opens_what_it_is_given(convert, bench, fitted, tmp_path):
    said = convert(bundle_of(fitted), tmp_path, "keras")
    import keras

    model = keras.models.load_model(tmp_path / "model.keras")
    outputs = np.asarray(model(list(arrays(fitted))))
    np.testing.assert_allclose(outputs, bench.predict(fitted.outcome, fitted.dataset.features("holdout")), atol=1e-5)
    written = json.loads((tmp_path / "network.json").read_text())
    assert written == said
    assert written["classes"] == list(fitted.dataset.profile.classes)
    assert [each["name"] for each in written["inputs"]] == ["ranks", "flat", "codes"]


def test_onnx_runs_it_on_real_rows(convert, bench, fitted, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    convert(bundle_of(fitted), tmp_path, "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    given = dict(zip((node.name for node in session.get_inputs()), arrays(fitted), strict=True))
    (outputs,) = session.run(None, given)
    np.testing.assert_allclose(outputs, bench.predict(fitted.outcome, fitted.dataset.features("holdout")), atol=1e-4)


@pytest.fixture(scope="module")
def priced(bench):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    return bench.fit(pd.DataFrame({"x": x, "price": 250 + 40 * x}), "price", "rmse", epochs=10)


def test_a_saved_model_answers_in_the_targets_own_unit(convert, bench, priced, tmp_path):
    import tensorflow as tf

    convert(bundle_of(priced), tmp_path, "savedmodel")
    served = tf.saved_model.load(str(tmp_path / "saved_model"))
    outputs = served.serve([tf.constant(array) for array in arrays(priced)]).numpy()
    np.testing.assert_allclose(outputs, bench.predict(priced.outcome, priced.dataset.features("holdout")), rtol=1e-3)
    assert outputs.mean() > 150


@pytest.mark.slow
def test_what_single_precision_cannot_hold_is_not_exported(convert, bench, tmp_path):
    x = np.random.default_rng(0).normal(size=200)
    fit = bench.fit(pd.DataFrame({"x": x, "y": 1e9 + x}), "y", "rmse", epochs=2)
    with pytest.raises(UnsupportedError, match="single precision"):
        convert(bundle_of(fit), tmp_path, "keras")


@pytest.mark.slow
def test_a_layer_that_onnx_has_no_word_for_is_named(convert, bench, mixed, tmp_path):
    pytest.importorskip("onnxruntime")
    fit = bench.fit(
        mixed, "outcome", "roc_auc", epochs=1, search_space="autokeras_spaces:with_a_gru", objective="val_loss"
    )
    with pytest.raises(UnsupportedError, match="Bidirectional"):
        convert(bundle_of(fit), tmp_path / "onnx", "onnx")
    convert(bundle_of(fit), tmp_path / "keras", "keras")


def test_a_format_that_there_is_not(bench, fitted, tmp_path):
    with pytest.raises(UnknownNameError, match="pmml"):
        bench.backend().convert(fitted.outcome.model, tmp_path / "out", "pmml")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "savedmodel", "onnx"])
def test_networks_for_mixed_columns_and_ensembles_too(convert, bench, form, tmp_path):
    """The kinds of layers that tables alone do not have: convolutions, embedded terms, networks within a network."""
    from test_media import goods

    pytest.importorskip("onnxruntime")
    from automl_bridge.budget import Budget
    from automl_bridge.data.build import build_dataset

    table = goods(120).drop(columns=["price", "weight"])
    task, dataset = build_dataset(table, target="sold", task="multimodal-classification")
    spec = bench.spec(dataset, task, "sold", "roc_auc", name=f"mixed-{form}", budget=Budget(max_trials=3))
    outcome = bench.run(spec, dataset, epochs=4, ensemble=True)
    assert outcome.state.value == "succeeded", outcome.failure
    convert(Path(outcome.model.uri), tmp_path, form)


@pytest.mark.slow
def test_the_adapter_converts_in_a_process_of_its_own(bench, fitted, tmp_path):
    pytest.importorskip("onnxruntime")
    path = bench.backend().convert(fitted.outcome.model, tmp_path / "out", "onnx")
    assert {file.name for file in path.iterdir()} == {"model.onnx", "network.json", "inputs.json"}
    x = np.random.default_rng(0).normal(size=200)
    fit = bench.fit(pd.DataFrame({"x": x, "y": 1e9 + x}), "y", "rmse", epochs=2)
    with pytest.raises(UnsupportedError, match="single precision"):
        bench.backend().convert(fit.outcome.model, tmp_path / "not", "keras")
