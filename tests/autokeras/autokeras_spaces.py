"""Search spaces and callbacks as a user would write them, for the worker to import."""

from __future__ import annotations

import json
from pathlib import Path

import keras

import autokeras as ak


def picture_net(data):
    """AutoKeras' own blocks from picture to head."""
    image = ak.ImageInput()
    node = ak.ConvBlock(num_blocks=1, num_layers=1, max_pooling=True, separable=False, dropout=0.0)(image)
    return ak.AutoModel(image, ak.ClassificationHead(dropout=0.0)(node), max_trials=99)


def word_net():
    """No argument, and the node before a head."""
    words = ak.TextInput()
    return ak.DenseBlock(num_layers=1, num_units=16)(ak.Flatten()(ak.Embedding(max_features=2000)(words)))


def own_arrays(data):
    """The arrays that our own space reads."""
    joined = ak.Merge(merge_type="concatenate")([data.nodes["flat"], data.nodes["ranks"]])
    return ak.DenseBlock(num_layers=1, num_units=32, dropout=0.0, use_batchnorm=False)(joined)


def window_net():
    """A plain input of series is their past."""
    return ak.DenseBlock(num_layers=1, num_units=16, dropout=0.0)(ak.Input())


def steps_net(data):
    """What is known of the steps to come, read by a layer that remembers, beside the past."""
    ahead = ak.RNNBlock(return_sequences=False, layer_type="gru", num_layers=1)(data.nodes["ahead"])
    both = ak.Merge(merge_type="concatenate")([ahead, data.nodes["window"]])
    return ak.AutoModel([data.nodes["ahead"], data.nodes["window"]], ak.RegressionHead()(both))


def wrong_modality():
    return ak.DenseBlock()(ak.ImageInput())


def no_graph():
    return 42


class Diary(keras.callbacks.Callback):
    """Writes down what it hears, in the worker's folder."""

    def on_epoch_end(self, epoch, logs=None):
        with Path("diary.jsonl").open("a") as file:
            file.write(json.dumps({"epoch": epoch, **(logs or {})}) + "\n")
        self.model.stop_training = epoch == 2


NOT_A_CALLBACK = dict


def ends_only():
    """Inputs and heads; AutoKeras fills in what is between."""
    return [ak.StructuredDataInput()], [ak.ClassificationHead()]


def raises():
    return 1 / 0


def with_a_gru(data):
    """A layer that ONNX' writer does not know."""
    return ak.RNNBlock(return_sequences=False, layer_type="gru", num_layers=1)(_Sequence()(data.nodes["flat"]))


class _Sequence(ak.Block):
    def build(self, hp, inputs=None):  # noqa: ARG002 - AutoKeras' signature
        node = inputs[0] if isinstance(inputs, list) else inputs
        return keras.layers.Reshape((int(node.shape[-1]), 1))(node)
