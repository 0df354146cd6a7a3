"""What runs used: their own time, times machines, by the size that they say they ran on.

The service keeps no bill of a job (``jobCost`` is empty). Each run says how long it was active and on what. The time
that a machine starts and idles before it is given back bills too and is in no run: it is estimated (`with_idle`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.costs.usage import Part, Usage, UsageItem
from automl_bridge_azure.native_limits import likely_idle_hours
from automl_bridge_azure.rates import UNIT, prices, sku

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["IDLE_NOTE", "seconds_of", "usage_of", "with_idle"]

IDLE_NOTE = (
    "machines bill while they start and idle, which is in no run of the service: "
    "five minutes a machine are guessed for its start, and two are the default idle time"
)
"""What has to be said beside a usage that `with_idle` completed."""

_DURATION = re.compile(r"(?:(\d+)\.)?(\d+):(\d{2}):(\d{2}(?:\.\d+)?)")
_ENDED = frozenset({"Completed", "Failed", "Canceled"})
_WORKED = frozenset({"Completed", "Running", "Finalizing"})


def usage_of(
    runs: Iterable[Mapping[str, Any]], region: str, part: Part, *, size: str | None = None, final: bool = False
) -> Usage:
    """Return what runs have used, one item a machine size; not known where a run does not say.

    Parameters
    ----------
    region
        Of the workspace.
    size
        Machine size of the job, for runs that do not say theirs.
    final
        Whether the job has ended: then what a run that still goes on will come to is not known.
    """
    sums: dict[str, float] = {}
    known = True
    for run in runs:
        seconds = seconds_of(run)
        ended = run.get("status") in _ENDED
        if seconds is None:
            # A run that never started used nothing; one that has, or has done its work, and does not say is not known.
            known = known and not (_started(run) or run.get("status") in _WORKED)
            continue
        if final and not ended:
            known = False
        name = _sku(run, size)
        if name is None:
            known = known and seconds == 0
            continue
        sums[name] = sums.get(name, 0.0) + seconds * _count(run)
    items = tuple(
        UsageItem(sku=name, quantity=total / 3600, unit=UNIT, part=part, region=region)
        for name, total in sorted(sums.items())
    )
    return Usage(items=items, known=known)


def with_idle(usage: Usage, machines: int) -> Usage:
    """Return a usage with what its machines probably billed while they started and idled, marked as an estimate.

    Nothing is added where nothing ran: then no machine may have started. On a cluster of one's own, whose machines may
    be up already, it is too much.
    """
    most = max(usage.items, key=lambda item: item.quantity, default=None)
    if most is None or not most.quantity:
        return usage
    hours = machines * likely_idle_hours()
    idle = most.model_copy(update={"part": "idle", "quantity": hours, "estimated": True})
    return usage.model_copy(update={"items": (*usage.items, idle)})


def seconds_of(run: Mapping[str, Any]) -> float | None:
    """Return how long a run was active, in seconds; None if it has not started, or does not say."""
    for key in ("computeDuration", "currentComputeTime", "duration"):
        found = _DURATION.fullmatch(str(run.get(key) or ""))
        if found is not None:
            days, hours, minutes, seconds = found.groups()
            return ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)
    began, ended = _time(run.get("startTimeUtc")), _time(run.get("endTimeUtc"))
    if began is None or ended is None:
        return None
    return max(0.0, (ended - began).total_seconds())


def _started(run: Mapping[str, Any]) -> bool:
    return bool(run.get("startTimeUtc"))


def _time(value: object) -> datetime | None:
    if not value:
        return None
    text = re.sub(r"(\.\d{6})\d+", r"\1", str(value)).replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # The names of the fields end in Utc; whether their values say so, too, differs.
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _compute(run: Mapping[str, Any]) -> Mapping[str, Any]:
    return run.get("compute") or {}


def _sku(run: Mapping[str, Any], size: str | None) -> str | None:
    compute = _compute(run)
    found = compute.get("vmSize") or compute.get("instanceType") or size
    if not found:
        return None
    spot = str(compute.get("priority") or "").lower().replace(" ", "") in {"lowpriority", "spot"}
    return sku(_spelled(str(found)), spot=spot)


def _spelled(size: str) -> str:
    """Return a size as price lists write it: the service answers with ``STANDARD_DS3_V2``, too."""
    return next((price.sku for price in prices() if price.sku.lower() == size.lower()), size)


def _count(run: Mapping[str, Any]) -> int:
    return int(_compute(run).get("instanceCount") or 1)
