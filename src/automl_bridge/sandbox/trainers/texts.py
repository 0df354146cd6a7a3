"""Models of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.sandbox.trainers import estimators, measures
from automl_bridge.sandbox.trainers.candidates import Candidate, UnusableDataError
from automl_bridge.sandbox.trainers.encode import hash_texts
from automl_bridge.sandbox.trainers.models import Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["classify", "train_texts"]

DIMENSIONS = 1024
MAX_TEXTS = 3000


def train_texts(
    train: Sequence[tuple[str, str]],
    validation: Sequence[tuple[str, str]] | None,
    *,
    candidates: int = 1,
    validation_fraction: float = 0.2,
    seed: int = 0,
) -> Iterator[Candidate]:
    """Train on pairs of text and label and yield each candidate; see `train_table` for the rest."""
    texts = [text for text, _label in train]
    held = None if validation is None else [text for text, _label in validation]
    yield from classify(
        "text",
        hash_texts(texts, DIMENSIONS),
        [label for _text, label in train],
        None if held is None else hash_texts(held, DIMENSIONS),
        None if validation is None else [label for _text, label in validation],
        candidates=candidates,
        validation_fraction=validation_fraction,
        seed=seed,
    )


def classify(
    kind: str,
    inputs: NDArray[np.float64],
    labels: Sequence[str],
    held_inputs: NDArray[np.float64] | None,
    held_labels: Sequence[str] | None,
    *,
    candidates: int,
    validation_fraction: float,
    seed: int,
) -> Iterator[Candidate]:
    """Train classifiers on rows of numbers with a label each."""
    names = sorted(set(labels), reverse=True)
    if len(names) < 2:
        raise UnusableDataError(f"{len(names)} class in the labels; at least 2 are needed")
    codes = np.array([names.index(label) for label in labels])
    order = np.random.default_rng(seed).permutation(len(codes))[:MAX_TEXTS]
    if held_inputs is None or held_labels is None:
        held = max(1, round(len(order) * validation_fraction))
        held_inputs, held_codes = inputs[order[:held]], codes[order[:held]]
        order = order[held:]
    else:
        known = [row for row, label in enumerate(held_labels) if label in names]
        held_inputs, held_codes = held_inputs[known], np.array([names.index(held_labels[row]) for row in known])
    for number in range(candidates):
        family = ("linear", "forest", "boosting")[number % 3]
        estimator, params = estimators.fit(
            family, number // 3, inputs[order], codes[order], classes=True, seed=seed + number
        )
        model = Model(kind, names, estimator)
        train = measures.of_classes(codes[order], model.predict_features(inputs[order]), positive=0)
        check = measures.of_classes(held_codes, model.predict_features(held_inputs), positive=0)
        yield Candidate(family, model, params, train, check)
