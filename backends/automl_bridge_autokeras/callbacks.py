"""Keras callbacks of the user's, called by our training loop as ``keras.Model.fit`` would call them.

They hear of the beginning and the end of a training and of its epochs. They do not hear of batches: whole runs of
steps happen in one compiled call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from automl_bridge.errors import UsageError
from automl_bridge_autokeras.references import load, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_autokeras.references import Reference
    from automl_bridge_autokeras.training import Epoch

__all__ = ["Callbacks", "load_callbacks"]


def load_callbacks(references: Sequence[Reference], digests: Sequence[str]) -> list[Any]:
    """Return what makes the callbacks: classes, or functions that return one.

    Raises
    ------
    UsageError
        If one cannot be loaded, or makes something else.
    """
    makers = [load(each, digest) for each, digest in zip(references, digests, strict=True)]
    for given, maker in zip(references, makers, strict=True):
        if not isinstance(made := maker(), keras.callbacks.Callback):
            raise UsageError(
                f"{words(given)} made a {type(made).__name__}, which is no Keras callback",
                hint="name a subclass of keras.callbacks.Callback, or a function that returns one",
            )
    return makers


class Callbacks:
    """The callbacks of one training.

    Parameters
    ----------
    makers
        Called without arguments: each training gets callbacks of its own.
    model
        The compiled model that they see as ``self.model``.
    epochs
        Planned at most.
    """

    def __init__(self, makers: Sequence[Any], model: keras.Model, epochs: int) -> None:
        self._model = model
        model.stop_training = False
        self._list = keras.callbacks.CallbackList([make() for make in makers], model=model, epochs=epochs, verbose=0)
        self._list.on_train_begin()

    def epoch_begins(self, number: int) -> None:
        """Tell of an epoch, numbered from 1; Keras counts from 0."""
        self._list.on_epoch_begin(number - 1)

    def epoch_ended(self, epoch: Epoch) -> bool:
        """Tell of an epoch's loss and scores; returns whether a callback wants to stop."""
        logs = {name if name.startswith("val_") else f"val_{name}": value for name, value in epoch.scores.items()}
        self._list.on_epoch_end(epoch.number - 1, {"loss": epoch.loss, **logs})
        return bool(self._model.stop_training)

    def ended(self) -> None:
        """Tell of the end."""
        self._list.on_train_end()
