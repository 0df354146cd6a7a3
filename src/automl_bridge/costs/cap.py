"""Caps in dollars: which are good enough, and when a watched job must be stopped so that it keeps its cap.

A stopped job goes on billing for a while: until the next look finds it near the cap, and until the service has
stopped it and stored what it made (SageMaker bills stopped jobs until their artefacts are uploaded). What that may
come to is kept free below the cap::

    stop if   spent + reserve + rate · wait + stopping  >=  (1 - MARGIN) · cap

with ``rate`` the dearer of what was seen and of what the plan allows at most, in dollars a second.
"""

from __future__ import annotations

from typing import NamedTuple

from automl_bridge.errors import UnsupportedError

__all__ = ["MARGIN", "STOP_SECONDS", "Bounds", "Sight", "must_stop", "require_guaranteed"]

MARGIN = 0.02
"""Share of the cap that is never spent on purpose: rounding, and prices with few digits."""

STOP_SECONDS = 120.0
"""Seconds that a service may take to stop a job and store its artefacts; a guess with room."""

_RUSH = 20.0
"""So many times the most that a plan allows is no bill but a clock turned fast, as a sandbox's is."""


class Sight(NamedTuple):
    """What was seen of a job.

    Parameters
    ----------
    time
        When, in seconds.
    usd
        US dollars that it had cost by then; None if unknown.
    least
        What it had cost at least.
    """

    time: float
    usd: float | None
    least: float = 0.0


class Bounds(NamedTuple):
    """What is known of a job beforehand.

    Parameters
    ----------
    cap_usd
        Its cap.
    peak_usd_per_second
        The most that its plan allows it to cost a second; 0 if the plan does not say.
    reserve_usd
        US dollars that must remain, to predict the holdout.
    began
        When it began, in seconds: what is not metered is taken to cost the most since then.
    """

    cap_usd: float
    peak_usd_per_second: float = 0.0
    reserve_usd: float = 0.0
    began: float | None = None


def must_stop(bounds: Bounds, now: Sight, before: Sight | None = None, *, stop_seconds: float = STOP_SECONDS) -> bool:
    """Whether a job must be stopped now, so that its bill stays within its cap.

    Parameters
    ----------
    bounds
        Cap, and what else is known beforehand.
    now, before
        What is seen now, and what was seen the last time; None if this is the first look. The next look is expected
        within twice the time between both.
    stop_seconds
        Seconds that it bills after it was asked to stop.
    """
    peak = bounds.peak_usd_per_second
    passed = max(0.0, now.time - before.time) if before is not None else 0.0
    spent = now.usd
    if spent is None:
        # Unknown is not zero: what the plan allows for the time, and no less than what is known.
        spent = max(now.least, peak * max(0.0, now.time - bounds.began) if bounds.began is not None else 0.0)
    seen = 0.0
    if before is not None and before.usd is not None and passed > 0:
        seen = max(0.0, spent - before.usd) / passed
    stopping = peak if peak and seen > _RUSH * peak else max(seen, peak)
    ahead = max(seen, peak) * 2 * passed + stopping * stop_seconds
    return spent + bounds.reserve_usd + ahead >= (1 - MARGIN) * bounds.cap_usd


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
