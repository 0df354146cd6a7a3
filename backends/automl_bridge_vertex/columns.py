"""Which columns the service gets, what each is called and how it is to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.spec import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl_bridge.spec import ColumnProfile, Profile

__all__ = [
    "KEY",
    "SERIES",
    "is_stamped",
    "key_column",
    "series_column",
    "target_column",
    "time_column",
    "transformation",
]

KEY = "ab_row"
"""Column with the number of a row to predict: it is put out again beside the answer (limit
``vertex.tabular.predict_columns``), so answers in any order find their rows."""

SERIES = "ab_series"
"""Column that names the series of a forecast, whatever columns it is told apart by."""


def _free(name: str, profile: Profile) -> str:
    taken = {column.safe_name.lower() for column in profile.columns}
    while name in taken:
        name += "_"
    return name


def key_column(profile: Profile) -> str:
    """Return the name of the column of row numbers: one that no column of the data has."""
    return _free(KEY, profile)


def series_column(profile: Profile) -> str:
    """Return the name of the column of series: one that no column of the data has."""
    return _free(SERIES, profile)


def target_column(profile: Profile) -> str:
    """Return the safe name of the target."""
    return profile.with_role(Role.TARGET)[0].safe_name


def is_stamped(column: ColumnProfile) -> bool:
    """Whether a column holds points in time; durations and times of day are numbers of seconds."""
    return column.kind is Kind.DATETIME and column.arrow_type.startswith(("timestamp", "date"))


def time_column(profile: Profile) -> ColumnProfile | None:
    """Return the column by whose time the rows of a table were held out; None if there is none of stamps."""
    return next((column for column in profile.with_role(Role.TIME) if is_stamped(column)), None)


def transformation(column: ColumnProfile, *, invalid: Iterable[str] = ("numeric", "timestamp")) -> dict[str, object]:
    """Return how the service is to read a feature: said for each, so that it never guesses from a file's header.

    Parameters
    ----------
    invalid
        Kinds for which it can be said that a row with an unreadable value is kept, not dropped without a word.
    """
    kind = "numeric"
    if column.kind is Kind.CATEGORICAL:
        kind = "categorical"
    elif column.kind is Kind.TEXT:
        kind = "text"
    elif is_stamped(column):
        # Stamps are written as RFC 3339 with Z, which is what is read where no format is given.
        kind = "timestamp"
    said: dict[str, object] = {"columnName": column.safe_name}
    if kind in set(invalid):
        said["invalidValuesAllowed"] = True
    return {kind: said}
