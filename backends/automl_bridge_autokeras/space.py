"""Which space is searched for which inputs: nodes to feed, the node that a head goes on, and the first trials.

Needs AutoKeras, and so TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge_autokeras.heads import USUAL_STEPS
from automl_bridge_autokeras.inputs_forecast import ForecastInputs
from automl_bridge_autokeras.inputs_mixed import MixedInputs
from automl_bridge_autokeras.inputs_tabular import PRESETS, TableInputs, table_nodes, table_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from automl_bridge_autokeras.inputs import Inputs
    from automl_bridge_autokeras.inputs_image import ImageInputs
    from automl_bridge_autokeras.inputs_text import TextInputs

__all__ = ["Space", "space_of"]

_TEXT_STEPS = 500  # the embeddings of terms learn fast, and soon too much


@dataclass(frozen=True)
class Space:
    """A search space: input nodes in the order of the arrays, the last node before the head, the first trials, and
    the steps of a usual training.
    """  # noqa: D205 - one thought

    nodes: list[Any]
    trunk: Any
    presets: tuple[Mapping[str, Any], ...] = ()
    steps: int = USUAL_STEPS


def space_of(inputs: Inputs, arrays: Sequence[NDArray[Any]]) -> Space:
    """Return the space for ``inputs``, whose training arrays are ``arrays``."""
    if isinstance(inputs, MixedInputs):
        return _mixed(inputs, arrays)
    if isinstance(inputs, ForecastInputs):
        from automl_bridge_autokeras.space_forecast import FORECAST_PRESETS, forecast_nodes

        return Space(*forecast_nodes(inputs), FORECAST_PRESETS)
    assert isinstance(inputs, TableInputs)
    nodes, trunk = table_nodes(arrays, inputs.levels, inputs.offsets.tolist(), len(inputs.exact.columns))
    return Space(nodes, trunk, PRESETS)


def _mixed(inputs: MixedInputs, arrays: Sequence[NDArray[Any]]) -> Space:
    from automl_bridge_autokeras.blocks import ConcatBlock, TrunkBlock

    nodes: list[Any] = []
    parts: list[Any] = []
    if inputs.table is not None:
        count = len(inputs.table.names)
        own, vectors = table_parts(arrays[:count], inputs.table.levels, inputs.table.offsets.tolist())
        nodes.extend(own)
        parts.extend(vectors)
    for index, text in enumerate(inputs.texts.values()):
        nodes.extend(_text_part(index, text, parts))
    for index, image in enumerate(inputs.images.values()):
        nodes.append(_image_part(index, image, parts, len(arrays[0])))
    trunk = TrunkBlock((1, 4, 8), 4, (0, 1, 2), 1, name="trunk_block")(ConcatBlock(name="concat_block")(parts))
    return Space(nodes, trunk, _presets(inputs), USUAL_STEPS if inputs.images or inputs.table else _TEXT_STEPS)


def _text_part(index: int, text: TextInputs, parts: list[Any]) -> list[Any]:
    from automl_bridge_autokeras.blocks_media import TermsBlock
    from automl_bridge_autokeras.heads import ArrayInput

    nodes = [ArrayInput(name=f"text_{index}_{part}") for part in ("terms", "weights", "words")]
    block = TermsBlock(len(text.terms) + 1, len(text.words) + 2, name=f"text_block_{index}")
    parts.extend(block(nodes))
    return nodes


def _image_part(index: int, image: ImageInputs, parts: list[Any], rows: int) -> Any:
    from automl_bridge_autokeras.blocks_media import ConvNetBlock, augments_help
    from automl_bridge_autokeras.heads import ArrayInput

    node = ArrayInput(name=f"image_{index}")
    augments = augments_help(rows, image.height, image.width)
    block = ConvNetBlock(image.mean, image.deviation, augments=augments, name=f"image_block_{index}")
    parts.extend(block(node))
    return node


def _presets(inputs: MixedInputs) -> tuple[dict[str, Any], ...]:
    """Return the first trials: what is usual, then what differs from it as far as such data differ."""
    trials: list[dict[str, Any]] = [{}, {}, {}, {}]
    for index in range(len(inputs.texts)):
        block = f"text_block_{index}"
        trials[1] |= {f"{block}/reads": "both", f"{block}/width": 32}
        trials[2] |= {f"{block}/dropout": 0.5}
        trials[3] |= {f"{block}/width": 128}
    for index in range(len(inputs.images)):
        block = f"image_block_{index}"
        trials[1] |= {f"{block}/depth": 2, f"{block}/augment": "shift"}
        trials[2] |= {f"{block}/kind": "residual", f"{block}/dropout": 0.5}
        trials[3] |= {f"{block}/depth": 2, f"{block}/pooling": "average", f"{block}/augment": "shift and mirror"}
    if inputs.table is not None:
        for mine, table in zip(trials, PRESETS, strict=True):
            mine |= {name: value for name, value in table.items() if name.startswith("number_block")}
    if inputs.table is None and not inputs.images:
        # Weighted terms alone are a linear model of rank `width`: with texts, hard to beat.
        for mine in (trials[0], trials[1], trials[3]):
            mine["trunk_block/layers"] = 0
        trials[3]["weight_decay"] = 0.1
    else:
        trials[3]["trunk_block/layers"] = 2
    for mine in trials[2:]:
        mine["trunk_block/dropout"] = 0.25
    return tuple(trials)
