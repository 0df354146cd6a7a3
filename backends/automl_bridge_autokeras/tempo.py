"""How long the steps of a search take that nothing interrupts, on this machine as it is now.

A search ends in time if it knows what is left to do once it has stopped, and how long it may be until it is asked to.
Both depend on the machine, and on what else runs there: a busy one takes many times as long as a quiet one. So they
are measured, and what was measured is stretched by how much slower the machine has become since.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tempo"]

_WINDOW = 0.5  # seconds over which the speed of a training is taken: shorter ones are noise
_GAPS = 16  # between questions whether to stop, of which the longest counts: a few seconds of a training
_KEPT = 3  # of each kind, of which the slowest counts: a machine that was busy once is not busy for ever
_FIRST_SAVE = 0.5  # seconds, until there was a bundle
_LEAST_WORK = 0.2  # seconds of a processor, from which it says something how long they took
_MOST = 30.0  # times slower: beyond, it was something else that took so long


class Tempo:
    """Measures one search.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    work
        Seconds that a processor worked for this thread.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock, self._work = clock, work
        self._asked: float | None = None  # when it was last asked whether to stop, in a training
        self._begun: tuple[float, float] | None = None  # clock and work at the beginning of a trial not yet asked of
        self._first = False  # whether the first epoch of the trial is not over
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._saves, self._starts, self._finishes = _Seconds(), _Seconds(), _Seconds()
        self._level = 1.0
        self._speeds: dict[str, _Speed] = {}

    # -- what is known ----------------------------------------------------------------------------------------------

    @property
    def slowness(self) -> float:
        """How many times longer work takes now than on a machine that does nothing else; 1 or more.

        Building a network is the work of one thread: how long it took for that says how busy the machine was. From
        there on the speed of the training tells how that changes.
        """
        changed = max((speed.change for speed in self._speeds.values()), default=1.0)
        return min(_MOST, max(1.0, self._level * changed))

    @property
    def save(self) -> float:
        """Seconds that writing a bundle takes now."""
        return self._saves.now(self.slowness, _FIRST_SAVE)

    @property
    def gap(self) -> float:
        """Seconds that a training may go on before it asks again whether to stop."""
        return max(self._gaps, default=0.0)

    @property
    def start(self) -> float:
        """Seconds that a trial takes until its first epoch can be stopped and scored: it builds and compiles."""
        return self._starts.now(self.slowness, 0.0)

    @property
    def finish(self) -> float:
        """Seconds from the end of a training until its trial is kept, without the time of a bundle."""
        return self._finishes.now(self.slowness, 0.0)

    # -- what is seen -----------------------------------------------------------------------------------------------

    def begins(self) -> None:
        """Take note that a trial is chosen and built next."""
        self._begun, self._asked, self._first = (self._clock(), self._work()), None, True

    def asks(self) -> None:
        """Take note that a training asks whether to stop."""
        now = self._clock()
        if self._begun is not None:
            seconds, worked = now - self._begun[0], self._work() - self._begun[1]
            if worked >= _LEAST_WORK:
                self._level = max(1.0, seconds / worked)
            self._starts.add(seconds, self.slowness)
            self._begun = None
        elif self._asked is not None:
            self._gaps.append(now - self._asked)
        self._asked = now

    def epoch(self, trial_id: str, number: int) -> None:
        """Take note that an epoch of a trial is over, and scored."""
        now = self._clock()
        if self._first and self._asked is not None:
            self._starts.stretch(now - self._asked)  # it asks nobody, but has to be done, too: the first scoring
            self._asked = now
        self._first = False
        self._speeds.setdefault(trial_id, _Speed()).at(now, number)

    def saved(self, seconds: float) -> None:
        """Take note of how long a bundle took to write; meanwhile no training went on."""
        self._saves.add(seconds, self.slowness)
        for speed in self._speeds.values():
            speed.pause()
        if self._asked is not None:
            self._asked += seconds

    def ends(self, trial_id: str) -> None:
        """Take note that a trial is over, and kept."""
        if self._asked is not None:
            self._finishes.add(self._clock() - self._asked, self.slowness)
        self._asked = self._begun = None
        self.forgets(trial_id)

    def forgets(self, trial_id: str) -> None:
        """Take note that a trial does not run any more, whatever came of it."""
        self._level = self.slowness
        self._speeds.pop(trial_id, None)


class _Seconds:
    """What a step took lately, each time with how slow the machine was then."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def add(self, seconds: float, slowness: float) -> None:
        self._seen.append((seconds, slowness))

    def stretch(self, seconds: float) -> None:
        if self._seen:
            last, slowness = self._seen[-1]
            self._seen[-1] = (last + seconds, slowness)

    def now(self, slowness: float, unknown: float) -> float:
        """Return what it takes at most: what it took, or more where the machine has become slower."""
        if not self._seen:
            return unknown * slowness
        return max(seconds * max(1.0, slowness / then) for seconds, then in self._seen)


class _Speed:
    """Epochs a second of one trial, as they were at first and as they are."""

    def __init__(self) -> None:
        self._since: tuple[float, int] | None = None
        self._at_first = self._now = 0.0

    @property
    def change(self) -> float:
        return self._at_first / self._now if self._now else 1.0

    def at(self, now: float, number: int) -> None:
        # The first epoch also compiled: windows begin at its end.
        if self._since is None:
            self._since = (now, number)
            return
        since, before = self._since
        if now - since < _WINDOW or number <= before:
            return
        self._now = (number - before) / (now - since)
        self._at_first = self._at_first or self._now
        self._since = (now, number)

    def pause(self) -> None:
        self._since = None
