"""A trained model and its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers.encode import Encoder, hash_texts
from automl_bridge.sandbox.trainers.estimators import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge.sandbox.trainers.series import SeriesModel

__all__ = ["Model", "load_model"]

META = "model.json"
ENCODER = "encoder.json"
WEIGHTS = "model.skops"
TRUSTED = ("sklearn.", "numpy.", "scipy.", "builtins.")


class Model:
    """A classifier or regressor with what turns its input into numbers.

    Parameters
    ----------
    kind
        ``table``, ``text`` or ``image``: what `predict` is given.
    labels
        Classes as text, in the order of the probabilities; empty for a regression.
    estimator
        The scikit-learn model.
    encoder
        For tables.
    """

    def __init__(self, kind: str, labels: Sequence[str], estimator: Any, encoder: Encoder | None = None) -> None:
        self.kind = kind
        self.labels = list(labels)
        self.estimator = estimator
        self.encoder = encoder

    @property
    def columns(self) -> list[str]:
        """Names of the columns that a table must have, in order."""
        return self.encoder.names if self.encoder is not None else []

    def predict(self, rows: Any) -> NDArray[np.float64]:
        """Return probabilities of shape (rows, classes), or values of shape (rows,).

        ``rows`` is a mapping of columns of text for a table, a sequence of texts, or encoded images.
        """
        from automl_bridge.sandbox.trainers.images import features_of

        if self.kind == "table":
            assert self.encoder is not None
            features = self.encoder.transform(rows)
        elif self.kind == "text":
            features = hash_texts(rows, int(self.estimator.n_features_in_))
        else:
            features = np.stack([features_of(image) for image in rows])
        return self.predict_features(features)

    def predict_features(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same for rows that are numbers already."""
        with one_thread():
            if not self.labels:
                return np.asarray(self.estimator.predict(features), dtype=np.float64)
            chances = np.zeros((len(features), len(self.labels)))
            chances[:, self.estimator.classes_.astype(int)] = self.estimator.predict_proba(features)
            return chances

    def files(self) -> dict[str, bytes]:
        """Return the model as files."""
        import skops.io

        meta = {"kind": self.kind, "labels": self.labels}
        files = {META: json.dumps(meta).encode(), WEIGHTS: skops.io.dumps(self.estimator)}
        if self.encoder is not None:
            files[ENCODER] = json.dumps(self.encoder.to_json()).encode()
        return files


def load_model(files: Mapping[str, bytes]) -> Model | SeriesModel:
    """Read a model from its files.

    Raises
    ------
    ValueError
        If they are no such model, or would load anything but scikit-learn's own types.
    """
    import skops.io

    from automl_bridge.sandbox.trainers.series import SeriesModel

    if META not in files:
        raise ValueError(f"no {META} among {sorted(files)}")
    meta = json.loads(files[META])
    if meta["kind"] == "series":
        return SeriesModel.from_json(meta)
    named = skops.io.get_untrusted_types(data=files[WEIGHTS])
    foreign = [name for name in named if not name.startswith(TRUSTED)]
    if foreign:
        raise ValueError(f"the model holds types that are not loaded: {foreign}")
    encoder = Encoder(json.loads(files[ENCODER])) if ENCODER in files else None
    return Model(meta["kind"], meta["labels"], skops.io.loads(files[WEIGHTS], trusted=named), encoder)
