"""Budget: how much a job may take, in time, money and trials."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from automl_bridge.errors import BudgetError

__all__ = ["Budget", "format_duration", "parse_duration"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])")


def parse_duration(value: str | float | timedelta) -> float:
    """Read a duration in seconds from ``"90s"``, ``"10m"``, ``"1h30m"``, a number of seconds or a timedelta.

    Raises
    ------
    BudgetError
        If it cannot be read, or is not a positive finite length of time.
    """
    hint = 'write it like "90s", "10m" or "1h30m", or as a number of seconds'
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, bool):
        raise BudgetError(f"max_time {value!r} is not a duration", hint=hint)
    elif isinstance(value, (int, float)):
        seconds = float(value)
    else:
        seconds = _parse_text(str(value), hint)
    if not math.isfinite(seconds) or seconds <= 0:
        raise BudgetError(f"max_time {value!r} is not a positive length of time", hint=hint)
    return seconds


def _parse_text(text: str, hint: str) -> float:
    compact = text.strip().lower()
    try:
        return float(compact)
    except ValueError:
        pass
    parts = _PART.findall(compact)
    if not parts or _PART.sub("", compact).strip():
        raise BudgetError(f'max_time "{text}" is not a duration', hint=hint)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Write seconds as a person would: ``0.04 s``, ``2.5 s``, ``14 s``, ``1m 31s``, ``2h 05m``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def _optional_duration(value: object) -> object:
    return None if value is None else parse_duration(value)  # type: ignore[arg-type]


def _optional_money(value: object) -> object:
    return None if value is None else _number(value, "max_cost_usd", "write it in dollars, like 5 or 2.50")


def _optional_count(value: object) -> object:
    if value is None:
        return None
    number = _number(value, "max_trials", "write a whole number of trials, 1 or more")
    if number != int(number):
        raise BudgetError(f"max_trials {value!r} is not a whole number", hint="write 1 or more")
    return int(number)


def _number(value: object, name: str, hint: str) -> float:
    try:
        number = float(str(value).strip().lstrip("$"))
    except ValueError:
        raise BudgetError(f"{name} {value!r} is not a number", hint=hint) from None
    if isinstance(value, bool) or not math.isfinite(number) or number <= 0:
        raise BudgetError(f"{name} {value!r} is not a positive number", hint=hint)
    return number


class Budget(BaseModel):
    """How much a job may take; whichever is reached first ends it.

    Parameters
    ----------
    max_time
        Wall-clock time of the search in seconds; accepts ``"10m"`` and timedeltas. None: no limit.
    max_cost_usd
        US dollars for the whole run: training, prediction on the holdout, storage. None: no limit.
    max_trials
        Number of candidate models. None: no limit.

    Raises
    ------
    BudgetError
        If a value cannot be read or is not positive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_time: Annotated[float | None, BeforeValidator(_optional_duration)] = None
    max_cost_usd: Annotated[float | None, BeforeValidator(_optional_money)] = None
    max_trials: Annotated[int | None, BeforeValidator(_optional_count)] = None

    def __init__(self, **data: Any) -> None:
        # BudgetError is a ValueError, so pydantic wraps it; people should get it as it is.
        try:
            super().__init__(**data)
        except ValidationError as error:
            cause = error.errors()[0].get("ctx", {}).get("error")
            if isinstance(cause, BudgetError):
                raise cause from None
            raise BudgetError(f"budget: {error.errors()[0]['msg']}: {error.errors()[0]['loc']}") from None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return self.max_time is None and self.max_cost_usd is None and self.max_trials is None

    def __str__(self) -> str:
        """Write the limits that are set, as ``10m 00s, $5.00, 4 trials``."""
        parts = []
        if self.max_time is not None:
            parts.append(format_duration(self.max_time))
        if self.max_cost_usd is not None:
            parts.append(f"${self.max_cost_usd:,.2f}")
        if self.max_trials is not None:
            parts.append(f"{self.max_trials} trials")
        return ", ".join(parts) or "no limit"
