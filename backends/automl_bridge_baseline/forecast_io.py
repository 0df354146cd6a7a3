"""The saved forecaster: ``forecast.json`` (all but trees), ``model.skops`` (trees, if any), and a test of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import BundleMetadata, read_bytes, write_bundle
from automl_bridge.data.series_arrays import SeriesReader
from automl_bridge.data.series_windows import Shape
from automl_bridge_baseline import model as table_model
from automl_bridge_baseline.forecast_models import models_of, rebuilt
from automl_bridge_baseline.forecast_spread import Spread
from automl_bridge_baseline.threads import limited

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.backend import Plan, Trial
    from automl_bridge_baseline.forecast_models import Forecaster

__all__ = ["ForecastModel", "load_forecast", "save_forecast"]

_FILE = "forecast.json"
_TREES = "model.skops"
_ROWS = 16


class ForecastModel:
    """A forecaster with all that goes before and after it; a Predictor.

    Parameters
    ----------
    reader, forecaster, spread
        From tables to arrays, from arrays to point forecasts, and from those to quantiles.
    metadata
        Of its bundle; None while it has none.
    """

    def __init__(
        self,
        reader: SeriesReader,
        forecaster: Forecaster,
        spread: Spread,
        metadata: BundleMetadata | None = None,
    ) -> None:
        self._reader, self._forecaster, self._spread = reader, forecaster, spread
        self._metadata = metadata

    @property
    def metadata(self) -> BundleMetadata:
        """What the bundle says."""
        assert self._metadata is not None
        return self._metadata

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """Forecast the rows without a target of a sorted table (`series.question`); as in `Outcome`."""
        arrays = self._reader.read(table)
        origins = arrays.asked(self._spread.shape.horizon)
        with limited(len(origins) * self._spread.shape.horizon * 32):
            return self._spread.around(self._forecaster.predict(arrays, origins), arrays, origins)

    def close(self) -> None:
        """Do nothing: there is no process or file behind it."""


def save_forecast(
    path: Path, reader: SeriesReader, forecaster: Any, spread: Spread, plan: Plan, trial: Trial
) -> BundleMetadata:
    """Write the bundle."""
    spec = plan.spec
    shape = spread.shape
    document = {
        "shape": [shape.horizon, shape.season, shape.length],
        "reader": reader.to_json(),
        "forecaster": forecaster.document(),
        "spread": spread.to_json(),
    }
    files: dict[str, bytes | Path] = {_FILE: json.dumps(document, ensure_ascii=False).encode()}
    trees = models_of(forecaster)
    if trees:
        import skops.io

        rows = _made_up(trees[0].n_features_in_, spec.seed)
        files |= {
            _TREES: skops.io.dumps(trees),
            "test_rows.npy": table_model.npy(rows),
            "test_outputs.npy": table_model.npy(_outputs(trees, rows)),
        }
    metadata = BundleMetadata(
        backend=plan.backend,
        task=spec.task,
        target=spec.target,
        metric=spec.metric,
        profile=spec.profile,
        forecast=spec.forecast,
        seed=spec.seed,
        objective=next(iter(trial.metrics), None),
        model=trial.model,
        score=trial.score,
        params={"candidate": trial.id, **trial.params},
        versions=table_model.versions(),
    )
    return write_bundle(path, metadata=metadata, files=files)


def load_forecast(path: Path, metadata: BundleMetadata) -> ForecastModel:
    """Load a forecaster from a bundle that was checked.

    Raises
    ------
    BundleError
        If it holds anything that our models do not consist of, or was made by a version of scikit-learn whose models
        this one does not read.
    """
    document = json.loads(read_bytes(path, metadata, _FILE))
    assert metadata.forecast is not None
    reader = SeriesReader.from_json(document["reader"], metadata.profile, metadata.forecast)
    shape = Shape(*document["shape"])
    trees = table_model.trusted_models(path, metadata, _outputs) if _TREES in metadata.files else []
    forecaster = rebuilt(document["forecaster"], shape, trees)
    return ForecastModel(reader, forecaster, Spread.from_json(document["spread"], shape), metadata)


def _outputs(trees: list[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    return np.column_stack([each.predict(rows) for each in trees])


def _made_up(width: int, seed: int) -> NDArray[np.float64]:
    rows = np.random.default_rng(seed).standard_normal((_ROWS, width))
    return np.asarray(np.where(rows > 2, np.nan, rows), np.float64)
