"""Trains one Keras model on arrays in memory: one compiled loop, stopped between any two batches.

``keras.Model.fit`` feeds batches through a data pipeline and returns to Python every few steps. Here the data is in
memory already, so whole runs of steps happen in one TensorFlow function that picks rows by index. How many steps a
call takes follows from their measured time, so that a limit is met within a fraction of a second. The arithmetic is
Keras' own: the model's loss, its optimizer, its layers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tensorflow as tf

from automl_bridge_autokeras.forward import Forward

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import NDArray

__all__ = ["Arrays", "Epoch", "EpochHook", "Fitted", "Judge", "Patience", "fit"]

_CALL_SECONDS = 0.2  # aim for one compiled call: short enough to stop in time, long enough to cost nothing


@dataclass(frozen=True)
class Arrays:
    """One part of the data as a model takes it: inputs in the model's order, target, and weights or None."""

    inputs: tuple[NDArray[Any], ...]
    target: NDArray[Any]
    weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


@dataclass(frozen=True)
class Patience:
    """Stop after ``epochs`` epochs in which the judge saw no improvement."""

    epochs: int


@dataclass(frozen=True)
class Epoch:
    """One epoch as it ended: number from 1, mean training loss, validation scores, whether it is the best so far."""

    number: int
    loss: float
    scores: dict[str, float]
    best: bool


class EpochHook(Protocol):
    """Called after each epoch with the model that predicts, its weights as they are now."""

    def __call__(self, epoch: Epoch, model: keras.Model) -> None:
        """Take note of it."""
        ...


@dataclass
class Fitted:
    """What came of it: the best epoch's scores (its weights are in the model), and how far it went."""

    scores: dict[str, float]
    best_epoch: int
    epochs: int
    stopped: bool
    history: list[Epoch] = field(default_factory=list)


@dataclass(frozen=True)
class Judge:
    """Scores validation outputs and says which of two scores is better.

    Parameters
    ----------
    evaluate
        From the outputs, shape (rows, outputs), to scores by name.
    better
        Whether the first scores beat the second: the best epoch's weights are kept.
    improved
        Whether the first scores are reason to go on after the second; None: as `better`. It may look at another
        score, as AutoKeras does, which keeps weights by its objective and stops by the loss.
    """

    evaluate: Callable[[NDArray[np.float64]], dict[str, float]]
    better: Callable[[dict[str, float], dict[str, float]], bool]
    improved: Callable[[dict[str, float], dict[str, float]], bool] | None = None


def fit(  # noqa: PLR0913 - what a training needs is no less
    model: keras.Model,
    finished: keras.Model,
    train: Arrays,
    validation: Arrays,
    judge: Judge,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
    patience: Patience | None = None,
    on_epoch: EpochHook | None = None,
) -> Fitted:
    """Train ``model`` (compiled) and leave its best epoch's weights in it.

    Parameters
    ----------
    model, finished
        The model that is trained, and the one that predicts with the same layers.
    train, validation
        Data to learn from, and to score by.
    judge
        How validation outputs are scored, and which score is better.
    batch_size, epochs
        Rows a step; epochs at most.
    seed
        Of the order of the rows.
    stop
        Asked between calls of a fraction of a second; True ends the training there. There is always one evaluation.
    patience
        When to stop early; None never.

    Raises
    ------
    FloatingPointError
        If the loss was not finite before any epoch could be scored.
    """
    run = _Run(model, finished, train, batch_size)
    forward = Forward(finished)
    order = np.random.default_rng(seed)
    fitted = Fitted({}, 0, 0, stopped=False)
    best_weights: list[NDArray[Any]] = []
    last_good: dict[str, float] = {}
    waited_from = 0
    for number in range(1, epochs + 1):
        loss, stopped = run.epoch(order.permutation(train.rows).astype(np.int32), stop)
        if stopped and best_weights:
            fitted.stopped = True
            break
        outputs = forward(validation.inputs)
        if not (np.isfinite(loss) and np.isfinite(outputs).all()):
            if not best_weights:
                raise FloatingPointError(f"the loss was {loss} in epoch {number}: the training diverged")
            break
        scores = judge.evaluate(outputs)
        best = not best_weights or judge.better(scores, fitted.scores)
        if not last_good or (judge.improved or judge.better)(scores, last_good):
            last_good, waited_from = scores, number
        if best:
            fitted.scores, fitted.best_epoch = scores, number
            best_weights = finished.get_weights()
        fitted.epochs, fitted.stopped = number, stopped
        entry = Epoch(number, loss, scores, best)
        fitted.history.append(entry)
        if on_epoch is not None:
            on_epoch(entry, finished)
        if stopped or (patience is not None and number - waited_from >= patience.epochs):
            break
    finished.set_weights(best_weights)
    return fitted


class _Run:
    """The compiled steps over one data set, and how many of them take `_CALL_SECONDS`."""

    def __init__(self, model: keras.Model, finished: keras.Model, train: Arrays, batch_size: int) -> None:
        self.steps_an_epoch = -(-train.rows // batch_size)
        self.rows = train.rows
        self.chunk = 1
        self.compiled = False
        self._steps = _compile_steps(model, train, batch_size)
        self.model, self.finished = model, finished

    def epoch(self, order: NDArray[np.int32], stop: Callable[[], bool]) -> tuple[float, bool]:
        """Train on all rows in ``order``; returns the mean loss and whether it was stopped on the way."""
        rows = tf.constant(order)
        total, done = 0.0, 0
        while done < self.steps_an_epoch:
            if done and stop():
                return total / done, True
            count = min(self.chunk, self.steps_an_epoch - done)
            started = time.perf_counter()
            total += float(self._steps(rows, tf.constant(done), tf.constant(done + count)))
            self._learn_speed(count, time.perf_counter() - started)
            done += count
        return total / done, stop()

    def _learn_speed(self, count: int, seconds: float) -> None:
        if not self.compiled:  # the first call also compiled
            self.compiled, self.chunk = True, 4
            return
        self.chunk = max(1, min(4 * self.chunk, int(count * _CALL_SECONDS / max(seconds, 1e-6))))


def _compile_steps(model: keras.Model, train: Arrays, batch_size: int) -> Callable[..., Any]:
    variables = model.trainable_variables
    optimizer = model.optimizer
    optimizer.build(variables)
    inputs = [tf.constant(array) for array in train.inputs]
    target = tf.constant(train.target)
    # Weights of mean 1 leave the loss, and so the learning rate, on the scale that it has without weights.
    weights = None if train.weights is None else tf.constant((train.weights / train.weights.mean()).astype(np.float32))

    def one(rows: Any) -> Any:
        batch = _packed([tf.gather(array, rows) for array in inputs])
        wanted = tf.gather(target, rows)
        weight = None if weights is None else tf.gather(weights, rows)
        with tf.GradientTape() as tape:
            outputs = model(batch, training=True)
            loss = model.compute_loss(x=batch, y=wanted, y_pred=outputs, sample_weight=weight)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def steps(order: Any, first: Any, last: Any) -> Any:
        def body(step: Any, total: Any) -> Any:
            return step + 1, total + one(order[step * batch_size : (step + 1) * batch_size])

        start = (first, tf.constant(0.0))
        return tf.while_loop(lambda step, _: step < last, body, start, parallel_iterations=1)[1]

    return steps  # type: ignore[no-any-return]


def _packed(tensors: list[Any]) -> Any:
    return tensors if len(tensors) > 1 else tensors[0]
