"""How often to ask a backend how far its jobs are: often at first, then ever less."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass
class Pace:
    """The waits between two polls of one backend.

    Parameters
    ----------
    shortest, longest
        Seconds: what it begins with after something has happened, and what it grows to.
    growth
        Factor from one wait to the next.
    due
        When to ask next (seconds since the epoch).
    """

    shortest: float
    longest: float
    growth: float = 1.5
    due: float = 0.0
    wait: float = 0.0

    @classmethod
    def of(cls, *, local: bool) -> Pace:
        """Return the pace of a backend on this machine, where asking is reading a file, or of a service."""
        return cls(0.01, 0.25) if local else cls(1.0, 20.0)

    def polled(self, began: float, ended: float, *, changed: bool) -> None:
        """Note a poll; ``changed`` says whether it told anything new."""
        self.wait = self.shortest if changed else min(max(self.wait * self.growth, self.shortest), self.longest)
        # A service that answers slowly is not asked without a break.
        self.due = ended + max(self.wait, ended - began)
