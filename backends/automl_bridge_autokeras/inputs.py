"""What goes before a model: which class turns rows into its arrays, by the task, and by what a bundle says."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["Inputs", "fit_inputs", "inputs_from_json"]

_CLASSES = {
    "table": "inputs_tabular:TableInputs",
    "mixed": "inputs_mixed:MixedInputs",
    "custom": "inputs_custom:CustomInputs",
    "custom-forecast": "inputs_custom:CustomForecastInputs",
    "forecast": "inputs_forecast:ForecastInputs",
}
"""By `Inputs.kind`. Imported when they are needed; none of them imports TensorFlow."""


class Inputs(Protocol):
    """Everything fitted between a table and the model's arrays; JSON in and out."""

    kind: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, in the order of `transform`."""
        ...

    @property
    def levels(self) -> int:
        """Number of category codes over all columns."""
        ...

    def transform(self, table: pa.Table) -> tuple[NDArray[Any], ...]:
        """Turn rows into the model's arrays."""
        ...

    def linear(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return what a linear model reads: floats, and int32 codes below `levels`."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return what `inputs_from_json` reads."""
        ...


def fit_inputs(dataset: Dataset, spec: JobSpec, settings: AutoKerasSettings) -> Inputs:
    """Fit what the task needs to the training rows."""
    columns = spec.profile.features
    if spec.task.value.startswith("tabular"):
        from automl_bridge_autokeras.inputs_tabular import TableInputs

        return TableInputs.fit(
            dataset.features("train"),
            columns,
            spec.seed,
            exact=settings.search_space is None,  # a space of the user's reads codes as categories
        )
    from automl_bridge_autokeras.inputs_mixed import MixedInputs

    rows = sum(spec.profile.rows.get(part, 0) for part in ("train", "validation"))
    return MixedInputs.fit(dataset.features("train"), columns, rows=rows, seed=spec.seed, side=settings.image_size)


def inputs_from_json(kind: str, document: Mapping[str, Any]) -> Inputs:
    """Rebuild what a bundle holds."""
    module, _, name = _CLASSES[kind].partition(":")
    found: Any = getattr(importlib.import_module(f"automl_bridge_autokeras.{module}"), name)
    rebuilt: Inputs = found.from_json(document)
    return rebuilt
