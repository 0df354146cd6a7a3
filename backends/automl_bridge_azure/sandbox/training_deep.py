"""Searches of texts and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_images, train_texts
from automl_bridge_azure.sandbox import scores
from automl_bridge_azure.sandbox.addresses import locate
from automl_bridge_azure.sandbox.errors import AzureError
from automl_bridge_azure.sandbox.fitted import FittedImages, FittedTexts
from automl_bridge_azure.sandbox.trials import MIN_ROWS, Search, Trial, labelled

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.mltable import Rows
    from automl_bridge_azure.sandbox.request import Request
    from automl_bridge_azure.sandbox.world import World

__all__ = ["search_images", "search_texts"]

MIN_IMAGES = 10


def search_texts(
    _world: World, _request: Request, train: Rows, validation: Rows | None, target: str, count: int
) -> Search:
    """Train classifiers of texts; validation data there must be."""
    places = labelled(train, target)
    if len(places) < MIN_ROWS:
        raise UnusableDataError(f"The training data has {len(places)} samples with a label. Minimum: {MIN_ROWS}.")
    if train.types.get(target) == "float":
        raise UnusableDataError("The labels are decimal numbers; text classification takes int, bool or str.")
    if validation is None or list(validation.columns) != list(train.columns):
        raise UnusableDataError("Training and validation data must have the same columns in the same order.")
    pairs = [_pairs(rows, target) for rows in (train, validation)]
    labels = sorted({label for _text, label in pairs[0]}, reverse=True)
    if len(labels) < 2:
        raise UnusableDataError("At least two distinct labels are required.")
    checked = [(text, label) for text, label in pairs[1] if label in labels]
    found = Search()
    for candidate in train_texts(pairs[0], checked, candidates=count):
        fitted: Any = candidate.model
        said = fitted.predict([text for text, _label in checked])
        metrics = scores.of_classes([label for _text, label in checked], said, labels)
        model = FittedTexts([candidate.files], [1.0], labels, train.types.get(target, "string"))
        found.trials.append(Trial("bert-base-uncased", "", metrics, model))
    return found


def _pairs(rows: Rows, target: str) -> list[tuple[str, str]]:
    names = [name for name in rows.columns if name != target]
    return [
        (" ".join(rows.columns[name][place] for name in names), rows.columns[target][place])
        for place in labelled(rows, target)
    ]


def search_images(
    world: World, request: Request, train: Rows, validation: Rows | None, target: str, count: int
) -> Search:
    """Train classifiers of the images that ``image_url`` points to."""
    pairs = _image_pairs(world, train, target)
    if len(pairs) < MIN_IMAGES:
        raise UnusableDataError(f"The training data has {len(pairs)} images. Minimum: {MIN_IMAGES}.")
    if validation is not None:
        checked = _image_pairs(world, validation, target)
    else:
        order = np.random.default_rng(0).permutation(len(pairs)).tolist()
        held = max(1, round(len(order) * float(request.details.get("validationDataSize") or 0.2)))
        checked, pairs = [pairs[place] for place in order[:held]], [pairs[place] for place in sorted(order[held:])]
    labels = sorted({label for _image, label in pairs}, reverse=True)
    if len(labels) < 2:
        raise UnusableDataError("At least two distinct labels are required.")
    checked = [(image, label) for image, label in checked if label in labels] or pairs[:1]
    found = Search()
    for candidate in train_images(pairs, checked, candidates=count):
        fitted: Any = candidate.model
        said = fitted.predict([image for image, _label in checked])
        metrics = scores.of_classes([label for _image, label in checked], said, labels)
        model = FittedImages([candidate.files], [1.0], labels, "string")
        found.trials.append(Trial("seresnext", "", metrics, model))
    return found


def _image_pairs(world: World, rows: Rows, target: str) -> list[tuple[bytes, str]]:
    if "image_url" not in rows.columns:
        raise UnusableDataError("the data has no column image_url")
    if rows.types.get("image_url") != "stream_info":
        raise UnusableDataError("the column image_url is to be converted to stream_info in the MLTable file")
    pairs = []
    for place in labelled(rows, target):
        uri = rows.columns["image_url"][place]
        try:
            pairs.append((world.blobs.read(*locate(world, uri)), rows.columns[target][place]))
        except (AzureError, FileNotFoundError):
            raise UnusableDataError(f"The image {uri} could not be read.") from None
    return pairs
