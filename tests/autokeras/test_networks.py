"""The networks themselves, in this process: what the blocks build, how they are trained, what stock does instead."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow, Keras and Keras Tuner, about themselves


@pytest.fixture(scope="module", autouse=True)
def _tensorflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import autokeras  # noqa: F401


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    ranks = rng.normal(size=(300, 4)).astype(np.float32)
    flat = np.concatenate([ranks, rng.random((300, 1)) < 0.1], axis=1).astype(np.float32)
    codes = rng.integers(1, 4, (300, 2)).astype(np.int32) + np.array([0, 4], np.int32)
    return ranks, flat, codes


def build(arrays, values=None, *, classes=3, epochs=5):
    """Return the model that is trained, the one that predicts, and their graph."""
    import keras
    import keras_tuner

    from automl_bridge_autokeras.heads import BridgeGraph, ClassHead
    from automl_bridge_autokeras.inputs_tabular import table_nodes

    keras.utils.set_random_seed(0)
    nodes, trunk = table_nodes(arrays, 8, [0, 4])
    graph = BridgeGraph(inputs=nodes, outputs=ClassHead(classes, name="probabilities")(trunk))
    for node, array in zip(nodes, arrays, strict=True):
        node.dtype, node.num_samples = str(array.dtype), len(array)
    graph.set_io_shapes(([np.array(array.shape) for array in arrays], [np.array((300, 1))]))
    graph.fixed_epochs = epochs
    graph.set_fit_args(0, epochs=epochs)
    hp = keras_tuner.HyperParameters()
    hp.values.update(values or {})
    model = graph.build(hp)
    return model, graph.finish(model), graph


def train(arrays, target, model, finished, **changes):
    from automl_bridge_autokeras.judging import Arrays, Judge
    from automl_bridge_autokeras.training import fit

    def evaluate(outputs):
        picked = outputs[np.arange(len(target)), target[:, 0]]
        return {"loss": float(-np.log(np.clip(picked, 1e-9, None)).mean())}

    better = lambda left, right: left["loss"] < right["loss"]  # noqa: E731 - the judge's own shape
    judge = Judge(evaluate, better, changes.pop("improved", None))
    part = Arrays(arrays, target, changes.pop("weights", None))
    options = {"batch_size": 32, "epochs": 5, "seed": 0, **changes}
    return fit(model, finished, part, Arrays(arrays, target), judge, **options)


@pytest.mark.parametrize(
    ("encoding", "kind", "members"), [("piecewise", "dense", 8), ("periodic", "residual", 4), ("plain", "dense", 1)]
)
def test_every_kind_of_network_learns(arrays, encoding, kind, members):
    target = (arrays[0][:, :1] > 0).astype(np.int32) + (arrays[2][:, :1] == 2)
    values = {
        "number_block/encoding": encoding,
        "trunk_block/kind": kind,
        "trunk_block/members": members,
        "trunk_block/units": 32,
    }
    model, finished, _ = build(arrays, values, epochs=20)
    fitted = train(arrays, target, model, finished, epochs=20)
    assert fitted.scores["loss"] < fitted.history[0].scores["loss"]
    assert fitted.scores["loss"] < 0.9


def test_the_best_epochs_weights_are_kept(arrays):
    from automl_bridge_autokeras.forward import Forward

    target = np.random.default_rng(1).integers(0, 3, (300, 1)).astype(np.int32)
    model, finished, _ = build(arrays)
    fitted = train(arrays, target, model, finished)
    outputs = Forward(finished)(arrays)
    loss = -np.log(outputs[np.arange(300), target[:, 0]]).mean()
    assert fitted.scores["loss"] == min(epoch.scores["loss"] for epoch in fitted.history)
    assert loss == pytest.approx(fitted.scores["loss"], abs=1e-6)


def test_an_unseen_category_adds_nothing(arrays):
    target = (arrays[2][:, :1] == 2).astype(np.int32)
    model, finished, _ = build(arrays, classes=2)
    train(arrays, target, model, finished)
    (table,) = finished.get_layer("levels").get_weights()
    assert (table[[0, 4]] == 0).all()
    assert np.abs(table[[1, 2, 3, 5, 6, 7]]).min() > 0


def test_the_same_seed_trains_the_same_network(arrays):
    target = (arrays[0][:, :1] > 0).astype(np.int32)
    weights = []
    for _ in range(2):
        model, finished, _ = build(arrays)
        train(arrays, target, model, finished, epochs=2)
        weights.append(finished.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_learning_rate_ends_with_the_last_step_and_not_before(arrays):
    _, _, graph = build(arrays, epochs=5)
    steps = 5 * -(-300 // graph.fit_batch_size)
    rates = [float(graph.schedule(step)) for step in range(steps + 1)]
    assert max(rates) == pytest.approx(2e-3, rel=0.02)
    assert min(rates[:-1]) > 0
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    graph.schedule.shorten(steps // 2)
    assert float(graph.schedule(steps // 2)) == pytest.approx(0, abs=1e-9)


def test_stocks_learning_rate_is_zero_after_one_epoch(tmp_path):
    """The reason for the test above: AutoKeras takes all rows for one batch."""
    import keras_tuner

    import autokeras as ak

    inputs, head = ak.StructuredDataInput(), ak.ClassificationHead()
    model = ak.AutoModel(
        inputs, head(ak.StructuredDataBlock()(inputs)), max_trials=1, overwrite=True, directory=tmp_path
    )
    x, y = np.zeros((640, 2), np.float32), np.arange(640) % 2
    model._analyze_data((x, y))
    graph = model.tuner.hypermodel
    assert graph.batch_size == 640
    graph.set_io_shapes(([np.array(x.shape)], [np.array((640, 1))]))
    inputs.shape, head.shape = (2,), (1,)  # plain integers, which Keras wants
    graph.set_fit_args(0, epochs=15)
    hp = keras_tuner.HyperParameters()
    hp.values.update({"optimizer": "adam_weight_decay", "learning_rate": 1e-3})
    schedule = graph.build(hp).optimizer._learning_rate
    assert float(schedule(640 // 32)) == 0.0


def test_a_training_stops_when_it_is_told(arrays):
    from automl_bridge_autokeras.judging import Pace

    target = (arrays[0][:, :1] > 0).astype(np.int32)
    model, finished, _ = build(arrays)
    asked = []
    fitted = train(
        arrays, target, model, finished, epochs=10_000, pace=Pace(lambda: len(asked) > 50 or asked.append(0))
    )
    assert fitted.stopped
    assert fitted.scores


def test_even_a_training_without_time_is_scored(arrays):
    from automl_bridge_autokeras.judging import Pace

    target = (arrays[0][:, :1] > 0).astype(np.int32)
    model, finished, _ = build(arrays)
    fitted = train(arrays, target, model, finished, pace=Pace(lambda: True))
    assert (fitted.epochs, fitted.stopped) == (1, True)
    assert np.isfinite(fitted.scores["loss"])


def test_a_training_keeps_to_its_time_and_its_rate_ends_there(arrays):
    from automl_bridge_autokeras.judging import Pace

    target = (arrays[0][:, :1] > 0).astype(np.int32)
    model, finished, graph = build(arrays, epochs=100_000)
    shortened = []

    def shorten(steps):
        shortened.append(steps)
        graph.schedule.shorten(steps)

    started = time.monotonic()
    fitted = train(arrays, target, model, finished, epochs=100_000, pace=Pace(seconds=4.0, shorten=shorten))
    assert time.monotonic() - started < 8
    assert shortened
    assert int(model.optimizer.iterations.numpy()) <= shortened[0]
    assert float(graph.schedule(int(model.optimizer.iterations.numpy()))) < 2e-4
    assert not fitted.stopped


def test_a_training_that_diverges_says_so(arrays):
    target = (arrays[0][:, :1] > 0).astype(np.int32)
    broken = (arrays[0] * np.float32(np.nan), *arrays[1:])
    model, finished, _ = build(broken)
    with pytest.raises(FloatingPointError, match="diverged"):
        train(broken, target, model, finished)


def test_patience(arrays):
    from automl_bridge_autokeras.judging import Patience

    target = (arrays[0][:, :1] > 0).astype(np.int32)
    model, finished, _ = build(arrays)
    fitted = train(arrays, target, model, finished, patience=Patience(2), improved=lambda _left, _right: False)
    assert fitted.epochs == 3  # the first is always an improvement


def test_blocks_are_autokeras_own_kind():
    """They are rebuilt from their configuration, as AutoKeras does when it saves a graph."""
    from autokeras import blocks as autokeras_blocks
    from automl_bridge_autokeras.blocks import CategoryBlock

    block = CategoryBlock(5, [0, 3], name="c")
    again = autokeras_blocks.deserialize(
        autokeras_blocks.serialize(block), custom_objects={"automl_bridge>CategoryBlock": CategoryBlock}
    )
    assert again.get_config() == block.get_config()
