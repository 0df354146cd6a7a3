"""Time series as the arrays that forecasters of this machine read: values, calendar, covariates, windows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge.data.series import Panel
from automl_bridge.data.series_clock import Clock
from automl_bridge.data.series_steps import DAY, HOUR, MINUTE, Steps
from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.encode import TableEncoder
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["SeriesArrays", "SeriesReader", "calendar"]


def calendar(times: NDArray[np.int64], steps: Steps) -> NDArray[np.float32]:
    """Return where stamps are in the cycles that are longer than a step, each from 0 to 1, shape (rows, cycles).

    Parameters
    ----------
    times
        Microseconds by the clock on the wall.
    """
    import numpy as np

    if steps.unit == "number":
        return np.zeros((len(times), 0), np.float32)
    size = {"fixed": steps.size, "business": DAY, "month": 30 * DAY * steps.size}[steps.unit]
    days = (times // DAY).astype("M8[D]")
    month, year = days.astype("M8[M]"), days.astype("M8[Y]")
    found = [
        (MINUTE, (times % MINUTE) / MINUTE),
        (HOUR, (times % HOUR) / HOUR),
        (DAY, (times % DAY) / DAY),
        (7 * DAY, ((days.astype(np.int64) + 3) % 7) / 7),
        (28 * DAY, (days - month.astype("M8[D]")).astype(np.int64) / 31),
        (365 * DAY, (days - year.astype("M8[D]")).astype(np.int64) / 366),
    ]
    phases = [phase for cycle, phase in found if size < cycle]
    return np.stack(phases, axis=1).astype(np.float32) if phases else np.zeros((len(times), 0), np.float32)


@dataclass(frozen=True)
class SeriesArrays:
    """All rows of all series, one series after another.

    Parameters
    ----------
    values
        Target, NaN where it is to be forecast; shape (rows,).
    starts
        Where each series begins, and the number of rows: shape (series + 1,).
    phases
        Places in the calendar's cycles, shape (rows, cycles).
    known
        Covariates that are known in advance, shape (rows, columns); NaN where missing.
    past
        Other covariates, of which only the past is known.
    """

    values: NDArray[np.float64]
    starts: NDArray[np.int64]
    phases: NDArray[np.float32]
    known: NDArray[np.float32]
    past: NDArray[np.float32]

    @property
    def codes(self) -> NDArray[np.int64]:
        """Number of each row's series."""
        import numpy as np

        return np.repeat(np.arange(len(self.starts) - 1), self.starts[1:] - self.starts[:-1])

    def asked(self, horizon: int) -> NDArray[np.int64]:
        """Return the row of the first step to forecast of each series: ``horizon`` before its end."""
        import numpy as np

        return np.asarray(self.starts[1:] - horizon, np.int64)

    def origins(self, horizon: int, least: int) -> NDArray[np.int64]:
        """Return all rows that a forecast could begin at, with ``least`` rows before and ``horizon`` from there on."""
        import numpy as np

        codes, index = self.codes, np.arange(len(self.values))
        inside = (index - self.starts[:-1][codes] >= least) & (index + horizon <= self.starts[1:][codes])
        return np.flatnonzero(inside)

    def window(self, origins: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Return the ``length`` values before each origin, NaN before the series' beginning: (origins, length)."""
        import numpy as np

        place = origins[:, None] - np.arange(length, 0, -1)
        begin = self.starts[:-1][np.searchsorted(self.starts, origins, side="right") - 1]
        return np.where(place >= begin[:, None], self.values[np.maximum(place, 0)], np.nan)

    def ahead(self, origins: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
        """Return the rows from each origin on, shape (origins, horizon)."""
        import numpy as np

        return np.asarray(origins[:, None] + np.arange(horizon), np.int64)


@dataclass(frozen=True)
class SeriesReader:
    """Reads tables of series into `SeriesArrays`; fitted on training rows, JSON in and out.

    Parameters
    ----------
    profile, forecast
        Of the training data.
    known, past
        Encoders of the covariates.
    """

    profile: Profile
    forecast: ForecastSpec
    known: TableEncoder
    past: TableEncoder

    @classmethod
    def fit(cls, table: pa.Table, profile: Profile, forecast: ForecastSpec) -> SeriesReader:
        """Learn how covariates are encoded."""
        from automl_bridge.data.encode import TableEncoder

        ahead = [column for column in profile.features if column.name in forecast.known_future]
        other = [column for column in profile.features if column.name not in forecast.known_future]
        return cls(profile, forecast, TableEncoder.fit(table, ahead), TableEncoder.fit(table, other))

    def read(self, table: pa.Table) -> SeriesArrays:
        """Read a sorted table: a part, or a question."""
        target = self.profile.with_role(Role.TARGET)[0].name
        panel = Panel.of(table, self.forecast, target)
        steps = Steps.parse(self.forecast.freq)
        kind = next(column.arrow_type for column in self.profile.columns if column.name == self.forecast.time)
        wall = Clock(kind, calendar=True).read(table[self.forecast.time])
        return SeriesArrays(
            panel.values, panel.starts, calendar(wall, steps), _numbers(self.known, table), _numbers(self.past, table)
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, with profile and forecast."""
        return {"known": self.known.to_json(), "past": self.past.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], profile: Profile, forecast: ForecastSpec) -> SeriesReader:
        """Rebuild it from `to_json`."""
        from automl_bridge.data.encode import TableEncoder

        known, past = (TableEncoder.from_json(document[name]) for name in ("known", "past"))
        return cls(profile, forecast, known, past)


def _numbers(encoder: TableEncoder, table: pa.Table) -> NDArray[np.float32]:
    import numpy as np

    encoded = encoder.transform(table)
    return np.hstack([encoded.numeric, encoded.categorical.astype(np.float32)])
