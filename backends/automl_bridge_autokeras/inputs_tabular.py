"""Tables for a neural net: the space that is searched, and what turns columns into its arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from automl_bridge_autokeras.exact_values import ExactValues
from automl_bridge_autokeras.scaling import NumberScaler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.encode import TableEncoder
    from automl_bridge.spec import ColumnProfile

__all__ = ["PRESETS", "TableInputs", "table_nodes", "table_parts"]

PRESETS: tuple[dict[str, Any], ...] = (
    {},
    {
        "number_block/encoding": "plain",
        "category_block/exact": True,
        "trunk_block/units": 128,
        "trunk_block/dropout": 0.25,
    },
    {
        "number_block/encoding": "periodic",
        "trunk_block/kind": "residual",
        "trunk_block/units": 64,
        "trunk_block/dropout": 0.25,
    },
    {
        "number_block/encoding": "piecewise",
        "number_block/bins": 8,
        "number_block/width": 4,
        "category_block/exact": True,
        "trunk_block/layers": 1,
        "trunk_block/units": 64,
        "trunk_block/dropout": 0.5,
    },
)
"""The first trials: a strong default, then three that differ from it as far as tables differ.

What a preset leaves out takes its default.
"""


@dataclass(frozen=True)
class TableInputs:
    """Everything fitted between a table and the model's arrays; JSON in and out.

    Parameters
    ----------
    encoder
        From columns to numbers and category codes.
    scaler
        From numbers to two scales.
    exact
        Numbers that are told apart like categories, too.
    """

    kind: ClassVar[str] = "table"
    encoder: TableEncoder
    scaler: NumberScaler
    exact: ExactValues = field(default_factory=ExactValues)

    @classmethod
    def fit(cls, table: pa.Table, columns: Sequence[ColumnProfile], seed: int, *, exact: bool = False) -> TableInputs:
        """Fit to the training rows; ``exact`` looks for numbers that come back in many rows."""
        from automl_bridge.data.encode import TableEncoder

        encoder = TableEncoder.fit(table, columns, seed=seed)
        numeric = encoder.transform(table).numeric
        return cls(encoder, NumberScaler.fit(numeric, seed), ExactValues.fit(numeric) if exact else ExactValues())

    @property
    def offsets(self) -> NDArray[np.int32]:
        """Where each column's codes begin in the one table of levels: categories, then exact numbers."""
        return np.concatenate([[0], np.cumsum(self._cardinalities)])[:-1].astype(np.int32)

    @property
    def _cardinalities(self) -> tuple[int, ...]:
        return (*self.encoder.cardinalities, *self.exact.cardinalities)

    @property
    def levels(self) -> int:
        """Number of codes over all columns that have codes."""
        return int(sum(self._cardinalities))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        ranks = ("ranks",) if self.encoder.numeric_names else ()
        codes = ("codes",) if self._cardinalities else ()
        return (*ranks, *(("flat",) if ranks or not codes else ()), *codes)

    def transform(self, table: pa.Table) -> tuple[NDArray[Any], ...]:
        """Turn rows into the model's arrays: ranks, flat values, codes; those without a column are left out."""
        encoded = self.encoder.transform(table)
        ranks, flat = self.scaler.transform(encoded.numeric)
        codes = np.concatenate([encoded.categorical, self.exact.codes(encoded.numeric)], axis=1) + self.offsets
        if not ranks.shape[1] and not codes.shape[1]:
            flat = np.zeros((table.num_rows, 1), dtype=np.float32)
        return tuple(array for array in (ranks, flat, codes) if array.shape[1])

    def linear(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return what a linear model reads: all of it but the codes of exact numbers, too many to be sure of."""
        categories = len(self.encoder.cardinalities)
        return tuple(array[:, :categories] if array.dtype == np.int32 else array for array in arrays)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        exact = {"exact": self.exact.to_json()} if self.exact.columns else {}
        return {"encoder": self.encoder.to_json(), "scaler": self.scaler.to_json(), **exact}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableInputs:
        """Rebuild it from `to_json`."""
        from automl_bridge.data.encode import TableEncoder

        return cls(
            TableEncoder.from_json(document["encoder"]),
            NumberScaler.from_json(document["scaler"]),
            ExactValues.from_json(document.get("exact", ())),
        )


def table_nodes(
    inputs: Sequence[NDArray[Any]], levels: int, unknown: Sequence[int] = (), exact: int = 0
) -> tuple[list[Any], Any]:
    """Return the input nodes for the arrays of `TableInputs.transform`, and the node that a head goes on.

    ``levels`` and ``unknown`` are those of `CategoryBlock`; the last ``exact`` columns of the codes are exact numbers.

    Needs AutoKeras, and so TensorFlow.
    """
    from automl_bridge_autokeras.blocks import ConcatBlock, TrunkBlock

    nodes, parts = table_parts(inputs, levels, unknown, exact)
    joined = ConcatBlock(name="concat_block")(parts)
    members, usual = _members(inputs)
    return nodes, TrunkBlock(members, usual, name="trunk_block")(joined)


def table_parts(
    inputs: Sequence[NDArray[Any]], levels: int, unknown: Sequence[int] = (), exact: int = 0
) -> tuple[list[Any], list[Any]]:
    """Return the input nodes for the arrays, and the nodes of their vectors."""
    from automl_bridge_autokeras.blocks import CategoryBlock, NumberBlock
    from automl_bridge_autokeras.heads import ArrayInput

    floats = [array for array in inputs if array.dtype == np.float32]
    nodes, parts = [], []
    if len(floats) == 2:
        nodes.append(ArrayInput(name="ranks"))
        parts.extend(NumberBlock(name="number_block")(nodes[-1]))
    if floats:
        nodes.append(ArrayInput(name="flat"))
        parts.append(nodes[-1])
    if len(inputs) > len(floats):
        nodes.append(ArrayInput(name="codes"))
        parts.extend(CategoryBlock(levels, unknown, exact, name="category_block")(nodes[-1]))
    return nodes, parts


def _members(inputs: Sequence[NDArray[Any]]) -> tuple[tuple[int, ...], int]:
    """Return the numbers of members to choose from, and the usual one: a member costs as much as a network.

    Large tables gain least from averaging and have least time for it.
    """
    cells = len(inputs[0]) * sum(array.shape[1] for array in inputs)
    if cells <= 1_000_000:
        return (1, 4, 8, 16), 8
    return ((1, 2, 4), 4) if cells <= 4_000_000 else ((1, 2, 4), 1)
