"""Caps in dollars: which are good enough, and when a watched job must be stopped so that it keeps its cap.

A stopped job goes on billing for a while: until the next look finds it near the cap, and until the service has
stopped it and stored what it made (SageMaker bills stopped jobs until their artefacts are uploaded). What that may
come to is kept free below the cap::

    stop if   spent + reserve + rate · lag  ≥  (1 - MARGIN) · cap

with ``rate`` the dearer of what was seen and of what the plan allows at most, in dollars a second.
"""

from __future__ import annotations

from typing import NamedTuple

from automl_bridge.errors import UnsupportedError

__all__ = ["MARGIN", "STOP_SECONDS", "Sight", "must_stop", "require_guaranteed"]

MARGIN = 0.02
"""Share of the cap that is never spent on purpose: rounding, and prices with few digits."""

STOP_SECONDS = 120.0
"""Seconds that a service may take to stop a job and store its artefacts; a guess with room."""


class Sight(NamedTuple):
    """What was seen of a job: when, in seconds, and the US dollars that it had cost by then; None if unknown."""

    time: float
    usd: float | None


def must_stop(
    cap_usd: float,
    now: Sight,
    before: Sight | None = None,
    *,
    peak_usd_per_second: float | None = None,
    began: float | None = None,
    reserve_usd: float = 0.0,
    stop_seconds: float = STOP_SECONDS,
    next_look: float | None = None,
) -> bool:
    """Whether a job must be stopped now, so that its bill stays within its cap.

    Parameters
    ----------
    cap_usd
        The cap.
    now, before
        What is seen now, and what was seen the last time; None if this is the first look.
    peak_usd_per_second
        The most that the plan allows it to cost a second; None if the plan does not say.
    began
        When it began, in seconds on the same clock: what is not metered is taken to cost the most since then.
    reserve_usd
        Dollars that must remain, to predict the holdout.
    stop_seconds
        Seconds that it bills after it was asked to stop.
    next_look
        Seconds until the next look; None: twice the time since the last one.
    """
    passed = max(0.0, now.time - before.time) if before is not None else 0.0
    spent, seen = now.usd, 0.0
    if spent is not None and before is not None and before.usd is not None and passed > 0:
        seen = max(0.0, spent - before.usd) / passed
    peak = peak_usd_per_second or 0.0
    if spent is None:
        # Unknown is not zero.
        spent = peak * max(0.0, now.time - began) if began is not None else 0.0
    lag = stop_seconds + (2 * passed if next_look is None else next_look)
    return spent + reserve_usd + max(seen, peak) * lag >= (1 - MARGIN) * cap_usd


def require_guaranteed(backend: str, kind: str, because: str) -> None:
    """Refuse a cap that is not guaranteed; for those who asked for a strict one.

    Raises
    ------
    UnsupportedError
        If it is watched, or none.
    """
    if kind != "guaranteed":
        raise UnsupportedError(
            f"the cost cap of {backend} would be {kind}, and only a guaranteed one was asked for: {because}",
            hint="--cap any takes a watched cap; automl-bridge estimate shows whose caps are guaranteed",
        )
