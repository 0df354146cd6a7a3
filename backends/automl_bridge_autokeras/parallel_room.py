"""A room of worker processes: which are loading, idle or at work, and what happens when one dies.

It does not know what kind of workers they are: `parallel_local` and `ray_room` make them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from automl_bridge_autokeras.parallel_messages import JobOrder, Ready, Refused, Stop, TrialOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Died", "Room", "Slot"]

_log = logging.getLogger(__name__)
_START_FAILURES = 2  # of a worker in a row, after which it is given up


class Slot(Protocol):
    """One worker process."""

    name: str

    def send(self, message: Any) -> None:
        """Say something; to a dead one in silence."""
        ...

    def heard(self) -> list[Any]:
        """Return what it has said; `EOFError` if it is gone."""
        ...

    def describe_end(self) -> str:
        """Say how it ended."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def close(self) -> None:
        """Let it end by itself, or end it."""
        ...


@dataclass(frozen=True)
class Died:
    """A worker is gone, with the trial that it ran, if any; another takes its place."""

    trial_id: str | None
    how: str


@dataclass
class _Place:
    slot: Slot
    ready: bool = False
    trial_id: str | None = None
    where: str = ""
    address: str = ""
    failures: int = 0


class Room:
    """Workers, numbered from 1, warm from job to job.

    Parameters
    ----------
    make
        Makes the worker of a number.
    wait
        Returns those of some workers that have something to say, after some seconds at most.
    check
        Called with the versions of a worker that got ready; raises if they do not fit.
    """

    def __init__(
        self,
        make: Callable[[int], Any],
        wait: Callable[[list[Any], float], Sequence[Any]],
        check: Callable[[Ready], None] = lambda _: None,
    ) -> None:
        self._make, self._wait, self._check = make, wait, check
        self._places: dict[int, _Place] = {}
        self._order: JobOrder | None = None
        self._last_ready = time.monotonic()
        self.last_words = ""
        """What the worker that was given up last had to say."""

    def open(self, count: int) -> None:
        """Have ``count`` workers, begun but not necessarily ready; surplus ones end."""
        for number in [each for each in self._places if each > count]:
            self._places.pop(number).slot.close()
        for number in range(1, count + 1):
            if number not in self._places:
                self._places[number] = _Place(self._make(number))

    def begin(self, order: JobOrder) -> None:
        """Give all workers a job."""
        self._order = order
        self._last_ready = time.monotonic()
        for number, place in self._places.items():
            place.ready, place.trial_id, place.failures = False, None, 0
            place.slot.send(self._order_for(number))

    def _order_for(self, number: int) -> JobOrder:
        from dataclasses import replace

        assert self._order is not None
        folder = self._order.folder
        return replace(self._order, folder=None if folder is None else f"{folder}-{number}")

    # -- who does what ----------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of workers that are there or come."""
        return len(self._places)

    @property
    def idle(self) -> list[int]:
        """Workers that wait for a trial."""
        return [number for number, place in self._places.items() if place.ready and place.trial_id is None]

    @property
    def busy(self) -> dict[int, str]:
        """Trials that run, by worker."""
        return {number: place.trial_id for number, place in self._places.items() if place.trial_id is not None}

    @property
    def lonely_seconds(self) -> float:
        """Seconds since there was a worker that works or could."""
        if any(place.ready for place in self._places.values()):
            self._last_ready = time.monotonic()
        return time.monotonic() - self._last_ready

    @property
    def addresses(self) -> list[str]:
        """The machine of each worker that was ready once; empty for this one."""
        return [place.address for place in self._places.values() if place.where]

    def where(self, number: int) -> str:
        """Say where a worker is."""
        place = self._places.get(number)
        return place.where or place.slot.name if place is not None else f"worker {number}"

    def give(self, number: int, order: TrialOrder) -> None:
        """Let a worker run a trial."""
        self._places[number].trial_id = order.trial_id
        self._places[number].slot.send(order)

    def stop(self) -> None:
        """Tell all workers to end their trials now and say what came of them."""
        for place in self._places.values():
            if place.trial_id is not None:
                place.slot.send(Stop(place.trial_id))

    # -- what they say ----------------------------------------------------------------------------------------------

    def listen(self, timeout: float) -> list[tuple[int, Any]]:
        """Return what workers say, or `Died`, by number; waits ``timeout`` seconds at most."""
        numbers = {id(place.slot): number for number, place in self._places.items()}
        heard: list[tuple[int, Any]] = []
        for slot in self._wait([place.slot for place in self._places.values()], timeout):
            number = numbers[id(slot)]
            try:
                messages = slot.heard()
            except EOFError:
                heard.extend(self._died(number))
                continue
            for message in messages:
                heard.extend((number, each) for each in self._understood(number, message))
        return heard

    def _understood(self, number: int, message: Any) -> list[Any]:
        place = self._places[number]
        if isinstance(message, Ready):
            if self._order is not None and message.job == self._order.name:
                self._check(message)
                place.ready, place.failures = True, 0
                place.where, place.address = message.place, message.address
            return []
        if isinstance(message, Refused):
            if message.job and (self._order is None or message.job != self._order.name):
                return []
            self.last_words = message.message
            if message.storage:
                return [message]
            trial_id, place.trial_id = place.trial_id, None
            self._replace(number, start_failed=True)
            return [Died(trial_id, message.message)] if trial_id else []
        # Of a trial: of an earlier job's it is not listened to.
        if not place.ready or place.trial_id != getattr(message, "trial_id", None):
            return []
        return [message]

    def finished(self, number: int) -> None:
        """Take note that a worker's trial is over."""
        self._places[number].trial_id = None

    def _died(self, number: int) -> list[tuple[int, Any]]:
        place = self._places[number]
        how = place.slot.describe_end()
        _log.warning("%s is gone: %s", self.where(number), how)
        died = Died(place.trial_id, f"{self.where(number)} died: {how}")
        self.last_words = died.how
        self._replace(number, start_failed=not place.ready)
        return [(number, died)]

    def _replace(self, number: int, *, start_failed: bool) -> None:
        place = self._places.pop(number)
        place.slot.kill()
        failures = place.failures + 1 if start_failed else 0
        if failures >= _START_FAILURES:
            return
        new = self._places[number] = _Place(self._make(number), failures=failures)
        if self._order is not None:
            new.slot.send(self._order_for(number))

    # -- the end ----------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """End the job: workers that run a trial are ended, others stay warm, or go on loading."""
        self._order = None
        for number in list(self._places):
            place = self._places[number]
            if place.trial_id is not None:
                del self._places[number]
                place.slot.kill()
            else:
                place.ready = False
                place.slot.send(None)

    def close(self) -> None:
        """End all workers."""
        self._order = None
        while self._places:
            self._places.popitem()[1].slot.close()
