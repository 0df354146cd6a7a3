"""How each kind of column becomes arrays; `encode` has the table of rules."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from automl_bridge.data.arrow_types import is_integral, is_stamp, is_text, parse_type
from automl_bridge.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import ColumnProfile

__all__ = ["Encoding", "Levels", "Number", "Stamp", "TextSize", "fit_column", "from_document"]

_REACH = 1e15
"""Largest absolute value that leaves the encoder: its square, summed over millions of rows, fits into float32."""
_BEYOND = 10.0
"""How many of training's ranges beyond its ends a value may lie."""
_BLUR = 1e5
"""Float32 holds 7 digits: a range this much smaller than the values themselves would be blurred."""
_MAX_LEVELS = 252
"""With 0 and the rare ones at most 254 codes: scikit-learn's gradient boosting takes no more than 255 a column."""
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


class Encoding(ABC):
    """What was learned of one column."""

    type: ClassVar[str]
    name: str

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Names of the numbers that it makes; a category makes none."""

    @abstractmethod
    def write(self, column: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
        """Write the column's numbers into ``out``, shape (numbers, rows)."""

    def document(self) -> dict[str, Any]:
        """Return what was learned, for JSON."""
        return {"type": self.type} | asdict(self)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True)
class Number(Encoding):
    """A number: ``(x - offset) * scale``, after drawing x into [low, high]."""

    type: ClassVar[str] = "number"
    name: str
    low: float
    high: float
    offset: float = 0.0
    scale: float = 1.0

    @property
    def outputs(self) -> tuple[str, ...]:
        """The column's own name."""
        return (self.name,)

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str) -> Number:
        """Learn the range of the finite values."""
        import numpy as np

        values = _floats(column)
        values = values[np.isfinite(values)]
        if not len(values):
            return cls(name, -_REACH, _REACH)
        least, most = float(values.min()), float(values.max())
        largest = max(abs(least), abs(most))
        # Halves, so that the range of the largest doubles does not overflow.
        span = 2 * min(most / 2 - least / 2, 8e307 / _BEYOND) or largest or 1.0
        offset = least if largest > _BLUR * (most / 2 - least / 2) * 2 and most > least else 0.0
        low, high = max(least - _BEYOND * span, -1.7e308), min(most + _BEYOND * span, 1.7e308)
        reach = max(abs(low - offset), abs(high - offset))
        scale = 1.0 if reach <= _REACH else 10.0 ** math.floor(math.log10(_REACH) - math.log10(reach))
        return cls(name, low, high, offset, scale)

    def write(self, column: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
        """Write the number; NaN where it is missing."""
        import numpy as np

        values = np.clip(_floats(column), self.low, self.high)
        if self.offset:
            values -= self.offset
        if self.scale != 1.0:
            values *= self.scale
        out[0] = values


@dataclass(frozen=True)
class Stamp(Encoding):
    """A point in time: days since the first, and its parts in the column's zone."""

    type: ClassVar[str] = "stamp"
    name: str
    first: float
    low: float
    high: float
    zone: str | None
    hours: bool

    @property
    def outputs(self) -> tuple[str, ...]:
        """One name a part."""
        parts = ("days", "month", "day", "weekday", *(("hour",) if self.hours else ()))
        return tuple(f"{self.name}.{part}" for part in parts)

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str, zone: str | None) -> Stamp:
        """Learn first and last, and whether there are times of day."""
        import numpy as np

        days, local = _days(column, zone)
        days, local = days[np.isfinite(days)], local[np.isfinite(local)]
        if not len(days):
            return cls(name, 0.0, -_REACH, _REACH, zone, hours=False)
        first, span = float(days.min()), float(days.max() - days.min()) or 1.0
        hours = bool((local != np.floor(local)).any())
        return cls(name, first, -_BEYOND * span, (1 + _BEYOND) * span, zone, hours)

    def write(self, column: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
        """Write days, month, day, weekday and hour; NaN where it is missing."""
        import numpy as np

        days, local = _days(column, self.zone)
        out[0] = np.clip(days - self.first, self.low, self.high)
        missing = np.isnan(local)
        whole = np.floor(np.where(missing, 0.0, local)).astype(np.int64)
        dates = whole.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        out[1] = months.astype(np.int64) % 12 + 1
        out[2] = (dates - months).astype(np.int64) + 1
        out[3] = (whole + 3) % 7  # 1970-01-01 was a Thursday
        if self.hours:
            out[4] = (local - whole) * 24
        out[1:, missing] = np.nan


@dataclass(frozen=True)
class TextSize(Encoding):
    """A text's length in characters and in words."""

    type: ClassVar[str] = "text"
    name: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """Length and words."""
        return (f"{self.name}.length", f"{self.name}.words")

    def write(self, column: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
        """Write both; NaN where the text is missing."""
        import pyarrow.compute as pc

        text = _text(column)
        out[0] = _floats(pc.utf8_length(text))
        out[1] = _floats(pc.count_substring_regex(text, r"\S+"))


@dataclass(frozen=True)
class Levels(Encoding):
    """A category: the levels that have a code of their own, in the order of their codes."""

    type: ClassVar[str] = "levels"
    name: str
    levels: tuple[str, ...]
    rare: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """None: a category is no number."""
        return ()

    @property
    def cardinality(self) -> int:
        """Number of codes: 0, one a level, and one for rare ones if there are any."""
        return 1 + len(self.levels) + self.rare

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str) -> Levels:
        """Count levels; those with a single row are rare, and all after the 252 most frequent."""
        import pyarrow.compute as pc

        counted = pc.value_counts(_text(column).drop_null())
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        # Most frequent first; among equals by text, so that the order of rows does not matter.
        ordered = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        frequent = [level for level, count in ordered[:_MAX_LEVELS] if count > 1]
        return cls(name, tuple(frequent), rare=len(frequent) < len(ordered))

    def codes(self, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """Return each value's code, shape (rows,)."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        text = _text(column)
        found = pc.index_in(text, value_set=pa.array(self.levels, pa.string()))
        other = self.cardinality - 1 if self.rare else 0
        plus_one = pc.add(found, pa.scalar(1, pa.int32()))
        codes: NDArray[np.int32] = pc.fill_null(plus_one, other).to_numpy().astype(np.int32)
        codes[pc.is_null(text).to_numpy()] = 0
        return codes

    def write(self, column: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
        """Write nothing."""


_TYPES: dict[str, type[Encoding]] = {each.type: each for each in (Number, Stamp, TextSize, Levels)}


def fit_column(column: pa.ChunkedArray, profile: ColumnProfile) -> Encoding:
    """Learn the encoding of one column by its kind."""
    import pyarrow as pa

    if profile.kind is Kind.CATEGORICAL:
        return Levels.fit(column, profile.name)
    if profile.kind is Kind.TEXT:
        return TextSize(profile.name)
    if profile.kind is Kind.DATETIME:
        kind = parse_type(profile.arrow_type)
        return Stamp.fit(column, profile.name, kind.tz if pa.types.is_timestamp(kind) else None)
    return Number.fit(column, profile.name)


def from_document(document: Mapping[str, Any]) -> Encoding:
    """Read what `Encoding.document` wrote."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    return _TYPES[values.pop("type")](**values)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return numbers as float64 with NaN for missing ones; durations in seconds, text as far as it is numbers."""
    import numpy as np

    from automl_bridge.data.cast import to_float

    # Arrow turns nulls into NaN on the way to numpy.
    return np.asarray(to_float(column, "").to_numpy(), dtype=np.float64)


def _days(column: pa.ChunkedArray, zone: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return days since 1970 in UTC, and by the clock of ``zone``; NaN where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_stamp(column.type):
        column = pa.chunked_array([pa.nulls(len(column), pa.timestamp("s"))])
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"), safe=False)
    unit = column.type.unit
    if column.type.tz is None and zone is not None:
        column = column.cast(pa.timestamp(unit, "UTC"))
    days = _floats(column.cast(pa.int64())) / _DAY[unit]
    if zone is None:
        return days, days
    local = pc.local_timestamp(column.cast(pa.timestamp(unit, zone)))
    return days, _floats(local.cast(pa.int64())) / _DAY[unit]


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if is_text(column.type):
        return column
    if is_integral(column.type):
        return column.cast(pa.string())
    from automl_bridge.data.cast import cast_to_kind

    return cast_to_kind(column, Kind.TEXT, "")
