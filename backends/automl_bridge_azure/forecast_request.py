"""The forecasting part of the native request, and the names that columns have in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from automl_bridge.errors import SchemaError
from automl_bridge.spec import Role
from automl_bridge_azure.limits import limit, refusal

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec, Profile

__all__ = ["SINGLE_SERIES", "check_rows", "forecast_settings", "series_names", "wire_names"]

SINGLE_SERIES = "one_series"
"""Column that is added where the table is one series: without any, the service looks for series by itself."""


def wire_names(profile: Profile) -> dict[str, str]:
    """Return the staged name of every column that is sent, by its own name.

    Safe names are none of those that a forecaster has for columns of its own (``trend``, ``y``, ``cap``; limit
    ``azure.forecasting.reserved_names``).
    """
    return {column.name: column.safe_name for column in profile.columns if column.role is not Role.IGNORED}


def series_names(profile: Profile) -> list[str]:
    """Return the staged names of the columns that tell series apart."""
    return [column.safe_name for column in profile.with_role(Role.SERIES)] or [SINGLE_SERIES]


def _frequency(freq: str) -> str:
    """Return the frequency as the service reads it: a pandas offset in its older spelling."""
    found = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]{3})?", freq)
    if found is None:
        raise refusal(
            "azure.forecasting.frequency",
            f'Azure Automated ML forecasts steps in time; "{freq}" is none',
            "give a time column with stamps",
        )
    # pandas renamed these in 2.2; the service's image holds an older one, which knows the old names only.
    old = {"h": "H", "min": "T", "s": "S", "ME": "M", "QE": "Q", "YE": "A", "YS": "AS", "bh": "BH"}
    unit = old.get(found[2], found[2])
    if unit in {"S", "L", "U", "N", "ms", "us", "ns"}:
        raise refusal(
            "azure.forecasting.frequency",
            f'Azure Automated ML takes steps of a minute or longer; "{freq}" is shorter',
            "aggregate the rows to minutes",
        )
    return f"{found[1]}{unit}{found[3] or ''}"


def forecast_settings(spec: JobSpec) -> dict[str, object]:
    """Return ``taskDetails.forecastingSettings``.

    Raises
    ------
    SchemaError
        If time, horizon and freq are not given, or a column has a name that cannot be staged.
    LimitError
        For a step that the service does not take.
    """
    forecast = spec.forecast
    if forecast is None:
        raise SchemaError("a forecasting job needs time, horizon and freq", hint="give --time, --horizon and --freq")
    names = wire_names(spec.profile)
    reserved = [name for name, wire in names.items() if "_delim_" in wire]
    if reserved:
        raise refusal(
            "azure.forecasting.reserved_names",
            f'Azure Automated ML takes no column with "_delim_" in its name: "{reserved[0]}"',
            "rename it",
        )
    unknown = [names[column.name] for column in spec.profile.features if column.name not in set(forecast.known_future)]
    settings: dict[str, object] = {
        "forecastHorizon": {"value": forecast.horizon, "mode": "Custom"},
        "timeColumnName": names[forecast.time],
        "frequency": _frequency(forecast.freq),
        # Short series are neither dropped in silence nor filled with noise: they are refused by the service.
        "shortSeriesHandlingConfig": "None",
        "timeSeriesIdColumnNames": series_names(spec.profile),
    }
    if unknown:
        settings["featuresUnknownAtForecastTime"] = unknown
    return settings


def check_rows(spec: JobSpec) -> None:
    """Refuse series that are surely too short: fewer rows in all than one series needs."""
    assert spec.forecast is not None
    needed = spec.forecast.horizon + 2
    rows = spec.profile.rows.get("train", 0)
    if rows < needed:
        raise refusal(
            "azure.forecasting.min_rows",
            f"Azure Automated ML needs at least {needed} rows a series for a horizon of {spec.forecast.horizon}; "
            f"{spec.profile.name} has {rows} for training (documented: {limit('azure.forecasting.min_rows').value})",
            "shorten the horizon, or add history",
        )
