"""Faults on request: what goes wrong, for which calls, how often. Vendors say how it looks."""

from __future__ import annotations

import fnmatch
import random
import threading
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["CALL_FAULTS", "JOB_FAULTS", "Fault", "FaultBook", "FaultKind"]


class FaultKind(StrEnum):
    """What can go wrong: to one call, or to a job as a whole."""

    THROTTLE = "throttle"
    SERVER_ERROR = "server-error"
    RESET_BEFORE = "reset-before"
    """The connection breaks before the request took effect."""
    RESET_AFTER = "reset-after"
    """The request takes effect; the connection breaks before the answer."""
    SLOW = "slow"
    EXPIRED = "expired"
    """The caller's token is no longer valid."""
    QUOTA = "quota"
    """The account has no more of what the call asks for."""

    JOB_FAILS = "job-fails"
    JOB_STOPS = "job-stops"
    """Somebody else stops the job half-way."""
    JOB_HANGS = "job-hangs"
    """It stays in progress for ever."""
    JOB_CAPACITY = "job-capacity"
    """It fails because no machines are to be had."""
    JOB_NO_CANDIDATE = "job-no-candidate"
    """It ends at its time limit before the first candidate is ready."""
    JOB_NO_BEST = "job-no-best"
    """It completes without naming a best candidate."""


CALL_FAULTS = frozenset(kind for kind in FaultKind if not kind.value.startswith("job-"))
JOB_FAULTS = frozenset(FaultKind) - CALL_FAULTS


@dataclass
class Fault:
    """One rule.

    Parameters
    ----------
    kind
        What goes wrong.
    operations
        Patterns (`fnmatch`) of the operations it strikes, for a job fault of the operation that starts the
        job: ``sagemaker.Create*``, ``CreateModel`` or ``*``.
    rate
        Share of those calls, 0 to 1.
    count
        How often at most; None for no limit.
    seconds
        For `FaultKind.SLOW`: real seconds before the call goes on.
    message
        Words of the answer; the vendor has its own by default.
    seed
        Of the random draw: the same calls in the same order meet the same faults.
    """

    kind: FaultKind
    operations: tuple[str, ...] = ("*",)
    rate: float = 1.0
    count: int | None = None
    seconds: float = 0.5
    message: str = ""
    seed: int = 0
    struck: int = 0
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        self.operations = (self.operations,) if isinstance(self.operations, str) else tuple(self.operations)
        if not 0 <= self.rate <= 1:
            raise ValueError(f"a fault's rate is a share between 0 and 1, not {self.rate}")
        self._random = random.Random(self.seed)  # noqa: S311 (reproducible faults, no secrets)

    def matches(self, operation: str) -> bool:
        """Whether ``operation`` (``service.Name``) is one of those it strikes."""
        bare = operation.rpartition(".")[2]
        return any(fnmatch.fnmatchcase(operation, p) or fnmatch.fnmatchcase(bare, p) for p in self.operations)

    def strikes(self) -> bool:
        """Draw whether it strikes this time; counts if it does."""
        if self.count is not None and self.struck >= self.count:
            return False
        if self._random.random() >= self.rate:
            return False
        self.struck += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """Return it as what `FaultBook.load` reads, with how often it struck."""
        values = asdict(self)
        values.pop("_random")
        return values


class FaultBook:
    """The rules in force. Safe to use from many threads; the first rule that strikes wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: FaultKind | str, operations: str | Iterable[str] = "*", **options: Any) -> Fault:
        """Add a rule; ``options`` are the other fields of `Fault`."""
        patterns = (operations,) if isinstance(operations, str) else tuple(operations)
        fault = Fault(FaultKind(kind), patterns, **options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def load(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Add rules from JSON: ``kind``, ``operations``, ``rate``, ``count``, ``seconds``, ``message``, ``seed``."""
        faults = [Fault(**{k: v for k, v in rule.items() if k != "struck"}) for rule in rules]
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Take back every rule."""
        with self._lock:
            self._faults.clear()

    def draw(self, operation: str, kinds: Collection[FaultKind]) -> Fault | None:
        """Return the fault of one of ``kinds`` that this call meets, or None."""
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fault.matches(operation) and fault.strikes():
                    return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rules and how often each struck."""
        with self._lock:
            return [fault.to_json() for fault in self._faults]
