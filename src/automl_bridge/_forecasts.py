"""What an estimator does with time series: options of a fit, tables of forecasts, scores of new data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from automl_bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from automl_bridge.session import Session
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["ForecastOptions", "like", "score_forecast"]


class ForecastOptions(TypedDict, total=False):
    """Options of a forecast, as `ForecastSpec` has them; with one of them the task is forecasting."""

    series: str | Sequence[str] | None
    horizon: int | None
    freq: str | None
    known_future: str | Sequence[str] | None
    quantiles: Sequence[float] | None
    season: int | None
    windows: int | None
    gaps: Literal["refuse", "fill", "average"] | None
    zone: str | None


def like(table: pa.Table, source: Any) -> Any:
    """Return forecasts as a dataframe of the library that ``source`` is of; pandas where it is none, Arrow without."""
    module = type(source).__module__.partition(".")[0]
    if module == "pyarrow":
        return table
    if module == "polars" and "polars" in sys.modules:
        return sys.modules["polars"].from_arrow(table)
    try:
        import pandas as pd  # noqa: F401 - Arrow makes its dataframes
    except ImportError:
        return table
    return table.to_pandas()


def score_forecast(
    session: Session, model: str | Path, forecast: ForecastSpec, profile: Profile, data: Any, metric: str
) -> float:
    """Forecast the last steps of each series of ``data`` from what lies before them, and score that.

    Raises
    ------
    DataError
        If the series are not regular, or too short.
    """
    from automl_bridge.data.series_build import build_series_dataset
    from automl_bridge.data.series_context import holdout_question
    from automl_bridge.scoring_forecast import ForecastScorer
    from automl_bridge.spec import Role

    options: Mapping[str, Any] = {**forecast.model_dump(), "windows": 1}
    dataset = build_series_dataset(
        data,
        {name: value for name, value in options.items() if name != "time"},
        target=profile.with_role(Role.TARGET)[0].name,
        time=forecast.time,
        types={column.name: column.kind for column in profile.features},
        validation=0.0,
    )
    if dataset.profile.rows.get("holdout", 0) == 0:
        raise UsageError("no series is long enough to be scored")
    predictions = session.predict(model, holdout_question(dataset))
    return ForecastScorer.of(dataset, "holdout").score(metric, predictions.outputs)
