"""From a budget to the limit that the service takes: milli node hours, which it never exceeds.

A thousand of them are one node for one hour, and a node hour has one price, so a cap in dollars becomes this limit and
holds when our process is dead. It does not bound the wall clock: a table trained for one node hour has taken three
hours. What predicting the holdout may cost is set aside before.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.backend import Cap
from automl_bridge.budget import format_duration
from automl_bridge.errors import BudgetError, UnsupportedError
from automl_bridge.task import Task
from automl_bridge_vertex.limits import limit
from automl_bridge_vertex.rates import training

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.rates import Rates
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["Limits", "Reserve", "budget_field", "cap_for", "limits_for", "time_note"]

_CLOUD_NODES = 8
"""Nodes that an image model of type CLOUD trains on: limit ``vertex.image.min_budget``."""
_STEP = 30 / 3600
"""Node hours are billed in steps of 30 seconds (prices.csv)."""


class Reserve(NamedTuple):
    """Dollars set aside for predicting the holdout.

    Parameters
    ----------
    usd
        How much; None if nothing is known that it could be reckoned from.
    words
        What for, as it stands in a sentence.
    known
        False where the price of something else stands in.
    """

    usd: float | None
    words: str
    known: bool = True


class Limits(NamedTuple):
    """What bounds the training.

    Parameters
    ----------
    field
        Name of the limit in the request.
    milli
        Milli node hours.
    nodes
        Nodes that work at once, as far as it is documented.
    rate
        US dollars a node hour; None if unknown.
    least
        The least that the service takes, in milli node hours.
    """

    field: str
    milli: int
    nodes: int
    rate: float | None
    least: int

    @property
    def node_hours(self) -> float:
        """The limit in node hours."""
        return self.milli / 1000

    @property
    def usd(self) -> float | None:
        """What the training costs at most; None if the price is unknown."""
        return None if self.rate is None else self.rate * self.node_hours

    def native(self) -> dict[str, object]:
        """Return the limit by the service's own name."""
        return {self.field: self.milli}


def budget_field(task: Task) -> str:
    """Return the name of the budget in the task's inputs."""
    return "budgetMilliNodeHours" if task is Task.IMAGE_CLASSIFICATION else "trainBudgetMilliNodeHours"


def _bounds(spec: JobSpec, settings: VertexSettings) -> tuple[str, int, int]:
    """Return prefix of the limits, least and most milli node hours."""
    name = "vertex.tabular"
    if spec.task is Task.IMAGE_CLASSIFICATION:
        name = "vertex.image" if settings.model_type == "CLOUD" else "vertex.image_mobile"
    return name, int(limit(f"{name}.min_budget").number), int(limit(f"{name}.max_budget").number)


def limits_for(spec: JobSpec, settings: VertexSettings, rates: Rates, reserve: Reserve) -> Limits:
    """Return the limit that the budget gives; without one, the least that the service takes.

    Raises
    ------
    BudgetError
        If the cap is too small for the service; names the least cap that would do.
    UnsupportedError
        If a cap cannot be kept because a price is not known.
    """
    name, least, most = _bounds(spec, settings)
    nodes = _CLOUD_NODES if name == "vertex.image" else 1
    sku = training(spec, settings)
    rate = rates.usd(sku, "node-hour")
    budget = spec.budget
    wanted = [least] if budget.max_time is None and budget.max_cost_usd is None else []
    if budget.max_time is not None:
        # Less than the least is not refused: the plan says first what the least is.
        wanted.append(max(least, math.floor(budget.max_time / 3.6 * nodes)))
    if budget.max_cost_usd is not None:
        wanted.append(_bought(budget.max_cost_usd, least, rate, reserve, name=name, what=f"{sku} in {rates.region}"))
    return Limits(budget_field(spec.task), min(most, *wanted), nodes, rate, least)


def _bought(usd: float, least: int, rate: float | None, reserve: Reserve, *, name: str, what: str) -> int:
    """Return the milli node hours that the dollars pay, after the reserve."""
    if rate is None or reserve.usd is None:
        missing = what if rate is None else reserve.words
        raise UnsupportedError(
            f"max_cost cannot be kept: no price is known for {missing}",
            hint="leave max_cost out and bound the job by max_time, or name a file of prices by the setting prices",
        )
    # Whole steps only: what is begun is billed.
    milli = math.floor(math.floor((usd - reserve.usd) / rate / _STEP + 1e-9) * _STEP * 1000 + 1e-9)
    if milli < least:
        needed = math.ceil(100 * (rate * least / 1000 + reserve.usd) - 1e-9) / 100
        error = BudgetError(
            f"max_cost ${usd:,.2f} is too little for Vertex AI AutoML: the least budget, {least:,} milli node hours, "
            f"costs ${rate * least / 1000:,.2f}, and ${reserve.usd:,.2f} go to {reserve.words}",
            hint=f"give it ${needed:,.2f} or more, or use another backend",
        )
        error.limit, error.source = f"{name}.min_budget", limit(f"{name}.min_budget").source
        raise error
    return milli


def time_note(spec: JobSpec, limits: Limits) -> str | None:
    """Say how max_time was taken; None if there is none."""
    seconds = spec.budget.max_time
    if seconds is None:
        return None
    asked = seconds / 3.6 * limits.nodes
    each = "one node" if limits.nodes == 1 else f"{limits.nodes} nodes"
    said = f"max_time {format_duration(seconds)} was taken for the hours of {each}: {limits.milli:,} milli node hours"
    if asked < limits.least:
        said = (
            f"max_time {format_duration(seconds)} cannot be kept: the least budget is {limits.least:,} milli node hours"
        )
    return f"{said}; they are no limit on the wall clock, which may be three times as long"


def cap_for(spec: JobSpec, limits: Limits, reserve: Reserve) -> Cap:
    """Say what stands behind the cost cap."""
    if spec.budget.max_cost_usd is None:
        return Cap(kind="none", because="no cost cap was asked for; training never exceeds the milli node hours sent")
    assert limits.usd is not None
    because = (
        f"the service keeps training within {limits.milli:,} milli node hours, ${limits.usd:,.2f}; "
        f"${reserve.usd or 0:,.2f} are set aside for {reserve.words}"
    )
    return Cap(kind="guaranteed", because=because)
