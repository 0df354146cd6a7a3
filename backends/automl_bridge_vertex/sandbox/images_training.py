"""Training on images: read from the bucket, as they lie there when the training starts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_images
from automl_bridge_vertex.sandbox import measures
from automl_bridge_vertex.sandbox.errors import invalid
from automl_bridge_vertex.sandbox.images import USES, Item, assign
from automl_bridge_vertex.sandbox.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_vertex.sandbox.store import Store
    from automl_bridge_vertex.sandbox.tasks import Task

__all__ = ["train"]

LEAST_PER_LABEL = 10  # VX-IMG-4
LABELS = (2, 5000)  # VX-IMG-10


def train(store: Store, _task: Task, items: Sequence[Item], config: Any) -> Trained:
    """Train on the annotated items; those without a label are left out.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for too few images or labels; it becomes the pipeline's error.
    """
    sets = assign(config, [item for item in items if item.annotations])
    counts = Counter(item.annotations[0] for use in USES for item in sets[use])
    if not LABELS[0] <= len(counts) <= LABELS[1]:
        raise invalid(f"The dataset has {len(counts)} labels; 2 to 5000 are needed.")
    rare = [label for label, count in counts.items() if count < LEAST_PER_LABEL]
    if rare:
        raise invalid(f"Labels with fewer than {LEAST_PER_LABEL} images: {', '.join(sorted(rare)[:5])}.")
    pairs = {use: [(_read(store, item), item.annotations[0]) for item in sets[use]] for use in USES}
    if not pairs["training"]:
        raise invalid("The training set is empty.")
    try:
        best = next(iter(train_images(pairs["training"], pairs["validation"] or None)))
        everything = [pair for use in USES for pair in pairs[use]]
        served: Any = next(iter(train_images(everything, None))).model
    except UnusableDataError as error:
        raise invalid(f"Image data could not be used: {error}") from None
    metrics = _evaluate(best.model, pairs["test"]) if pairs["test"] else {}
    sizes = tuple(len(pairs[use]) for use in USES)
    return Trained(served, list(served.labels), metrics, "classification", (sizes[0], sizes[1], sizes[2]))


def _read(store: Store, item: Item) -> bytes:
    try:
        return store.read(item.uri)
    except FileNotFoundError:
        raise invalid(f"The image {item.uri} is no longer there.") from None


def _evaluate(model: Any, pairs: Sequence[tuple[bytes, str]]) -> dict[str, Any]:
    known = [(image, label) for image, label in pairs if label in model.labels]
    if not known:
        return {}
    truth = np.array([model.labels.index(label) for _image, label in known], dtype=np.int64)
    return measures.of_classes(truth, model.predict([image for image, _label in known]), model.labels)
