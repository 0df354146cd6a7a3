"""The frequency of a table of time series, found from its stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.series_steps import DAY, HOUR, MINUTE, SECOND, Steps
from automl_bridge.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["infer_steps"]

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_HINT = "give the length of a step: --freq D, h, W, MS, 15min …"
_LEAST_SHARE = 0.5


def infer_steps(
    wall: NDArray[np.int64], absolute: NDArray[np.int64], codes: NDArray[np.int64], *, numbers: bool
) -> Steps:
    """Return the step that most neighbours of a series have between them.

    Parameters
    ----------
    wall, absolute
        Stamps in microseconds, by the clock on the wall and in time itself; sorted by series, then time.
    codes
        Number of each row's series.
    numbers
        Whether stamps are plain whole numbers.

    Raises
    ------
    DataError
        If no step is the usual one.
    """
    import numpy as np

    same = codes[1:] == codes[:-1]
    passed = np.diff(absolute)[same]
    passed = passed[passed > 0]
    if not len(passed):
        raise DataError("no series has two stamps: the length of a step cannot be seen", hint=_HINT)
    if numbers:
        return Steps.parse(str(_usual(passed)))
    usual = _usual(passed)
    if usual < DAY - 2 * HOUR:
        return Steps.parse(_short(usual))
    shown = np.diff(wall)[same]
    return Steps.parse(_long(wall, shown[shown > 0]))


def _usual(steps: NDArray[np.int64]) -> int:
    import numpy as np

    values, counts = np.unique(steps, return_counts=True)
    best = int(counts.argmax())
    if counts[best] < _LEAST_SHARE * len(steps) and int(values[best]) < 27 * DAY:
        raise DataError(
            f"the stamps have no usual step: the most frequent is there in {counts[best]:,} of {len(steps):,} cases",
            hint=_HINT + "; --gaps fill moves stamps to the step that they fall in",
        )
    return int(values[best])


def _short(usual: int) -> str:
    for size, unit in ((HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1000, "ms")):
        if usual % size == 0:
            return f"{usual // size}{unit}"
    return f"{usual}us"


def _long(wall: NDArray[np.int64], shown: NDArray[np.int64]) -> str:
    """Return a step of days, weeks, business days or months."""
    import numpy as np

    usual = _usual(shown)
    days = (wall // DAY).astype("M8[D]")
    if usual >= 27 * DAY and (months := _months(days, shown)):
        return months
    weekday = (days.astype(np.int64) + 3) % 7
    if usual == DAY and (shown == 3 * DAY).any() and not (weekday >= 5).any():
        return "B"
    if usual % (7 * DAY) == 0:
        weeks = usual // (7 * DAY)
        if (weekday == weekday[0]).all():
            return f"{weeks}W-{_WEEKDAYS[int(weekday[0])]}"
        return f"{7 * weeks}D"
    return f"{usual // DAY}D" if usual % DAY == 0 else _short(usual)


def _months(days: NDArray[np.datetime64], shown: NDArray[np.int64]) -> str | None:
    """Return a step of months where stamps are on one day of the month, or on its last."""
    import numpy as np

    month = days.astype("M8[M]")
    within = (days - month.astype("M8[D]")).astype(np.int64)
    last = ((days + 1).astype("M8[M]") != month).all()
    if not last and not (within == within[0]).all():
        return None
    count = max(1, round(_usual(shown) / DAY / 30.44))
    end = "E" if last else "S"
    for size, unit in ((12, "Y"), (3, "Q")):
        if count % size == 0:
            return f"{count // size}{unit}{end}"
    return f"{count}M{end}"
