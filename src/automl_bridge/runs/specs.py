"""From what a caller says to a JobSpec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.errors import SchemaError, UnsupportedError, UsageError
from automl_bridge.metrics import default_metric, metric_for
from automl_bridge.spec import JobSpec, Role
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.capabilities import Capabilities
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["check_windows", "make_spec"]

_CHOICES = {"objective": ("nearest", "exact"), "cap": ("any", "strict")}


def make_spec(
    name: str,
    profile: Profile,
    *,
    task: Task | str,
    target: str | Sequence[str] | None,
    metric: str | None,
    **rest: Any,
) -> JobSpec:
    """Return the spec of a training job.

    Parameters
    ----------
    name
        Remote name.
    profile
        The data.
    task, target, metric
        What is learned; the target columns of the data and the task's default metric where None.
    rest
        Further fields of the spec.

    Raises
    ------
    UsageError
        If task, metric, objective or cap is none, or does not fit.
    SchemaError
        If the target is not the data's.
    """
    parsed = Task.parse(task)
    if (parsed is Task.FORECASTING) != (rest.get("forecast") is not None):
        raise UsageError(
            f"the task is {parsed}, and the data was built for another",
            hint="build the dataset with the same task: a forecast's has time, horizon and step",
        )
    for field, allowed in _CHOICES.items():
        if field in rest and rest[field] not in allowed:
            raise UsageError(f'{field} "{rest[field]}" is not known', hint=f"use {' or '.join(allowed)}")
    classes = len(profile.classes)
    wanted = metric_for(metric or default_metric(parsed, classes), parsed, classes)
    return JobSpec(
        name=name, task=parsed, target=_targets(profile, target), metric=wanted.name, profile=profile, **rest
    )


def check_windows(forecast: ForecastSpec, capabilities: Capabilities, backend: str) -> None:
    """Raise `UnsupportedError` if a backend cannot forecast the holdout from several origins."""
    from automl_bridge.capabilities import Feature

    reason = capabilities.reason(Feature.LOCAL_PREDICTION)
    if forecast.windows > 1 and reason is not None:
        raise UnsupportedError(
            f"{backend} cannot forecast from {forecast.windows} origins: that takes a model which predicts on this "
            f"machine ({reason})",
            hint="use one window",
        )


def _targets(profile: Profile, target: str | Sequence[str] | None) -> tuple[str, ...]:
    own = tuple(column.name for column in profile.with_role(Role.TARGET))
    if target is None:
        return own
    given = (target,) if isinstance(target, str) else tuple(target)
    if sorted(given) != sorted(own):
        raise SchemaError(
            f"the target is {', '.join(given)}, but the data was split for {', '.join(own) or 'no target'}",
            hint="build the dataset for the same target",
        )
    return own
