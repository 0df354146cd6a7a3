"""The saved model: a bundle of ``model.skops``, ``encoder.json`` and a test that it still predicts the same.

skops writes scikit-learn objects as JSON and arrays and, when it loads them, makes only objects of types that are
known to be harmless and of those in `TRUSTED`; anything else is refused before it is made.

The objects inside are scikit-learn's own, and another version of it may read them in another way. So the bundle
carries a few made-up rows with their outputs, and a model that does not reproduce them is refused.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import BundleMetadata, read_bundle, read_bytes, write_bundle
from automl_bridge.errors import BundleError
from automl_bridge.spec import ModelRef
from automl_bridge_baseline.features import outputs_of
from automl_bridge_baseline.reader import Reader
from automl_bridge_baseline.rows import Rows
from automl_bridge_baseline.threads import limited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.backend import Plan, Trial
    from automl_bridge_baseline.features import Layout
    from automl_bridge_baseline.forecast_io import ForecastModel

__all__ = ["TRUSTED", "BaselineModel", "load", "npy", "reference", "save", "trusted_models", "versions"]

TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # HistGradientBoosting's own check of columns without categories; what a partial calls must be trusted as well.
    "functools.partial",
    "sklearn.utils.validation.check_array",
    "numpy.dtype",
    "automl_bridge_baseline.joined.Joined",
)
"""Types beyond skops' own list that our models consist of."""

_ROWS = 16


class BaselineModel:
    """A loaded model; a Predictor."""

    def __init__(self, metadata: BundleMetadata, models: list[Any], reader: Reader) -> None:
        self.metadata = metadata
        self._models = models
        self._reader = reader

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Predict rows of the features, by their own names; (rows, outputs) as in `Outcome`."""
        rows = self._reader.read(table)
        with limited(rows.size):
            return outputs_of(self._models, rows, len(self.metadata.profile.classes))

    def close(self) -> None:
        """Do nothing: there is no process or file behind it."""


def save(path: Path, models: list[Any], reader: Reader, layout: Layout, plan: Plan, trial: Trial) -> BundleMetadata:
    """Write the bundle."""
    import skops.io

    spec = plan.spec
    rows = _made_up_rows(layout, spec.seed)
    expected = outputs_of(models, _test_rows(rows, layout.terms), len(spec.profile.classes))
    metadata = BundleMetadata(
        backend=plan.backend,
        task=spec.task,
        target=spec.target,
        metric=spec.metric,
        profile=spec.profile,
        seed=spec.seed,
        objective=next(iter(trial.metrics), None),
        model=trial.model,
        score=trial.score,
        params={"candidate": trial.id, **trial.params},
        versions=versions(),
    )
    files: dict[str, bytes | Path] = {
        "model.skops": skops.io.dumps(models),
        **reader.files(),
        "test_rows.npy": npy(rows),
        "test_outputs.npy": npy(expected),
    }
    return write_bundle(path, metadata=metadata, files=files)


def reference(metadata: BundleMetadata) -> ModelRef:
    """Return the reference to the bundle, relative to the job's folder."""
    return ModelRef(backend=metadata.backend, uri="bundle", local=True, details={"model": metadata.model})


def load(path: Path) -> BaselineModel | ForecastModel:
    """Check the bundle and load it.

    Raises
    ------
    BundleError
        If it was damaged or altered, holds anything that our models do not consist of, or was made by a version of
        scikit-learn whose models this one does not read.
    """
    metadata = read_bundle(path)
    if metadata.backend != "baseline":
        raise BundleError(f"{path} is a model of {metadata.backend}", hint=f"open it with {metadata.backend}")
    if metadata.forecast is not None:
        from automl_bridge_baseline.forecast_io import load_forecast

        return load_forecast(path, metadata)
    reader = Reader.restore(lambda name: read_bytes(path, metadata, name))

    def outputs(models: list[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
        return outputs_of(models, _test_rows(rows, reader.width), len(metadata.profile.classes))

    return BaselineModel(metadata, trusted_models(path, metadata, outputs), reader)


def trusted_models(
    path: Path, metadata: BundleMetadata, outputs: Callable[[list[Any], NDArray[Any]], NDArray[np.float64]]
) -> list[Any]:
    """Load ``model.skops`` of a bundle and see that it still predicts its test rows as it did.

    Parameters
    ----------
    outputs
        What models predict for the test rows.

    Raises
    ------
    BundleError
        If it holds a type that is not trusted, cannot be read, or predicts something else.
    """
    import skops.io

    content = read_bytes(path, metadata, "model.skops")
    rows, expected = (_array(read_bytes(path, metadata, f"test_{name}.npy"), path) for name in ("rows", "outputs"))
    try:
        _check_types(content, path)
        models: list[Any] = skops.io.loads(content, trusted=list(TRUSTED))
        with limited(rows.size):
            found = outputs(models, rows)
    except BundleError:
        raise
    except Exception as error:
        raise _unread(path, metadata, f"{type(error).__name__}: {error}") from error
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True):
        raise _unread(path, metadata, "it does not predict its test rows as it did when it was made")
    return models


def _check_types(content: bytes, path: Path) -> None:
    import skops.io

    unknown = [name for name in skops.io.get_untrusted_types(data=content) if name not in TRUSTED]
    if unknown:
        hint = "do not open it: no model of ours has such parts; get the model from where it was made"
        raise BundleError(f"the bundle {path} is refused: it holds {', '.join(sorted(unknown))}", hint=hint)


def _unread(path: Path, metadata: BundleMetadata, why: str) -> BundleError:
    made, here = metadata.versions.get("scikit-learn", "?"), version("scikit-learn")
    lines = why.splitlines() or [why]
    if made == here:
        return BundleError(f"the bundle {path} is refused: {lines[0]}", hint="train the model again")
    message = f"the bundle {path} was made with scikit-learn {made}, and {here} does not read it: {lines[0]}"
    return BundleError(message, hint=f'pip install "scikit-learn=={made}", or train the model again')


def _made_up_rows(layout: Layout, seed: int) -> NDArray[np.float32]:
    """Return rows of the matrix that are no one's data: spread-out numbers, low codes, and missing values."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((_ROWS, layout.width)) * 10.0 ** rng.integers(-2, 5, (_ROWS, layout.width))
    rows[:, layout.categorical] = rng.integers(0, 3, (_ROWS, len(layout.categorical)))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows.astype(np.float32)


def _test_rows(dense: NDArray[np.float32], terms: int) -> Rows:
    """Return the made-up rows, each with a few of the terms beside it."""
    if not terms:
        return Rows(dense)
    from scipy import sparse

    places = np.arange(len(dense) * 3) * 7919 % terms
    weights = np.full(len(places), 0.5, np.float32)
    starts = np.arange(0, len(places) + 1, 3)
    return Rows(dense, sparse.csr_matrix((weights, places, starts), shape=(len(dense), terms)))


def npy(array: NDArray[Any]) -> bytes:
    """Write an array as the content of a ``.npy`` file."""
    import io

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes, path: Path) -> NDArray[Any]:
    import io

    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise BundleError(f"the bundle {path} is refused: {error}", hint="train the model again") from None
    return array


@cache
def versions() -> dict[str, str]:
    """Return the packages that made a model."""
    packages = ("automl-bridge", "numpy", "scikit-learn", "skops")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
