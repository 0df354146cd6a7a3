"""Numbers that come back in many rows: found, coded, read by networks that are told to."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from autokeras_bench import Fit

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge_autokeras.exact_values import ExactValues


@pytest.fixture(scope="module")
def numeric():
    rng = np.random.default_rng(0)
    shop = rng.choice(np.array([7, 12, 31, 40, 55, 90, 101, 230, 404, 512], np.float32), 1000)
    amount = rng.normal(size=1000).astype(np.float32)
    flag = rng.integers(0, 2, 1000).astype(np.float32)
    return np.column_stack([amount, shop, flag])


def test_values_that_come_back_are_told_from_measurements(numeric):
    found = ExactValues.fit(numeric)
    assert found.columns == (1,)
    assert found.cardinalities == (11,)


def test_each_value_has_its_code_and_others_have_none(numeric):
    found = ExactValues.fit(numeric)
    rows = np.array([[0, 7, 0], [0, 512, 0], [0, 8, 0], [0, np.nan, 0], [0, np.inf, 0], [0, 1e9, 0]], np.float32)
    assert found.codes(rows)[:, 0].tolist() == [1, 10, 0, 0, 0, 0]


def test_what_is_rare_has_no_code(numeric):
    rows = numeric.copy()
    rows[:3, 1] = 999
    found = ExactValues.fit(rows)
    assert not (found.values[0] == 999).any()  # noqa: PD011 - not a frame
    assert not found.codes(rows)[:3].any()


def test_they_survive_json(numeric):
    found = ExactValues.fit(numeric)
    again = ExactValues.from_json(json.loads(json.dumps(found.to_json())))
    assert again.columns == found.columns
    assert np.array_equal(again.codes(numeric), found.codes(numeric))


def test_a_table_without_any_has_no_codes():
    rng = np.random.default_rng(0)
    found = ExactValues.fit(rng.normal(size=(500, 3)).astype(np.float32))
    assert found.codes(np.zeros((4, 3), np.float32)).shape == (4, 0)


@pytest.fixture(scope="module")
def searched(bench):
    """Two short trials on a table whose classes follow from which shop it is."""
    rng = np.random.default_rng(2)
    good = rng.permutation(20) < 10
    shop = rng.integers(0, 20, 500)
    table = pd.DataFrame({"shop": shop * 37 + 100, "city": rng.choice(["Oslo", "Rome"], 500)})
    table["target"] = np.where(good[shop], "good", "bad")
    task, dataset = build_dataset(table, target="target")
    spec = bench.spec(dataset, task, "target", "roc_auc", budget=Budget(max_trials=2))
    return Fit(spec, dataset, bench.run(spec, dataset, epochs=8))


def test_a_search_tries_with_and_without_them(searched):
    read = {trial.id: "exact numbers" in trial.model for trial in searched.outcome.trials if trial.counts}
    assert read == {"0": False, "1": True}


@pytest.mark.filterwarnings("ignore")  # of TensorFlow, Keras and onnxruntime, about themselves
@pytest.mark.parametrize("beside", [True, False], ids=["beside categories", "alone"])
def test_a_network_may_read_them_or_not(beside, tmp_path):
    import keras_tuner

    from automl_bridge_autokeras.inputs_tabular import TableInputs, table_nodes

    rng = np.random.default_rng(1)
    table = pd.DataFrame({"shop": rng.integers(100, 130, 600) * 7, "size": rng.normal(size=600)})
    if beside:
        table["city"] = rng.choice(["Oslo", "Rome", "Bern"], 600)
    table["target"] = np.where(table["shop"] % 2 == 0, "even", "odd")
    _, dataset = build_dataset(table, target="target")
    features = dataset.features("train")
    inputs = TableInputs.fit(features, dataset.profile.features, 0, exact=True)
    assert inputs.exact.columns == (0,)
    arrays = inputs.transform(features)
    again = TableInputs.from_json(json.loads(json.dumps(inputs.to_json())))
    assert all(np.array_equal(one, other) for one, other in zip(arrays, again.transform(features), strict=True))

    linear = [array for array in inputs.linear(arrays) if array.dtype == np.int32]
    assert sum(array.shape[1] for array in linear) == beside

    seen = {}
    for reads in (False, True):
        nodes, trunk = table_nodes(arrays, inputs.levels, inputs.offsets.tolist(), 1)
        model = _built(nodes, trunk, arrays, keras_tuner, {"category_block/exact": reads})
        rows = [array[:50].copy() for array in arrays]
        before = model.predict(rows, verbose=0)
        np.testing.assert_allclose(_by_onnx(model, rows, tmp_path / "model.onnx"), before, atol=1e-5)
        rows[-1][:, -1] = inputs.offsets[-1] + 1
        seen[reads] = not np.allclose(before, model.predict(rows, verbose=0))
    assert seen == {False: False, True: True}


def _built(nodes, trunk, arrays, keras_tuner, values):
    from automl_bridge_autokeras.heads import BridgeGraph, ClassHead

    graph = BridgeGraph(inputs=nodes, outputs=ClassHead(2, name="probabilities")(trunk))
    for node, array in zip(nodes, arrays, strict=True):
        node.dtype, node.num_samples = str(array.dtype), len(array)
    graph.set_io_shapes(([np.array(array.shape) for array in arrays], [np.array((len(arrays[0]), 1))]))
    graph.set_fit_args(0, epochs=1)
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)  # noqa: PD011 - of Keras Tuner
    return graph.finish(graph.build(hp))


def _by_onnx(model, rows, path):
    onnxruntime = pytest.importorskip("onnxruntime")

    from automl_bridge_autokeras.onnx_export import write_onnx

    write_onnx(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = (node.name for node in session.get_inputs())
    return session.run(None, dict(zip(names, rows, strict=True)))[0]
