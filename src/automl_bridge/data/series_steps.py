"""Steps of a time series: the arithmetic of a frequency, over arrays of stamps.

Stamps are whole microseconds (or plain whole numbers). Days and longer steps are steps of the calendar, on the clock
on the wall; shorter ones are steps of time itself, so that an hour is an hour when clocks change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from automl_bridge.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "Steps"]

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
_FIXED = {"us": 1, "ms": 1000, "s": SECOND, "min": MINUTE, "h": HOUR, "D": DAY, "W": 7 * DAY}
_MONTHS = {"MS": 1, "QS": 3, "YS": 12, "ME": 1, "QE": 3, "YE": 12}
_OLDER = {"U": "us", "L": "ms", "S": "s", "T": "min", "H": "h", "M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS"}
_FREQ = re.compile(r"^(\d*)([A-Za-z]*)(?:-([A-Z]{3}))?$")
_HINT = "use D, h, W, MS, ME, QS, YS, B, min or s, with a number before it if need be (15min); or a number for integers"


@dataclass(frozen=True)
class Steps:
    """A frequency.

    Parameters
    ----------
    freq
        As pandas writes it today; a number for stamps that are whole numbers.
    unit
        What a step is made of.
    size
        Microseconds, months, business days or units of a step.
    at_end
        Whether a month's stamp is its last day.
    """

    freq: str
    unit: Literal["fixed", "month", "business", "number"]
    size: int
    at_end: bool = False

    @classmethod
    def parse(cls, freq: str) -> Steps:
        """Read a frequency.

        Raises
        ------
        UsageError
            If it is none.
        """
        found = _FREQ.match(str(freq).strip())
        count, unit, anchor = (int(found[1] or 1), found[2], found[3]) if found else (0, "", None)
        unit = unit if unit in _FIXED or unit in _MONTHS else _OLDER.get(unit, unit)
        if not count or (found and not found[1] and not unit):
            raise UsageError(f'"{freq}" is no frequency', hint=_HINT)
        text = (str(count) if count > 1 else "") + unit + (f"-{anchor}" if anchor else "")
        if not unit:
            return cls(str(count), "number", count)
        if unit in _FIXED:
            return cls(text, "fixed", count * _FIXED[unit])
        if unit in _MONTHS:
            return cls(text, "month", count * _MONTHS[unit], unit.endswith("E"))
        if unit == "B":
            return cls(text, "business", count)
        raise UsageError(f'"{freq}" is no frequency', hint=_HINT)

    @property
    def is_calendar(self) -> bool:
        """Whether it counts days of the calendar, not hours that pass."""
        return self.unit in {"month", "business"} or (self.unit == "fixed" and self.size % DAY == 0)

    @property
    def season(self) -> int:
        """Steps of the season that is usual for it: a day of hours, a week of days, a year of months; 1 for none."""
        if self.unit == "month":
            return 12 // self.size if 12 % self.size == 0 else 1
        if self.unit == "business":
            return 5 if self.size == 1 else 1
        if self.unit == "number":
            return 1
        if self.size == 7 * DAY:
            return 52
        # The shortest cycle of some 4 steps or more; a day of single minutes is too long to be learned.
        for cycle, least in ((MINUTE, SECOND), (HOUR, MINUTE), (DAY, HOUR), (7 * DAY, DAY)):
            if least <= self.size < cycle and cycle % self.size == 0:
                longer = DAY if cycle == HOUR and DAY // self.size <= _LONGEST else cycle
                return longer // self.size
        return 1

    def after(self, first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the stamps ``count`` steps after ``first``, element by element."""
        import numpy as np

        if self.unit in {"fixed", "number"}:
            return first + count * self.size
        day, clock = _split(first)
        if self.unit == "business":
            moved = np.busday_offset(day, count * self.size, roll="forward")
        else:
            month = day.astype("M8[M]") + count * self.size
            begin = month.astype("M8[D]")
            length = (month + 1).astype("M8[D]") - begin
            within = length - 1 if self.at_end else np.minimum(day - day.astype("M8[M]").astype("M8[D]"), length - 1)
            moved = begin + within
        return moved.astype("M8[us]").astype(np.int64) + clock

    def positions(self, times: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many whole steps lie between ``first`` and ``times``, element by element."""
        import numpy as np

        if self.unit in {"fixed", "number"}:
            return (times - first) // self.size
        day, start = _split(times)[0], _split(first)[0]
        if self.unit == "business":
            return np.asarray(np.busday_count(start, day) // self.size, np.int64)
        months = (day.astype("M8[M]") - start.astype("M8[M]")).astype(np.int64)
        return np.asarray(months // self.size, np.int64)


_LONGEST = 288
"""Steps of the longest season taken by itself: a day of five minutes."""


def _split(times: NDArray[np.int64]) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """Return days, and microseconds within them."""
    import numpy as np

    return (times // DAY).astype("M8[D]"), np.asarray(times % DAY, np.int64)
