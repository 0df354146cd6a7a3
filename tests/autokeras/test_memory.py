"""What a search keeps in memory, and how it ends where that is limited."""

from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest
from autokeras_bench import Bench
from sklearn.datasets import load_digits

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset

TRIALS = 12
FIRST = 3  # by then libraries and data are loaded, and allocators have what they need


@pytest.fixture
def own(tmp_path):
    bench = Bench(tmp_path / "work", {"epochs": 2})
    yield bench
    bench.backend()._queue().kill()


def digits(rows: int, size: int = 1):
    x, y = load_digits(return_X_y=True)
    pixels = (x[:rows].reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    return pixels.repeat(size, axis=1).repeat(size, axis=2), y[:rows]


def picture_job(own: Bench, trials: int, size: int = 1):
    pixels, labels = digits(300, size)
    task, dataset = build_dataset(pixels, y=labels, task="image-classification")
    return own.spec(dataset, task, "target", "log_loss", budget=Budget(max_trials=trials)), dataset


@pytest.mark.filterwarnings("ignore")  # of TensorFlow and Keras, about themselves
def test_nothing_of_a_training_is_left():
    """Its graphs would be some MB a trial, for as long as the process lives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
        from tensorflow.python.framework.func_graph import FuncGraph

        from automl_bridge_autokeras import judging, training

    rng = np.random.default_rng(0)
    arrays = judging.Arrays((rng.normal(size=(64, 3)).astype(np.float32),), rng.normal(size=(64, 1)))
    judge = judging.Judge(lambda outputs: {"mean": float(outputs.mean())}, better=lambda _left, _right: False)

    def train() -> int:
        inputs = keras.Input((3,))
        model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        model.compile(keras.optimizers.AdamW(), "mse")
        training.fit(model, model, arrays, arrays, judge, batch_size=16, epochs=1, seed=0)
        return sum(isinstance(each, FuncGraph) for each in gc.get_objects())

    gc.collect()
    before = sum(isinstance(each, FuncGraph) for each in gc.get_objects())
    assert train() > before  # they are seen where there are any
    gc.collect()
    assert sum(isinstance(each, FuncGraph) for each in gc.get_objects()) == before


def one_network():
    """Build a search space whose networks are all of one size: only what is left over can make memory grow."""
    import autokeras as ak

    image = ak.ImageInput()
    block = ak.ConvBlock(
        kernel_size=3, num_blocks=1, num_layers=1, filters=8, max_pooling=True, separable=False, dropout=0.0
    )
    return image, ak.ClassificationHead()(block(image))


@pytest.mark.slow
def test_memory_does_not_grow_over_pictures(own):
    import psutil

    spec, dataset = picture_job(own, TRIALS, size=2)
    backend, _, job = own.start(spec, dataset, search_space=f"{__file__}:one_network", ensemble=False)
    peaks = [0] * (TRIALS + 1)
    worker: list[psutil.Process] = []
    while not (progress := backend.poll([job])[job]).state.is_final:
        if not worker:
            worker += [each for each in psutil.process_iter(["cmdline"]) if is_worker(each, str(own.workspace))]
        elif worker[0].is_running():
            number = min(len(progress.trials), TRIALS)
            peaks[number] = max(peaks[number], worker[0].memory_info().rss)
    assert backend.collect(job).state is JobState.SUCCEEDED
    assert peaks[TRIALS - 1] < 1.05 * peaks[FIRST - 1]


def is_worker(process, workspace: str) -> bool:
    words = process.info["cmdline"] or []
    return "automl_bridge.local.worker" in words and any(workspace in word for word in words)


@pytest.mark.slow
def test_a_memory_limit_ends_a_search_over_pictures_in_words(own):
    spec, dataset = picture_job(own, 2)
    outcome = own.run(spec, dataset, max_memory="300MB")
    assert outcome.stopped_by == "memory"
    if outcome.model is None:
        assert outcome.failure.kind == "out-of-memory"
        assert "max_memory" in outcome.failure.message
    else:
        assert any("max_memory" in note for note in outcome.notes)
