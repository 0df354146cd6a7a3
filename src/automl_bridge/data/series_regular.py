"""Regular series: every step once and with a value; what is not so is named, or mended as asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl_bridge.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.series_steps import Steps

__all__ = ["Rows", "filled", "first_of", "irregularities", "refuse"]

_NAMED = 5
"""Places that an error names; it counts the rest."""


@dataclass(frozen=True)
class Rows:
    """Rows of all series, sorted by series, then time.

    Parameters
    ----------
    table
        The rows.
    codes
        Number of each row's series, from 0.
    times
        Stamps as whole numbers.
    values
        Target; NaN where it is missing.
    """

    table: pa.Table
    codes: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]

    def take(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        import pyarrow as pa

        if chosen.all():
            return self
        return Rows(self.table.filter(pa.array(chosen)), self.codes[chosen], self.times[chosen], self.values[chosen])


def first_of(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the index of its series' first row."""
    import numpy as np

    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]) if len(codes) else np.zeros(0, np.int64)
    return np.repeat(starts, np.diff(np.r_[starts, len(codes)]))


@dataclass(frozen=True)
class Irregular:
    """Rows with the same fault: what it is, in words with a place for stamp and series, and where."""

    words: str
    rows: NDArray[np.int64]
    times: NDArray[np.int64]


def irregularities(rows: Rows, steps: Steps) -> list[Irregular]:
    """Look at all series for doubled stamps, stamps between the steps, steps without a row, and missing targets."""
    import numpy as np

    codes, times = rows.codes, rows.times
    first = times[first_of(codes)]
    place = steps.positions(times, first)
    off = steps.after(first, place) != times
    same = codes[1:] == codes[:-1]
    doubled = np.r_[False, same & (times[1:] == times[:-1])]
    jumps = np.r_[False, same & (np.diff(place) > 1)]
    at = np.flatnonzero(jumps)
    empty = np.flatnonzero(np.isnan(rows.values))
    found = [
        Irregular("is there more than once", np.flatnonzero(doubled), times[doubled]),
        Irregular(f"is not a whole number of steps ({steps.freq}) after the first", np.flatnonzero(off), times[off]),
        Irregular("is missing", at, steps.after(first[at], place[at - 1] + 1)),
        Irregular("has no target", empty, times[empty]),
    ]
    return [each for each in found if len(each.rows)]


def refuse(
    rows: Rows, steps: Steps, name_of: Callable[[int], str], say: Callable[[int], str], hint: str, where: str
) -> None:
    """Raise unless all series are regular.

    Parameters
    ----------
    name_of, say
        Write a series by the index of one of its rows, and a stamp.
    hint
        The way out.
    where
        How to speak of the data.

    Raises
    ------
    DataError
        Names series and stamps.
    """
    found = irregularities(rows, steps)
    if not found:
        return
    lines = []
    for each in found:
        shown = [
            f"{name_of(int(row))}{say(int(time))}"
            for row, time in zip(each.rows[:_NAMED], each.times[:_NAMED], strict=True)
        ]
        rest = len(each.rows) - len(shown)
        lines.append(f"{'; '.join(shown)} {each.words}" + (f" (and {rest:,} more places like that)" if rest else ""))
    raise DataError(f"{where}: " + "; ".join(lines), hint=hint)


def filled(rows: Rows, steps: Steps, write: Callable[[NDArray[np.int64]], pa.Array], time: str) -> tuple[Rows, str]:
    """Give every step of every series one row, and say what was done.

    A row goes to the step that it falls in. Of several in one step the targets are averaged and the last row's other
    columns taken. A step without a row, or without a target, gets a target between its neighbours' and the other
    columns of the row before.

    Returns
    -------
    tuple of Rows and str
        The words are empty if nothing was to be done.
    """
    import numpy as np
    import pyarrow as pa

    found = {each.words.split(" (")[0]: len(each.rows) for each in irregularities(rows, steps)}
    if not found:
        return rows, ""
    first = rows.times[first_of(rows.codes)]
    place = steps.positions(rows.times, first)
    # The place of each row in a grid that holds the series one after another.
    last = np.r_[rows.codes[1:] != rows.codes[:-1], True]
    lengths = place[last] + 1
    starts = np.r_[0, np.cumsum(lengths)]
    cell = starts[rows.codes] + place
    size = int(starts[-1])
    known = ~np.isnan(rows.values)
    count = np.bincount(cell[known], minlength=size)
    total = np.bincount(cell[known], weights=rows.values[known], minlength=size)
    at = np.flatnonzero(count)
    values = np.interp(np.arange(size), at, total[at] / count[at])
    source = np.full(size, -1)
    source[cell] = np.arange(len(cell))  # of several rows the last
    source = np.maximum.accumulate(source)
    codes = np.repeat(np.arange(len(lengths)), lengths)
    times = steps.after(first[last][codes], np.arange(size) - starts[codes])
    table = rows.table.take(pa.array(source))
    table = table.set_column(table.column_names.index(time), time, write(times))
    moved = next((n for words, n in found.items() if words.startswith("is not")), 0)
    said = [
        (moved, "moved to the step that they fall in"),
        (len(cell) - len(np.unique(cell)), "averaged with others of their step"),
        (size - len(np.unique(cell)), "added, each with a target between its neighbours'"),
        (int((~known).sum()), "given a target that they lacked"),
    ]
    note = "rows of irregular series: " + ", ".join(f"{number:,} {words}" for number, words in said if number)
    return Rows(table, codes, times, values), note
