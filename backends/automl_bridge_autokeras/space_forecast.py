"""The space that is searched for series. Needs AutoKeras, and so TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_autokeras.blocks import ConcatBlock, TrunkBlock
from automl_bridge_autokeras.blocks_forecast import AheadBlock, StepsBlock, WindowBlock
from automl_bridge_autokeras.heads import ArrayInput

if TYPE_CHECKING:
    from automl_bridge_autokeras.inputs_forecast import ForecastInputs

__all__ = ["FORECAST_PRESETS", "forecast_nodes"]

FORECAST_PRESETS: tuple[dict[str, Any], ...] = (
    {},
    {"steps/linear": True, "trunk_block/dropout": 0.25},
    {"window_block/reads": "conv", "trunk_block/layers": 1, "trunk_block/dropout": 0.25},
    {"window_block/reads": "trend", "trunk_block/layers": 0, "trunk_block/dropout": 0.0, "weight_decay": 0.1},
)
"""The first trials: dense layers; the same over a linear forecast; convolutions; linear in trend and rest."""


def forecast_nodes(inputs: ForecastInputs) -> tuple[list[Any], Any]:
    """Return the input nodes for the arrays of `ForecastInputs.origins`, and the node that a head goes on."""
    nodes = {name: ArrayInput(name=name) for name in inputs.names}
    window = WindowBlock(inputs.shape.season, name="window_block")(nodes["window"])
    steps = [nodes[name] for name in ("seasons", "ahead") if name in nodes]
    read = [node for index, step in enumerate(steps) for node in AheadBlock(name=f"ahead_block_{index}")(step)]
    parts = [*window, *read, nodes["still"]]
    trunk: Any = TrunkBlock((1, 4, 8), 8, (0, 1, 2), 2, name="trunk_block")(ConcatBlock(name="concat_block")(parts))
    spread = StepsBlock(inputs.shape.horizon, name="steps_block")([*trunk, *steps])
    return list(nodes.values()), [*spread, *([nodes["linear"]] if "linear" in nodes else [])]
