"""The forecasting part of the native request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from automl_bridge.errors import SchemaError
from automl_bridge.spec import Role
from automl_bridge_sagemaker.limits import limit, refusal
from automl_bridge_sagemaker.series import item_column, quantile_names

if TYPE_CHECKING:
    from automl_bridge.spec import ForecastSpec, JobSpec, Profile

__all__ = ["forecast_config"]

_FREQUENCIES = {
    "D": "D", "W": "W", "M": "M", "MS": "M", "ME": "M", "Y": "Y", "YS": "Y", "YE": "Y", "A": "Y",
    "h": "H", "H": "H", "min": "min", "T": "min",
}  # fmt: skip


def _frequency(freq: str) -> str:
    """Return Autopilot's frequency for pandas' one; limit ``sagemaker.forecasting.frequency``."""
    found = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]{3})?", freq)
    count, unit = (int(found[1] or 1), _FREQUENCIES.get(found[2])) if found else (0, None)
    if (count, unit) == (60, "min"):
        count, unit = 1, "H"
    # A step of one unit is the unit alone, but for minutes, which always have their number.
    native = unit if unit and count == 1 and unit != "min" else f"{count}{unit}"
    if not re.fullmatch(limit("sagemaker.forecasting.frequency").value, native):
        raise refusal(
            "sagemaker.forecasting.frequency",
            f'SageMaker Autopilot has no step of "{freq}"',
            "it takes 1 to 59 min, 1 to 23 H, 1 to 6 D, 1 to 4 W, 1 to 11 M, and Y",
        )
    return native


def forecast_config(spec: JobSpec) -> dict[str, object]:
    """Return what ``TimeSeriesForecastingJobConfig`` holds beside its completion criteria.

    Raises
    ------
    LimitError
        For a horizon, step or number of quantiles that the service does not take.
    SchemaError
        If time, horizon or the column of the series are not given.
    """
    forecast = spec.forecast
    if forecast is None:
        raise SchemaError("a forecasting job needs time, horizon and freq", hint="give --time, --horizon and --freq")
    if forecast.horizon > limit("sagemaker.forecasting.max_horizon").number:
        raise refusal(
            "sagemaker.forecasting.max_horizon",
            f"SageMaker Autopilot forecasts at most {limit('sagemaker.forecasting.max_horizon').value} steps; "
            f"{forecast.horizon} were asked for",
        )
    if len(forecast.quantiles) > limit("sagemaker.forecasting.quantiles").number:
        raise refusal("sagemaker.forecasting.quantiles", f"at most 5 quantiles; {len(forecast.quantiles)} were given")
    return {
        "ForecastFrequency": _frequency(forecast.freq),
        "ForecastHorizon": forecast.horizon,
        "ForecastQuantiles": quantile_names(forecast),
        "TimeSeriesConfig": _series(forecast, spec.profile),
        # Rows of one stamp would be summed without a word, and gaps filled with 0: said, and for levels the mean.
        "Transformations": {"Aggregation": {spec.profile.with_role(Role.TARGET)[0].safe_name: "avg"}},
    }


def _series(forecast: ForecastSpec, profile: Profile) -> dict[str, object]:
    safe = {column.name: column.safe_name for column in profile.columns}
    config: dict[str, object] = {
        "TargetAttributeName": profile.with_role(Role.TARGET)[0].safe_name,
        "TimestampAttributeName": safe[forecast.time],
        # A single series needs a column that names it all the same (limit sagemaker.ts_4).
        "ItemIdentifierAttributeName": safe[forecast.series[0]] if forecast.series else item_column(profile),
    }
    if len(forecast.series) > 1:
        config["GroupingAttributeNames"] = [safe[name] for name in forecast.series[1:]]
    return config
