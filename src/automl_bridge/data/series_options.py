"""What a caller says of time series, and what is found where nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError, field_validator

from automl_bridge.errors import UsageError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SeriesOptions"]


class SeriesOptions(Frozen):
    """Options of a forecasting job; what is None is found from the data.

    Parameters
    ----------
    series
        Column(s) that tell series apart.
    horizon
        Steps to forecast.
    freq, known_future, quantiles, season, windows, gaps, zone
        As in `ForecastSpec`.
    """

    series: tuple[str, ...] = ()
    horizon: int | None = None
    freq: str | None = None
    known_future: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    season: int | None = None
    windows: int = 1
    gaps: Literal["refuse", "fill", "average"] = "refuse"
    zone: str | None = None

    @field_validator("series", "known_future", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else () if value is None else tuple(value)

    @field_validator("quantiles", mode="before")
    @classmethod
    def _levels(cls, value: Any) -> Any:
        return tuple(sorted(set(value))) if isinstance(value, list | tuple | set) else value

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SeriesOptions:
        """Read options; those that are None are left to their defaults.

        Raises
        ------
        UsageError
            If one is not what it should be, or there is no horizon.
        """
        try:
            options = cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        if options.horizon is None:
            raise UsageError("a forecast needs its number of steps", hint="give horizon, as --horizon 14")
        for name, least in (("horizon", 1), ("windows", 1), ("season", 1)):
            value = getattr(options, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {least} or more, not {value}")
        if not all(0 < level < 1 for level in options.quantiles):
            raise UsageError(f"quantiles lie between 0 and 1: {', '.join(map(str, options.quantiles))}")
        return options
