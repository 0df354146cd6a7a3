"""When to ask again: exponential backoff with jitter, and when to give up.

The shape is that of the stamina library (https://stamina.hynek.me): waits of ``first * 2**n`` up to a longest one, a
random part added, and a limit in attempts and in time. It does not sleep: the engine goes on with other runs and
comes back when one is due.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from automl_bridge.errors import ThrottledError, TransientError

__all__ = ["Backoff"]

FIRST = 0.5
LONGEST = 45.0
JITTER = 0.5
ATTEMPTS = 12
PATIENCE = 600.0


@dataclass
class Backoff:
    """The waits after errors that may pass, of one thing that is tried again.

    Parameters
    ----------
    attempts
        Failed attempts in a row after which it gives up.
    patience
        Seconds since the first of them after which it gives up.
    rng
        Source of the jitter.
    """

    attempts: int = ATTEMPTS
    patience: float = PATIENCE
    rng: random.Random = field(default_factory=random.Random)
    failed: int = 0
    since: float = 0.0
    due: float = 0.0

    def failure(self, error: TransientError, now: float) -> bool:
        """Note a failed attempt; returns whether it should be tried again, at `due`."""
        if not self.failed:
            self.since = now
        self.failed += 1
        if self.failed >= self.attempts or now - self.since >= self.patience:
            return False
        wait = min(FIRST * 2 ** (self.failed - 1), LONGEST)
        if isinstance(error, ThrottledError):
            wait = min(4 * wait, LONGEST)
        self.due = now + wait * (1 + JITTER * self.rng.random())
        return True

    def success(self) -> None:
        """Forget the failures."""
        self.failed = 0
        self.due = 0.0
