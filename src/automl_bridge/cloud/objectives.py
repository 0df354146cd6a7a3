"""A metric of ours as an objective of a service: the same thing, or the nearest that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Objective
from automl_bridge.errors import UnsupportedError
from automl_bridge.metrics import metric_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.cloud.limits import Limit
    from automl_bridge.spec import JobSpec

__all__ = ["ObjectiveTable", "nearest", "settle"]

ObjectiveTable = dict[str, tuple[str, bool]]
"""By metric: the service's objective, and whether it is exactly that metric. The first is what others fall back to."""


def nearest(spec: JobSpec, table: ObjectiveTable) -> Objective:
    """Return the service's objective for ``spec.metric``; the first of ``table`` for a metric that is not in it.

    Raises
    ------
    UsageError
        If the metric is of another task, to which nothing would be near.
    """
    metric_for(spec.metric, spec.task)
    name, exact = table.get(spec.metric, (next(iter(table.values()))[0], False))
    return Objective(name=name, exact=exact)


def settle(
    spec: JobSpec,
    backend: str,
    table: ObjectiveTable,
    objective: Objective,
    known: Limit,
    *,
    choices: Sequence[str] | None = None,
    hint: str = "",
) -> Objective:
    """Return ``objective``, unless the job asks for the exact metric and it is only the nearest.

    Parameters
    ----------
    spec, backend, table
        The job, and the backend with its metrics for such jobs.
    objective
        What the service would optimise.
    known
        The limit that lists the service's objectives.
    choices
        The objectives, where they are not simply the limit's choices.
    hint
        Another way out.

    Raises
    ------
    UnsupportedError
        If it is refused; names the objectives that the service has, and the metrics that are exact.
    """
    if spec.objective != "exact" or objective.exact:
        return objective
    have = ", ".join(known.choices if choices is None else choices)
    ways = ["use objective nearest"]
    if ours := [metric for metric, (_, exact) in table.items() if exact]:
        ways.append(f"or one of its exact metrics: {', '.join(ours)}")
    error = UnsupportedError(
        f"{backend} cannot optimise {spec.metric} for {spec.task}; the nearest is {objective.name}. It has {have}",
        hint=", ".join(ways) + hint,
    )
    error.limit, error.source = known.id, known.source
    raise error
