"""When what happens in a job, in simulated seconds from its submission.

The timeout counts from when the job runs; setup, featurization and trials are within it, ensembles and
explanation are not (learn, how-to-configure-auto-train). Everything else here is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LONGEST", "Pace", "Step", "Timeline", "plan"]

LONGEST = 21 * 86400.0
"""A job's lifetime on a cluster (learn, how-to-manage-quotas): what hangs ends here."""
ACCEPTED = 5.0


@dataclass(frozen=True)
class Pace:
    """How long things take."""

    boot: float = 180.0
    prepare: float = 60.0
    setup: float = 120.0
    featurize: float = 60.0
    trial: float = 120.0
    ensemble: float = 60.0
    explain: float = 60.0
    finalize: float = 15.0


@dataclass
class Step:
    """A child run: its role (setup, featurize, trial, vote, stack, explain), when, and whether it is cut short."""

    role: str
    start: float
    end: float
    lane: int = 0
    cut: bool = False


@dataclass
class Timeline:
    """What is to happen.

    Parameters
    ----------
    booted, running
        When there is a node, and when it has been prepared.
    steps
        Child runs in the order they start.
    finalizing, end
        When the work is done, and when the job is.
    reached
        Whether the timeout cut it.
    """

    booted: float
    running: float
    steps: list[Step] = field(default_factory=list)
    finalizing: float = 0.0
    end: float = 0.0
    reached: bool = False

    def phase(self, elapsed: float) -> str:
        """Return the job's status by that time, if all goes well."""
        if elapsed < ACCEPTED:
            return "NotStarted"
        if elapsed < self.booted:
            return "Queued"
        if elapsed < self.running:
            return "Preparing"
        return "Running" if elapsed < self.finalizing else "Finalizing"


def plan(
    pace: Pace,
    *,
    booted: bool,
    trials: int,
    lanes: int,
    timeout: float,
    trial_timeout: float | None = None,
    prelude: bool = True,
    after: tuple[str, ...] = (),
) -> Timeline:
    """Lay out a search.

    Parameters
    ----------
    booted
        Whether a node is up already.
    trials, lanes
        How many, and how many at a time.
    timeout, trial_timeout
        Seconds, from when the job runs; a trial's own.
    prelude
        Whether setup and featurization are runs of their own.
    after
        Roles that follow the trials if one was completed: vote, stack, explain.
    """
    ready = ACCEPTED + (0.0 if booted else pace.boot)
    found = Timeline(ready, ready + pace.prepare)
    limit, at = found.running + timeout, found.running
    for role, length in (("setup", pace.setup), ("featurize", pace.featurize)) if prelude else ():
        found.steps.append(Step(role, at, min(at + length, limit), cut=at + length > limit))
        at = found.steps[-1].end
    length = pace.trial if trial_timeout is None else min(pace.trial, trial_timeout)
    for number in range(trials):
        start = at + (number // lanes) * length
        if start >= limit:
            found.reached = True
            break
        end = min(start + length, limit)
        found.steps.append(Step("trial", start, end, number % lanes, cut=start + length > limit))
        found.reached |= start + length > limit
    at = max([at, *(step.end for step in found.steps)])
    if any(step.role == "trial" and not step.cut for step in found.steps):
        for role in after:
            found.steps.append(Step(role, at, at + (pace.explain if role == "explain" else pace.ensemble)))
            at = found.steps[-1].end
    found.finalizing, found.end = at, at + pace.finalize
    return found
