"""Which steps of each series train, validate and are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.split import HOLDOUT, TRAIN, VALIDATION
from automl_bridge.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.data.series_options import SeriesOptions
    from automl_bridge.data.series_steps import Steps

__all__ = ["assign_windows", "least_length", "season_for"]

_NAMED = 5
_LEAST_PAST = 2
"""Steps before a horizon, so that there are two origins to learn from."""


def least_length(horizon: int, windows: int) -> int:
    """Return the steps that a series needs to be learned from, to be validated and to be scored."""
    return (windows + 2) * horizon + _LEAST_PAST


def assign_windows(
    first: NDArray[np.int64],
    horizon: int,
    windows: int,
    name_of: Callable[[int], str],
    validated: bool,  # noqa: FBT001 - a yes or no among numbers
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Assign each row to a part: the last ``windows × horizon`` steps are held out, the horizon before validates.

    A series that is too short for that trains only, and a note names it: it is forecast, but not scored.

    Parameters
    ----------
    first
        For each row the index of its series' first row; rows are sorted.
    horizon, windows
        Steps to forecast, and from how many origins; 0 windows: nothing is held out.
    name_of
        Writes the series of a row.
    validated
        Whether there is a validation part.

    Raises
    ------
    DataError
        If all are too short; names some, their lengths and the least.
    """
    import numpy as np

    starts, index, lengths = np.unique(first, return_inverse=True, return_counts=True)
    least = least_length(horizon, windows) - (0 if validated else horizon)
    short = lengths < least
    named = "; ".join(
        f"{name_of(int(starts[each])) or 'the series '}has {lengths[each]}" for each in np.flatnonzero(short)[:_NAMED]
    ) + ("; …" if short.sum() > _NAMED else "")
    reason = f"{windows} × {horizon} held out, {horizon if validated else 0} to validate, the rest to learn from"
    if short.all() and (windows or validated):
        raise DataError(
            f"all {len(short):,} series are too short to forecast {horizon} steps: at least {least} are needed "
            f"({reason}); {named}",
            hint="forecast fewer steps (--horizon), or give longer series",
        )
    left = (starts + lengths)[index] - np.arange(len(first))  # steps to the end, 1 for the last
    part = np.full(len(first), TRAIN, np.uint8)
    if validated:
        part[left <= (windows + 1) * horizon] = VALIDATION
    part[left <= windows * horizon] = HOLDOUT
    part[short[index]] = TRAIN
    if not short.any() or not (windows or validated):
        return part, ()
    warning = (
        f"{int(short.sum()):,} of {len(short):,} series are shorter than {least} steps ({reason}): they are learned "
        f"from and forecast, but not scored; {named}"
    )
    return part, (warning,)


def season_for(asked: SeriesOptions, steps: Steps, codes: NDArray[np.int64], windows: int) -> int:
    """Return the season: as asked, or the step's usual one where half of the series have two of it to learn from."""
    import numpy as np

    if asked.season is not None:
        return asked.season
    assert asked.horizon is not None
    usual = steps.season
    longest = np.median(np.bincount(codes)) - windows * asked.horizon
    return usual if longest >= 2 * usual else 1
