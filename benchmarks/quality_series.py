"""Real series that come inside Python wheels; the last ``horizon`` steps of each are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from quality_wheels import Wheels


class Series(NamedTuple):
    """A table with the columns ``time`` and ``value``, and ``series`` where it holds several; and what to forecast."""

    frame: pd.DataFrame
    horizon: int
    season: int


def _aeon(wheels: Wheels, name: str) -> pd.DataFrame:
    return wheels.csv("aeon", f"aeon/datasets/data/{name}/{name}.csv")


def _statsmodels(name: str) -> pd.DataFrame:
    import statsmodels.api as sm

    return getattr(sm.datasets, name).load_pandas().data


def _airline(wheels: Wheels) -> Series:
    import pandas as pd

    frame = _aeon(wheels, "Airline").set_axis(["time", "value"], axis=1)
    return Series(frame.assign(time=pd.to_datetime(frame["time"], format="%Y-%m")), 12, 12)


def _solar(wheels: Wheels) -> Series:
    """A day of half hours."""
    import pandas as pd

    frame = _aeon(wheels, "solar").set_axis(["time", "value"], axis=1)
    return Series(frame.assign(time=pd.to_datetime(frame["time"]).dt.tz_localize(None)), 48, 48)


def _uschange(wheels: Wheels) -> Series:
    """Five quarterly changes of the United States' economy, two years ahead."""
    import pandas as pd

    frame = _aeon(wheels, "Uschange").iloc[:, 1:]
    quarters = pd.PeriodIndex(frame.pop("Quarter").str.replace(" ", ""), freq="Q").to_timestamp()
    return Series(frame.assign(time=quarters).melt("time", var_name="series"), 8, 4)


def _macrodata(_wheels: Wheels) -> Series:
    """Twelve quarterly levels of the United States' economy, two years ahead."""
    import pandas as pd

    frame = _statsmodels("macrodata").astype({"year": int, "quarter": int})
    quarters = pd.PeriodIndex.from_fields(year=frame.pop("year"), quarter=frame.pop("quarter"), freq="Q")
    return Series(frame.assign(time=quarters.to_timestamp()).melt("time", var_name="series"), 8, 4)


def _co2(_wheels: Wheels) -> Series:
    """Half a year of weeks; weeks that were not measured are filled."""
    frame = _statsmodels("co2").reset_index().set_axis(["time", "value"], axis=1)
    return Series(frame.dropna(), 26, 52)


def _elnino(_wheels: Wheels) -> Series:
    import pandas as pd

    frame = _statsmodels("elnino").melt("YEAR", var_name="month")
    stamps = frame["YEAR"].astype(int).astype(str) + " " + frame["month"]
    return Series(frame.assign(time=pd.to_datetime(stamps, format="%Y %b"))[["time", "value"]], 12, 12)


def _sunspots(_wheels: Wheels) -> Series:
    """Two cycles of about eleven years."""
    import pandas as pd

    frame = _statsmodels("sunspots").set_axis(["time", "value"], axis=1)
    return Series(frame.assign(time=pd.to_datetime(frame["time"].astype(int).astype(str), format="%Y")), 22, 11)


def _bikeshare(wheels: Wheels) -> Series:
    """A week of hours; hours without a rider are not in the data, and are filled."""
    import pandas as pd

    frame = wheels.islp("Bikeshare")
    hours = pd.to_timedelta((frame["day"] - 1) * 24 + frame["hr"].astype(int), unit="h")
    frame = frame.assign(time=pd.Timestamp("2011-01-01") + hours, value=frame["bikers"].astype(float))
    return Series(frame[["time", "value"]], 168, 168)


SERIES: dict[str, Callable[[Wheels], Series]] = {
    "airline": _airline,
    "uschange": _uschange,
    "solar": _solar,
    "co2": _co2,
    "elnino": _elnino,
    "sunspots": _sunspots,
    "macrodata": _macrodata,
    "bikeshare": _bikeshare,
}
