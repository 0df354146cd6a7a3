"""What a search space of the user's is fed with: some of the arrays of the task's own inputs, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from automl_bridge_autokeras.inputs import Inputs, inputs_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge_autokeras.inputs_forecast import ForecastInputs

__all__ = ["NUMBERS", "CustomForecastInputs", "CustomInputs", "custom_inputs"]

NUMBERS = "numbers"
"""Name of the one array that a plain ``ak.Input`` or ``ak.StructuredDataInput`` gets for a table."""
_ONE_HOT = 256  # category codes over all columns up to which each has a column of its own


@dataclass(frozen=True)
class CustomInputs:
    """The arrays that a graph's inputs are fed with.

    Parameters
    ----------
    base
        What the task's own space is fed with.
    picks
        Names of arrays, in the order of the graph's inputs: `NUMBERS`, or one of the base's.
    """

    kind: ClassVar[str] = "custom"
    base: Inputs
    picks: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return self.picks

    @property
    def levels(self) -> int:
        """Number of category codes, as the base has it."""
        return self.base.levels

    def choose(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return the picked arrays of the base's."""
        named = dict(zip(self.base.names, arrays, strict=True))
        return tuple(numbers(named, self.levels) if pick == NUMBERS else named[pick] for pick in self.picks)

    def transform(self, table: pa.Table) -> tuple[NDArray[Any], ...]:
        """Turn rows into the graph's arrays."""
        return self.choose(self.base.transform(table))

    def linear(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return what is a float already; the linear model is fitted to the base's arrays."""
        return tuple(array for array in arrays if array.dtype == np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"kind": self.base.kind, "base": self.base.to_json(), "picks": list(self.picks)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CustomInputs:
        """Rebuild it from `to_json`."""
        return cls(inputs_from_json(document["kind"], document["base"]), tuple(document["picks"]))


@dataclass(frozen=True)
class CustomForecastInputs(CustomInputs):
    """The same for a graph that forecasts: its outputs are scaled steps, as those of the task's own space are.

    Parameters
    ----------
    base, picks
        As of `CustomInputs`; the base has what turns outputs into values.
    """

    kind: ClassVar[str] = "custom-forecast"
    base: ForecastInputs

    def predict(
        self, table: pa.Table, forward: Callable[[Sequence[NDArray[Any]]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Forecast the rows without a target of a sorted table; see `ForecastInputs.predict`."""
        return self.base.predict(table, lambda arrays: forward(self.choose(arrays)))


def custom_inputs(base: Inputs, picks: Sequence[str]) -> CustomInputs:
    """Return what feeds a graph whose inputs are these arrays of ``base``."""
    from automl_bridge_autokeras.inputs_forecast import ForecastInputs

    if isinstance(base, ForecastInputs):
        return CustomForecastInputs(base, tuple(picks))
    return CustomInputs(base, tuple(picks))


def numbers(named: Mapping[str, NDArray[Any]], levels: int) -> NDArray[np.float32]:
    """Return a table as one array of floats: scaled numbers, and categories one-hot (as shares of their codes if many).

    Parameters
    ----------
    named
        The arrays of `inputs_tabular.TableInputs`, by name.
    levels
        Number of category codes over all columns.
    """
    parts = [named["flat"]] if "flat" in named else []
    if "codes" in named:
        codes = named["codes"]
        if levels <= _ONE_HOT:
            wide = np.zeros((len(codes), levels), np.float32)
            wide[np.arange(len(codes))[:, None], codes] = 1.0
            parts.append(wide)
        else:
            parts.append(codes.astype(np.float32) / levels)
    return np.concatenate(parts, axis=1)
