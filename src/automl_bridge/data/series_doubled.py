"""Several series in one, for want of the column that tells them apart: seen by stamps, before they are averaged."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_integral, is_text
from automl_bridge.data.series import series_codes
from automl_bridge.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.data.series_regular import Rows

__all__ = ["refuse_doubled"]

_LEAST_STAMPS = 3
"""Fewer doubled stamps are slips."""
_SHARE = 0.05
"""Share of doubled stamps, above which they are no slips."""
_NEW_SHARE = 0.25
"""The same in new data: of a short history a few stamps are a large share."""
_ROWS_PER_SERIES = 4
_PAIRED = 6
"""Columns that are tried in pairs."""
_NAMED = 3


def refuse_doubled(
    rows: Rows, keys: Sequence[str], settled: Collection[str], where: str, *, trained: bool = False
) -> None:
    """Raise if so many stamps are there more than once that a column seems to be missing that tells series apart.

    Parameters
    ----------
    rows
        Sorted rows.
    keys
        Columns that tell series apart already.
    settled
        Columns that have another role: time and target.
    where
        How to speak of the data.
    trained
        Whether a model has settled what tells series apart: then the rows must change.

    Raises
    ------
    DataError
        Says how many there are; its hint names columns, or pairs, by which each stamp would be there once.
    """
    share = _NEW_SHARE if trained else _SHARE
    doubled, stamps = _doubled(rows.codes, rows.times)
    if doubled < _LEAST_STAMPS or doubled <= share * stamps:
        return
    told = f"{doubled:,} of {stamps:,} stamps are there more than once" + (" in their series" if keys else "")
    if trained:
        series = f"{' and '.join(keys)} tell its series apart" if keys else "it knows one series"
        raise DataError(
            f"{where}: {told}: these are more series than the model can tell apart",
            hint=f"give rows of one of them ({series}), or train anew with --series COLUMN",
        )
    ways = _ways(rows, [*keys, *settled], share)
    options = [" ".join(f"--series {name}" for name in (*keys, *way)) for way in ways[:_NAMED]]
    hint = f"{' or '.join(options)} tells them apart" if options else "name it: --series COLUMN"
    raise DataError(
        f"{where}: {told}: a column that tells series apart seems to be missing",
        hint=f"{hint}; if the rows of a stamp are one series, --gaps average takes their mean",
    )


def _doubled(codes: NDArray[np.int64], times: NDArray[np.int64]) -> tuple[int, int]:
    """Return how many stamps of a series are there more than once, and how many there are."""
    import numpy as np

    order = np.lexsort((times, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0)
    again = np.r_[False, same]
    first = ~again & np.r_[same, False]
    return int(first.sum()), int((~again).sum())


def _ways(rows: Rows, taken: Collection[str], share: float) -> list[tuple[str, ...]]:
    """Return columns, or where there is none pairs, that tell the rows of a stamp apart; of few values first."""
    import numpy as np
    import pyarrow as pa

    levels = {}
    for name, column in zip(rows.table.column_names, rows.table.columns, strict=True):
        kind = column.type
        if name in taken or column.null_count or not (is_text(kind) or is_integral(kind) or pa.types.is_boolean(kind)):
            continue
        codes = series_codes(rows.table, [name])
        count = int(codes.max()) + 1
        if 1 < count <= len(codes) // _ROWS_PER_SERIES:
            levels[name] = (count, codes)
    names = sorted(levels, key=lambda name: levels[name][0])

    def apart(way: Sequence[str]) -> bool:
        joint = rows.codes
        for name in way:
            _, joint = np.unique(joint * levels[name][0] + levels[name][1], return_inverse=True)
        if int(joint.max()) + 1 > len(joint) // _ROWS_PER_SERIES:
            return False
        doubled, stamps = _doubled(joint, rows.times)
        return doubled <= share * stamps

    alone: list[tuple[str, ...]] = [(name,) for name in names if apart((name,))]
    return alone or [pair for pair in combinations(names[:_PAIRED], 2) if apart(pair)]
