"""What is said about a run, in words and numbers already written out.

A terminal, plain lines and a notebook lay out the same `RunView`, so they cannot tell different stories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Entry", "LeaderRow", "ProgressView", "RunView"]


@dataclass(frozen=True)
class Entry:
    """A labelled line: ``holdout``, ``cost``, ``saved``, ….

    Parameters
    ----------
    label
        What it is about, one word.
    parts
        What is said; a part is kept on one line where the width allows.
    tone
        ``plain``, ``good``, ``warn`` or ``bad``: how a reader should take it.
    copyable
        Whether it is never wrapped, so that it can be copied in one piece.
    """

    label: str
    parts: tuple[str, ...]
    tone: str = "plain"
    copyable: bool = False


@dataclass(frozen=True)
class LeaderRow:
    """One trial of the leaderboard; a failed one has no rank and says why."""

    rank: str
    model: str
    score: str
    epochs: str
    time: str
    message: str = ""
    failed: bool = False


@dataclass(frozen=True)
class ProgressView:
    """How far a run is.

    Parameters
    ----------
    name
        The backend.
    parts
        State, trial, epoch, best score, as far as known.
    fraction
        Share done, 0 to 1, as the backend says; None if it does not.
    started, ended
        When the time began to run, and when it stopped; None before that.
    limit
        Seconds it may take; None without a limit.
    """

    name: str
    parts: tuple[str, ...]
    fraction: float | None = None
    started: datetime | None = None
    ended: datetime | None = None
    limit: float | None = None

    def elapsed(self, now: datetime) -> float:
        """Seconds since it started, 0 before."""
        return max(0.0, ((self.ended or now) - self.started).total_seconds()) if self.started else 0.0

    def done(self, now: datetime) -> float | None:
        """Share done: what the backend says, else the share of the time that is used up."""
        if self.ended is not None:
            return 1.0
        if self.fraction is not None:
            return min(1.0, max(0.0, self.fraction))
        return min(1.0, self.elapsed(now) / self.limit) if self.limit else None


@dataclass(frozen=True)
class RunView:
    """All that is said about a run.

    Parameters
    ----------
    run_id, backend, state
        Which run, where, and where it stands.
    ended
        Whether it stays like that.
    header
        Lines that say what is learned from what; each a sequence of parts.
    progress
        How far it is, while it runs.
    score_heading
        Heading of the leaderboard's scores.
    leaderboard
        Trials, best first, failed ones last.
    hidden
        How many trials the leaderboard leaves out.
    entries
        What came of it: holdout, cost, saved, what to do next.
    notes, remarks
        Sentences that the reader should know before anything is spent, and those that came up since.
    """

    run_id: str
    backend: str
    state: str
    ended: bool
    header: tuple[tuple[str, ...], ...]
    progress: ProgressView | None
    score_heading: str
    leaderboard: tuple[LeaderRow, ...]
    hidden: int
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
