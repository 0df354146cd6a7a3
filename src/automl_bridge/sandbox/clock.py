"""Simulated time: fast while a job runs, real otherwise."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_FACTOR", "SimulatedClock"]

DEFAULT_FACTOR = 7200.0
"""Simulated seconds in a real one: a job of two hours takes a second."""


class SimulatedClock:
    """A clock that runs ``factor`` times faster for as long as somebody waits for something.

    It starts at the real time and is never behind it. It races only up to the moment that `run_until`
    named; after that it ticks like any clock, so that a server left alone overnight does not end up in
    another year.

    Parameters
    ----------
    factor
        Simulated seconds in a real one while it races; 1 for real time.
    timer
        Real seconds, monotonic. Tests hand in their own.
    start
        Simulated time at the beginning, in epoch seconds; default: now.
    """

    def __init__(
        self, factor: float = DEFAULT_FACTOR, *, timer: Callable[[], float] = time.monotonic, start: float | None = None
    ) -> None:
        if not factor > 0:
            raise ValueError(f"a clock's factor must be above 0, not {factor}")
        self._factor = float(factor)
        self._timer = timer
        self._lock = threading.Lock()
        self._real = timer()
        self._simulated = time.time() if start is None else float(start)
        self._busy_until = self._simulated

    @property
    def factor(self) -> float:
        """Simulated seconds in a real one while it races."""
        return self._factor

    @factor.setter
    def factor(self, value: float) -> None:
        if not value > 0:
            raise ValueError(f"a clock's factor must be above 0, not {value}")
        with self._lock:
            self._settle()
            self._factor = float(value)

    def time(self) -> float:
        """Return the simulated time in epoch seconds."""
        with self._lock:
            return self._settle()

    def now(self) -> datetime:
        """Return the simulated time, in UTC."""
        return datetime.fromtimestamp(self.time(), tz=UTC)

    def run_until(self, moment: float) -> None:
        """Race until ``moment`` (epoch seconds, simulated); an earlier moment changes nothing."""
        with self._lock:
            self._settle()
            self._busy_until = max(self._busy_until, moment)

    def advance(self, seconds: float) -> float:
        """Jump ``seconds`` ahead; returns the simulated time after it."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        with self._lock:
            self._simulated = self._settle() + seconds
            return self._simulated

    def _settle(self) -> float:
        real = self._timer()
        elapsed, self._real = real - self._real, real
        race = max(0.0, self._busy_until - self._simulated) / self._factor  # real seconds it still races
        fast = min(elapsed, race)
        self._simulated += fast * self._factor + (elapsed - fast)
        return self._simulated
