"""The search space for pictures and texts, as AutoKeras blocks: small networks that a few cores can train.

As in `blocks`, everything is built of Keras' standard layers, so that a saved model opens in plain Keras.

* Pictures: small convolutional networks, plain or residual, whose size follows the pictures'; no network is as large
  as those made for ImageNet. Augmentation (shifts, mirror images) is a choice, and not the usual one.
* Texts: a weighted bag of embedded terms (fastText; Joulin et al., EACL 2017, arXiv:1607.01759, here with TF-IDF
  weights), a convolution over words (Kim, EMNLP 2014, arXiv:1408.5882), or both.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tree
from autokeras.engine import block as block_module
from keras import layers

__all__ = ["ConvNetBlock", "TermsBlock", "augments_help"]

_SMALL_PIXELS = 32 * 32  # pictures up to this size get wider networks: they cost little
_LEAST_MAP = 3  # side below which a map of features is not halved again
_MOMENTUM = (
    0.9  # of running means: Keras' 0.99 lags behind in trainings of a few hundred steps (digits: 96.7 to 98.4 %)
)
_SHIFT = 0.1  # of the side, in augmentation


def _register(cls: type) -> Any:
    return keras.saving.register_keras_serializable(package="automl_bridge")(cls)


@_register
class ConvNetBlock(block_module.Block):  # type: ignore[misc]
    """Turns pictures, shape (rows, height, width, channels) of 0 to 255, into a vector a row.

    Hyperparameters: ``kind`` (``plain`` or ``residual``), ``width``, ``depth``, ``pooling``, ``augment``, ``dropout``.

    Parameters
    ----------
    mean, deviation
        Of the pixels' values in training.
    augments
        Whether augmentation is among the choices: tiny sets learn less from it than they lose.
    """

    def __init__(self, mean: float = 127.5, deviation: float = 64.0, *, augments: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean = mean
        self.deviation = deviation
        self.augments = augments

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        own = {"mean": self.mean, "deviation": self.deviation, "augments": self.augments}
        return {**super().get_config(), **own}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        node = tree.flatten(inputs)[0]
        height, width = int(node.shape[1]), int(node.shape[2])
        small = height * width <= _SMALL_PIXELS
        node = layers.Rescaling(1 / self.deviation, -self.mean / self.deviation)(node)
        if self.augments:
            node = _augmented(node, hp.Choice("augment", ["none", "shift", "shift and mirror"], default="none"))
        filters = hp.Choice("width", [8, 16, 32, 64] if small else [8, 16, 32], default=32 if small else 16)
        depth = hp.Choice("depth", [1, 2], default=1)
        residual = hp.Choice("kind", ["plain", "residual"], default="plain") == "residual"
        stages = max(1, min(4, round(math.log2(max(2, min(height, width)) / _LEAST_MAP))))
        for stage in range(stages):
            node = _stage(node, filters * 2 ** min(stage, 2), depth, residual=residual)
        if hp.Choice("pooling", ["flatten", "average"], default="flatten" if small else "average") == "flatten":
            node = layers.Flatten()(node)
        else:
            node = layers.GlobalAveragePooling2D()(node)
        return layers.Dropout(hp.Choice("dropout", [0.0, 0.25, 0.5], default=0.25))(node)


def _augmented(node: Any, how: str) -> Any:
    if how == "none":
        return node
    if how == "shift and mirror":
        node = layers.RandomFlip("horizontal")(node)
    return layers.RandomTranslation(_SHIFT, _SHIFT, fill_mode="nearest")(node)


def _convolution(node: Any, filters: int) -> Any:
    return layers.BatchNormalization(momentum=_MOMENTUM)(
        layers.Conv2D(filters, 3, padding="same", use_bias=False)(node)
    )


def _stage(node: Any, filters: int, depth: int, *, residual: bool) -> Any:
    """Convolve, and halve height and width."""
    node = layers.ReLU()(_convolution(node, filters))
    for _ in range(depth - (0 if residual else 1)):
        branch = _convolution(node, filters)
        node = layers.ReLU()(layers.Add()([node, branch]) if residual else branch)
    return layers.MaxPooling2D(padding="same")(node)


@_register
class TermsBlock(block_module.Block):  # type: ignore[misc]
    """Turns terms with weights, and words in order, into a vector a row; see `inputs_text.TextInputs`.

    Hyperparameters: ``reads`` (``terms``, ``words`` or ``both``), ``width``, ``window``, ``dropout``.

    Parameters
    ----------
    terms, words
        Numbers of ids.
    """

    def __init__(self, terms: int, words: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.terms = terms
        self.words = words

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        return {**super().get_config(), "terms": self.terms, "words": self.words}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers that ``hp`` chooses."""
        terms, weights, words = tree.flatten(inputs)
        reads = hp.Choice("reads", ["terms", "words", "both"], default="terms")
        width = hp.Choice("width", [16, 32, 64, 128], default=64)
        dropout = hp.Choice("dropout", [0.0, 0.25, 0.5], default=0.25)
        parts = []
        if reads != "words":
            start = keras.initializers.RandomNormal(stddev=0.1)
            embedded = layers.Embedding(self.terms, width, embeddings_initializer=start)(terms)
            parts.append(layers.Dot(axes=(1, 1))([embedded, weights]))
        if reads != "terms":
            parts.append(_convolved(words, self.words, width, hp.Choice("window", [3, 5], default=3), dropout))
        node = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        return layers.Dropout(dropout)(node)


def _convolved(words: Any, count: int, width: int, window: int, dropout: float) -> Any:
    node = layers.Dropout(dropout)(layers.Embedding(count, width)(words))
    return layers.GlobalMaxPooling1D()(layers.Conv1D(width, window, padding="same", activation="relu")(node))


def augments_help(rows: int, height: int, width: int, *, least_rows: int = 1000, least_side: int = 16) -> bool:
    """Whether there is enough to learn from pictures that were moved: not of tiny sets, nor of tiny pictures."""
    return rows >= least_rows and min(height, width) >= least_side
