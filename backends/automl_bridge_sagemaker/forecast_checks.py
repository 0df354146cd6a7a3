"""What Autopilot would refuse of time series, found before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import UnsupportedError
from automl_bridge.spec import Kind, Role
from automl_bridge_sagemaker.limits import limit, refusal

if TYPE_CHECKING:
    from automl_bridge.spec import ForecastSpec, JobSpec

__all__ = ["check_series"]


def check_series(spec: JobSpec) -> tuple[str, ...]:
    """Refuse series that the service does not take; return what the reader should know of the rest."""
    forecast = spec.forecast
    if forecast is None:
        return ()
    _check_columns(spec, forecast)
    most = int(limit("sagemaker.forecasting.max_rows").number)
    rows = sum(spec.profile.rows.values())
    if rows > most:
        raise refusal("sagemaker.forecasting.max_rows", f"at most {most:,} rows; {spec.profile.name} has {rows:,}")
    notes = ["how a forecast is answered is taken from AWS's own sample: not documented"]
    past = [column.name for column in spec.profile.features if column.name not in forecast.known_future]
    if past:
        named = ", ".join(f'"{name}"' for name in past[:5])
        notes.append(
            f"Autopilot cannot be told that {named} are not known in advance; they are left empty in the future"
        )
    return tuple(notes)


def _check_columns(spec: JobSpec, forecast: ForecastSpec) -> None:
    profile = spec.profile
    time = profile.with_role(Role.TIME)[0]
    if not time.arrow_type.startswith(("timestamp", "date")):
        raise UnsupportedError(
            f'SageMaker Autopilot needs points in time; "{time.name}" holds {time.arrow_type}',
            hint="give dates, or use a local backend, which counts steps",
        )
    odd = [quantile for quantile in forecast.quantiles if abs(100 * quantile - round(100 * quantile)) > 1e-9]
    if odd:
        raise refusal("sagemaker.forecasting.quantiles", f"quantiles are whole percents; {odd[0]} is none")
    grouping = int(limit("sagemaker.forecasting.max_grouping").number)
    if len(forecast.series) > 1 + grouping:
        message = f"series are told apart by at most {1 + grouping} columns; {len(forecast.series)} were given"
        raise refusal("sagemaker.forecasting.max_grouping", message)
    words = {Kind.CATEGORICAL, Kind.TEXT, Kind.BOOLEAN}
    texts = sum(column.kind in words for column in profile.features)
    for name, held in (("max_categorical", texts), ("max_numeric", len(profile.features) - texts)):
        most = int(limit(f"sagemaker.forecasting.{name}").number)
        if held > most:
            kind = name.removeprefix("max_")
            message = f"SageMaker Autopilot takes at most {most} {kind} covariates; there are {held}"
            raise refusal(f"sagemaker.forecasting.{name}", message, "leave some out (--type COLUMN=ignored)")
