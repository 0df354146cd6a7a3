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
from automl_bridge_autokeras.judging import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import NDArray

    from automl_bridge_autokeras.callbacks import Callbacks
    from automl_bridge_autokeras.judging import Arrays, Judge, Patience

__all__ = ["Epoch", "EpochHook", "Fitted", "fit"]

_PROBES = 4  # compiled calls after which the speed is known well enough
_CALL_SECONDS = 0.2  # aim for one compiled call: short enough to stop in time, long enough to cost nothing


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
    cut: bool = False
    """Whether there was no time for what was planned."""
    history: list[Epoch] = field(default_factory=list)
    outputs: NDArray[np.float64] | None = None
    """The best epoch's outputs on the validation rows."""


def fit(  # noqa: C901, PLR0913 - one loop, and what a training needs is no less
    model: keras.Model,
    finished: keras.Model,
    train: Arrays,
    validation: Arrays,
    judge: Judge,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    pace: Pace | None = None,
    patience: Patience | None = None,
    on_epoch: EpochHook | None = None,
    callbacks: Callbacks | None = None,
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
    pace
        When to end, whatever is done by then; None never. There is always one evaluation.
    patience
        When to stop early; None never.
    on_epoch, callbacks
        Who hears of epochs.

    Raises
    ------
    FloatingPointError
        If the loss was not finite before any epoch could be scored.
    """
    pace = pace or Pace()
    run = _Run(model, train, batch_size, epochs, pace)
    forward = Forward(finished)
    order = np.random.default_rng(seed)
    fitted = Fitted({}, 0, 0, stopped=False)
    best_weights: list[NDArray[Any]] = []
    last_good: dict[str, float] = {}
    waited_from = 0
    while run.steps_left > 0:
        number = fitted.epochs + 1
        if callbacks is not None:
            callbacks.epoch_begins(number)
        loss, stopped = run.epoch(order.permutation(train.rows).astype(np.int32))
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
            fitted.scores, fitted.best_epoch, fitted.outputs = scores, number, outputs
            best_weights = finished.get_weights()
        fitted.epochs, fitted.stopped = number, stopped
        entry = Epoch(number, loss, scores, best)
        fitted.history.append(entry)
        if on_epoch is not None:
            on_epoch(entry, finished)
        enough = callbacks is not None and callbacks.epoch_ended(entry)
        if stopped or enough or (patience is not None and number - waited_from >= patience.epochs):
            break
        run.keep_pace()
    fitted.cut = fitted.stopped or run.cut
    finished.set_weights(best_weights)
    if callbacks is not None:
        callbacks.ended()
    return fitted


class _Run:
    """The compiled steps over one data set: how many are left, and how many take `_CALL_SECONDS`."""

    def __init__(self, model: keras.Model, train: Arrays, batch_size: int, epochs: int, pace: Pace) -> None:
        self.steps_an_epoch = -(-train.rows // batch_size)
        self.steps_left = self._planned = self.steps_an_epoch * epochs
        self.cut = False
        self._pace = pace
        self._began = time.monotonic()
        self._done = self._calls = 0
        self._chunk = 1
        self._step_seconds = 0.0
        self._first_epoch: tuple[float, int] | None = None
        self._steps = _compile_steps(model, train, batch_size)

    def epoch(self, order: NDArray[np.int32]) -> tuple[float, bool]:
        """Train on the rows in ``order``; returns the mean loss and whether it was stopped on the way."""
        rows = tf.constant(order)
        total, done = 0.0, 0
        while done < (wanted := min(self.steps_an_epoch, done + self.steps_left)):
            if done and self._pace.stop():
                return total / done, True
            count = min(self._chunk, wanted - done)
            started = time.perf_counter()
            total += float(self._steps(rows, tf.constant(done), tf.constant(done + count)))
            self._learn_speed(count, time.perf_counter() - started)
            done += count
            self._done += count
            self.steps_left -= count
            if self._calls == _PROBES and self._done < self.steps_an_epoch:
                self._afford(self._step_seconds)
        return total / done, self._pace.stop()

    def keep_pace(self) -> None:
        """Leave out the steps that there is no time for; called after an epoch and its scoring."""
        now = time.monotonic()
        if self._first_epoch is None:  # it also compiled, which says nothing of the next
            self._first_epoch = (now, self._done)
            self._afford(self._step_seconds)
        else:
            since, done = self._first_epoch
            self._afford((now - since) / max(1, self._done - done))

    def _afford(self, step_seconds: float) -> None:
        """Let the training, and with it the learning rate, end within the time that it may take."""
        if self._pace.seconds is None:
            return
        time_left = self._pace.seconds - (time.monotonic() - self._began)
        affordable = max(0, int(time_left / max(step_seconds, 1e-6)))
        if affordable < self.steps_left:
            # Whole epochs where there is time for one: what follows the last scoring is lost.
            whole = affordable - affordable % self.steps_an_epoch
            self.steps_left = whole or (affordable if self._done < self.steps_an_epoch else 0)
            self.cut = self.cut or self._done + self.steps_left < self._planned / 2
            self._pace.shorten(self._done + self.steps_left)

    def _learn_speed(self, count: int, seconds: float) -> None:
        self._calls += 1
        if self._calls == 1:  # it also compiled
            self._chunk = 4
            return
        self._step_seconds = seconds / count
        self._chunk = max(1, min(4 * self._chunk, int(_CALL_SECONDS / max(self._step_seconds, 1e-6))))


def _compile_steps(model: keras.Model, train: Arrays, batch_size: int) -> Callable[..., Any]:
    variables = model.trainable_variables
    optimizer = model.optimizer
    optimizer.build(variables)
    # Keras sums the gradients over the devices of a strategy; here is one, and the sum is what is summed. But in it
    # TensorFlow registers a gradient function, for good, that keeps all graphs of this trial: some MB.
    optimizer._all_reduce_sum_gradients = _one_device  # noqa: SLF001 - there is no public way past it
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


def _one_device(pairs: Any) -> Any:
    return pairs


def _packed(tensors: list[Any]) -> Any:
    return tensors if len(tensors) > 1 else tensors[0]
