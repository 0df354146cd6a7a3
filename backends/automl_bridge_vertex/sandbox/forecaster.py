"""A forecast: the seasonal model of the target, times what the columns known ahead do to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.sandbox.trainers.encode import Encoder
from automl_bridge_vertex.sandbox.csvs import moment_of, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge.sandbox.trainers import SeriesModel

__all__ = ["Effect", "Forecaster", "step_of"]

SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604_800}
RIDGE = 1.0
SHARES = (-0.9, 5.0)  # of the level, that columns may take away or add


def step_of(moment: float, unit: str, quantity: int) -> int:
    """Return the number of a time step, so that steps of all series are in step with each other."""
    if unit in SECONDS:
        return int(moment // (SECONDS[unit] * quantity))
    date = datetime.fromtimestamp(moment, tz=UTC)
    return date.year if unit == "year" else date.year * 12 + date.month


class Effect:
    """What columns that are known ahead do to the target, as a share of its level: linear, by ridge regression."""

    def __init__(self, encoder: Encoder, weights: NDArray[np.float64], center: NDArray[np.float64]) -> None:
        self.encoder = encoder
        self.weights = weights
        self.center = center

    @classmethod
    def fit(
        cls,
        table: Mapping[str, Sequence[str]],
        names: Sequence[str],
        rows: Sequence[Sequence[int]],
        values: Sequence[NDArray[np.float64]],
        season: int,
    ) -> Effect:
        """Learn from the ``rows`` of each series, which begin with its season, and their ``values``."""
        flat = [row for one in rows for row in one]
        columns = {name: [table[name][row] for row in flat] for name in names}
        encoder = Encoder.fit(columns)
        inputs = encoder.transform(columns)
        means = np.concatenate([np.full(len(one), max(abs(one.mean()), 1e-9)) for one in values])
        shares = np.concatenate(list(values)) / means - 1.0
        places = np.concatenate([np.arange(len(one)) % season for one in values])
        sums = np.bincount(places, shares, minlength=season)
        shares = shares - (sums / np.maximum(np.bincount(places, minlength=season), 1))[places]
        center = inputs.mean(axis=0)
        inputs = inputs - center
        weights = np.linalg.solve(inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1]), inputs.T @ shares)
        return cls(encoder, weights, center)

    def factors(self, table: Mapping[str, Sequence[str]], rows: Sequence[int]) -> NDArray[np.float64]:
        """Return by what the level is multiplied in some rows; a column that is not there counts as missing."""
        columns = {
            name: [table[name][row] for row in rows] if name in table else [""] * len(rows)
            for name in self.encoder.names
        }
        return 1.0 + np.clip((self.encoder.transform(columns) - self.center) @ self.weights, *SHARES)


@dataclass
class Forecaster:
    """Forecasts one series at a time.

    Parameters
    ----------
    model
        Of the target without the effect.
    effect
        Of the columns known ahead; None if there are none.
    time, target, time_format
        Names of columns, and how times are written.
    step
        Unit and quantity of a time step.
    """

    model: SeriesModel
    effect: Effect | None
    time: str
    target: str
    time_format: str
    step: tuple[str, int]

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.model.horizon

    def forecast(
        self, table: Mapping[str, Sequence[str]], past: Sequence[int], future: Sequence[int], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        """Return forecasts for the ``future`` rows, of shape (rows, 1 + levels): the mean, then each quantile."""
        first = step_of(moment_of(table[self.time][past[0]], self.time_format) or 0.0, *self.step)
        start = first % len(self.model.profile)  # the history may begin anywhere in the season
        turned = replace(self.model, profile=[*self.model.profile[start:], *self.model.profile[:start]])
        values = np.array([number_of(table[self.target][row]) for row in past], dtype=np.float64)
        if self.effect is None:
            return turned.forecast(values, levels)[: len(future)]
        said = turned.forecast(values / self.effect.factors(table, past), levels)[: len(future)]
        return said * self.effect.factors(table, future)[:, None]

    def files(self) -> dict[str, bytes]:
        """Return the model as files."""
        found = self.model.files()
        if self.effect is not None:
            held = {"weights": self.effect.weights.tolist(), "columns": self.effect.encoder.to_json()}
            found["effect.json"] = json.dumps(held).encode()
        return found
