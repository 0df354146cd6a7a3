"""An ensemble of the trials: chosen greedily on the validation rows, joined into one Keras model.

Caruana et al., "Ensemble selection from libraries of models", ICML 2004: begin with the best, add, with replacement,
whichever model makes the best average, and return to the best average on the way. It takes the trials' outputs on the
validation rows, which are kept, and no training.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge_autokeras.judging import Judge

__all__ = ["AGAIN", "MODEL", "MOST_NETWORKS", "OUTPUTS", "join", "select"]

MODEL, OUTPUTS = "model.keras", "outputs.npy"
"""What a finished trial leaves in its folder: its network, and its outputs on the validation rows."""
AGAIN = "again.keras"
"""The network of a trial that was trained again, on all rows."""

MOST_NETWORKS = 8
"""Different networks of an ensemble at most: each has to be loaded, and asked at every prediction."""
_ROUNDS = 20


def select(
    outputs: Mapping[str, NDArray[np.float64]], judge: Judge, *, go_on: Callable[[], bool] = lambda: True
) -> tuple[Counter[str], dict[str, float]]:
    """Choose among trials by their outputs on the validation rows.

    Parameters
    ----------
    outputs
        By trial, best first; each of shape (rows, outputs).
    judge
        Scores the average.
    go_on
        Asked between rounds; False ends the choice with what is chosen by then.

    Returns
    -------
    counts, scores
        How often each trial is in, and the scores of the average. With one trial alone nothing was better than it.
    """
    first = next(iter(outputs))
    now = Counter({first: 1})
    total, scores = outputs[first].copy(), judge.evaluate(outputs[first])
    best = now.copy(), scores
    for count in range(2, _ROUNDS + 1):
        if not go_on():
            break
        round_best: tuple[str, dict[str, float]] | None = None
        for trial, one in outputs.items():
            if trial not in now and len(now) == MOST_NETWORKS:
                continue
            tried = judge.evaluate((total + one) / count)
            if round_best is None or judge.better(tried, round_best[1]):
                round_best = trial, tried
        assert round_best is not None
        now[round_best[0]] += 1
        total = total + outputs[round_best[0]]
        if judge.better(round_best[1], best[1]):
            best = now.copy(), round_best[1]
    return best


def join(files: Mapping[Path, int]) -> Any:
    """Return one Keras model that averages the models in ``files``, each as often as it says. Loads TensorFlow."""
    import keras
    from keras import layers

    from automl_bridge_autokeras.model_io import open_keras

    models = [open_keras(file) for file in files]
    inputs = [keras.Input(node.shape[1:], dtype=node.dtype, name=node.name) for node in models[0].inputs]
    total = sum(files.values())
    parts = []
    for number, (model, count) in enumerate(zip(models, files.values(), strict=True)):
        model.name = f"network_{number}"  # networks of different trials may have the same
        parts.append(layers.Rescaling(count / total)(model(inputs if len(inputs) > 1 else inputs[0])))
    return keras.Model(inputs, layers.Add(name="average")(parts), name="ensemble")
