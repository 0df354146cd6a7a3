"""Inputs and heads for arrays that are encoded already, and the graph that joins them."""

from __future__ import annotations

from typing import Any

import keras
import tree
from autokeras.engine import head as head_module
from keras import layers, ops

import autokeras as ak
from autokeras import adapters, analysers
from automl_bridge_autokeras.compat import SoundGraph, SoundModel
from automl_bridge_autokeras.schedule import AnnealedRate

__all__ = ["USUAL_STEPS", "ArrayInput", "BridgeGraph", "BridgeModel", "ClassHead", "ValueHead", "usual_epochs"]

USUAL_STEPS = 1200
"""Steps in which networks for tables and pictures usually have learned what they can."""


class ArrayInput(ak.Input):  # type: ignore[misc]
    """An input that is fed as it is: without AutoKeras' cast layer, which plain Keras could not load."""

    def build_node(self, hp: Any) -> Any:  # noqa: ARG002 - AutoKeras' signature
        """Return an input of its own name, by which whoever opens the model finds it."""
        return keras.Input(shape=self.shape, dtype=self.dtype, name=self.name)

    def build(self, hp: Any, inputs: Any = None) -> Any:  # noqa: ARG002 - AutoKeras' signature
        """Return the input itself."""
        return tree.flatten(inputs)[0]


class _Head(head_module.Head):  # type: ignore[misc]
    """A head over (rows, members, units): one output layer a member, trained side by side, averaged to predict."""

    def __init__(self, outputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outputs_a_row = outputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {"outputs": self.outputs_a_row, "name": config["name"]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> _Head:
        return cls(**config)

    def build(self, hp: Any, inputs: Any = None) -> Any:  # noqa: ARG002 - AutoKeras' signature
        node = tree.flatten(inputs)[0]
        members = int(node.shape[1])
        shape = (members, self.outputs_a_row)
        return layers.EinsumDense("bki,kio->bko", output_shape=shape, bias_axes="ko", name=f"{self.name}_members")(node)

    def finish(self, members: Any) -> Any:
        """Average the members' raw outputs, shape (rows, members, outputs), into what is predicted."""
        return layers.GlobalAveragePooling1D(name=self.name)(members)

    def get_adapter(self) -> Any:
        return adapters.RegressionAdapter(name=self.name)

    def get_analyser(self) -> Any:
        return analysers.InputAnalyser()

    def get_hyper_preprocessors(self) -> list[Any]:
        return []


class ClassHead(_Head):
    """Probabilities of ``outputs`` classes; the target is the class's code, shape (rows, 1)."""

    def __init__(self, outputs: int, **kwargs: Any) -> None:
        super().__init__(outputs, loss=MembersCrossEntropy(), **kwargs)

    def finish(self, members: Any) -> Any:
        """Average the members' probabilities."""
        return super().finish(layers.Softmax()(members))


class ValueHead(_Head):
    """``outputs`` standardised values; ``error`` is ``squared`` or ``absolute``."""

    def __init__(self, outputs: int, error: str = "squared", **kwargs: Any) -> None:
        super().__init__(outputs, loss=MembersError(error), **kwargs)
        self.error = error

    def get_config(self) -> dict[str, Any]:
        """Return what the head is rebuilt from."""
        return {**super().get_config(), "error": self.error}


class MembersCrossEntropy(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of each member's logits, averaged over the members: each learns for itself."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return a loss a row; shapes (rows, 1) and (rows, members, classes)."""
        codes = ops.one_hot(ops.cast(y_true[:, 0], "int32"), y_pred.shape[-1])
        per_class = -ops.expand_dims(codes, 1) * ops.log_softmax(y_pred, axis=-1)
        return ops.mean(ops.sum(per_class, axis=-1), axis=-1)


class MembersError(keras.losses.Loss):  # type: ignore[misc]
    """Squared or absolute error of each member, averaged over members and targets."""

    def __init__(self, error: str = "squared", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return a loss a row; shapes (rows, targets) and (rows, members, targets)."""
        difference = y_pred - ops.expand_dims(ops.cast(y_true, y_pred.dtype), 1)
        error = ops.square(difference) if self.error == "squared" else ops.abs(difference)
        return ops.mean(error, axis=(-2, -1))


class BridgeGraph(SoundGraph):
    """A graph whose models are trained by AdamW with a learning rate that really reaches its end with the last epoch.

    Hyperparameters: ``batch_size``, ``epochs`` (unless fixed), ``learning_rate``, ``weight_decay``.
    """

    fixed_epochs: int | None = None
    """Epochs, where the user set them."""
    usual_steps = USUAL_STEPS
    """Steps of a training as it usually is; set by the search before models are built."""
    trial_epochs = 1
    """Epochs of the model that was built last."""
    schedule: AnnealedRate
    """Learning rate of the model that was built last."""

    def _compile_keras_model(self, hp: Any, model: keras.Model) -> keras.Model:
        sizes, default = _batch_sizes(self.num_samples)
        self.fit_batch_size = hp.Choice("batch_size", sizes, default=default)
        steps_an_epoch = -(-int(self.num_samples) // self.fit_batch_size)
        usual = usual_epochs(int(self.num_samples), self.usual_steps)
        epochs = self.fixed_epochs or hp.Choice("epochs", [usual // 2, usual, usual * 2], default=usual)
        # Hyperband sets the epochs itself, fewer in its first rounds.
        self.trial_epochs = hp.values.get("tuner/epochs", epochs)
        rate = hp.Choice("learning_rate", [5e-4, 1e-3, 2e-3, 4e-3], default=2e-3)
        decay = hp.Choice("weight_decay", [0.0, 1e-2, 1e-1], default=1e-2)
        self.schedule = AnnealedRate(rate, steps_an_epoch * self.trial_epochs)
        optimizer = keras.optimizers.AdamW(learning_rate=self.schedule, weight_decay=decay)
        model.compile(optimizer=optimizer, loss=self._get_loss())
        return model

    def _get_loss(self) -> Any:
        losses = [node.in_blocks[0].loss for node in self.outputs]
        return losses[0] if len(losses) == 1 else losses

    def finish(self, model: keras.Model) -> keras.Model:
        """Return the model that predicts: ``model`` with its members averaged."""
        heads = [node.in_blocks[0] for node in self.outputs]
        nodes = tree.flatten(model.outputs)
        finished = [
            head.finish(node) if isinstance(head, _Head) else node for head, node in zip(heads, nodes, strict=True)
        ]
        return keras.Model(model.inputs, finished if len(finished) > 1 else finished[0])


def usual_epochs(rows: int, steps: int = USUAL_STEPS) -> int:
    """Return the epochs that take about ``steps`` steps of the usual size, from 12 to 200."""
    return min(200, max(12, steps * _batch_sizes(rows)[1] // max(1, rows)))


def _batch_sizes(rows: float) -> tuple[list[int], int]:
    """Return the batch sizes to choose from, and the default: about 50 steps an epoch, from 32 to 1,024 rows."""
    default = 32
    while default < 1024 and default * 50 < rows:
        default *= 2
    return [max(16, default // 2), default, default * 2], default


class BridgeModel(SoundModel):
    """AutoKeras' AutoModel over a `BridgeGraph`."""

    graph_class = BridgeGraph
