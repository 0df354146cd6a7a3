"""A search space of the user's instead of ours: a graph of AutoKeras blocks, or a function that returns one.

The function is called in the worker, with a `SearchData` if it takes an argument, and returns an ``ak.AutoModel``, a
pair of inputs and outputs, or the last node (before or after a head)::

    def build(data):
        image = ak.ImageInput()
        return ak.AutoModel(image, ak.ClassificationHead()(ak.ConvBlock()(image)))

The graph says what is between inputs and head. What stands at its ends is ours, so that budget, scores, probabilities
in the order of the classes, and bundles that predict from raw rows hold for it too:

* ``ak.ImageInput`` gets pictures, shape (rows, height, width, channels), 0 to 255; ``ak.TextInput`` the ids of words
  in order, from our vocabulary; ``ak.StructuredDataInput`` scaled numbers and one-hot categories; a plain ``ak.Input``
  the first of these that is there and has not been taken, or of series the window of the past, scaled. The nodes of
  ``SearchData.nodes`` are our own arrays.
* The head says where the graph ends, and its dropout is kept; loss and last activation are ours. Of a forecast it has
  all steps and quantiles, and corrects a seasonal forecast.
* Trials, tuner, objective and directory of an AutoModel do not count: they are settings of the backend, and the budget.
"""

from __future__ import annotations

import contextlib
import inspect
import tempfile
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import tree
from autokeras.engine import block as block_module
from autokeras.engine import head as head_module
from autokeras.engine import node as node_module
from keras import layers

import autokeras as ak
from automl_bridge.errors import UsageError
from automl_bridge_autokeras.compat import SoundGraph
from automl_bridge_autokeras.graphs import graph_from
from automl_bridge_autokeras.heads import ArrayInput
from automl_bridge_autokeras.inputs_custom import NUMBERS, CustomInputs, custom_inputs
from automl_bridge_autokeras.references import Reference, load, words
from automl_bridge_autokeras.space import Space

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.inputs import Inputs
    from automl_bridge_autokeras.prepared import Prepared

__all__ = ["SearchData", "custom_space"]


@dataclass(frozen=True)
class SearchData:
    """What a function that builds a search space may know.

    Parameters
    ----------
    task
        Name of the task.
    classes, targets
        Number of classes (0 for a regression), and of values to predict a row (steps times point and quantiles).
    rows
        Training rows.
    nodes
        Input nodes for our own arrays, by name: ``ranks``, ``flat``, ``codes``, ``image_0``, ``text_0_terms``,
        ``text_0_weights``, ``text_0_words``, and ``numbers`` for a table as one array; of series ``window``,
        ``seasons``, ``ahead``, ``still`` and ``linear``, as `inputs_forecast` has them. Take any of them.
    shapes
        Their shapes, without the rows.
    levels
        Number of ids in ``codes``.
    words
        Number of ids in ``text_0_words``, ``text_1_words`` …, and in ``text_0_terms`` ….
    """

    task: str
    classes: int
    targets: int
    rows: int
    nodes: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    levels: int
    words: dict[str, int] = field(default_factory=dict)


def custom_space(given: Reference, digest: str, spec: JobSpec, prepared: Prepared) -> tuple[Space, CustomInputs]:
    """Return the user's space, and the inputs that feed it.

    Raises
    ------
    UsageError
        If the function cannot be loaded or returns no graph, or an input asks for what the data have not.
    """
    data = _search_data(spec, prepared)
    inputs, outputs = _ends(_built(given, digest, data), given)
    if len(outputs) != 1:
        raise UsageError(
            f"{words(given)} has {len(outputs)} outputs; a search has one head",
            hint="several targets of a regression are one ak.RegressionHead",
        )
    end, dropout = _before_head(outputs[0])
    picks = _picks(inputs, data, prepared.inputs, given)
    nodes = [_replaced(node, pick, data) for node, pick in zip(inputs, picks, strict=True)]
    trunk = MembersBlock(dropout, classes=bool(prepared.classes), name="members_block")(end)
    return Space(nodes, trunk[0]), custom_inputs(prepared.inputs, picks)


def _search_data(spec: JobSpec, prepared: Prepared) -> SearchData:
    base, arrays = prepared.inputs, prepared.train.arrays.inputs
    shapes = {name: tuple(map(int, array.shape[1:])) for name, array in zip(base.names, arrays, strict=True)}
    if {"flat", "codes"} & set(shapes):
        whole = CustomInputs(base, (NUMBERS,)).choose([array[:1] for array in arrays])
        shapes[NUMBERS] = (int(whole[0].shape[1]),)
    counts = {}
    for index, text in enumerate(getattr(base, "texts", {}).values()):
        counts[f"text_{index}_words"] = len(text.words) + 2
        counts[f"text_{index}_terms"] = len(text.terms) + 1
    return SearchData(
        task=str(spec.task),
        classes=prepared.classes,
        targets=1 if prepared.classes else _targets(spec),
        rows=prepared.train.arrays.rows,
        nodes={name: ArrayInput(name=name) for name in shapes},
        shapes=shapes,
        levels=base.levels,
        words=counts,
    )


def _targets(spec: JobSpec) -> int:
    if spec.forecast is None:
        return len(spec.target)
    return spec.forecast.horizon * (1 + len(spec.forecast.quantiles))


def _built(given: Reference, digest: str, data: SearchData) -> Any:
    if isinstance(given, dict) and "graph" in given:
        try:
            return graph_from(given)
        except ValueError as error:
            raise UsageError(str(error)) from error
    # An AutoModel makes its folder where it is made; here, it is of no use.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            build = load(given, digest)
            if not callable(build):
                return build
            return build(data) if inspect.signature(build).parameters else build()
        except UsageError:
            raise
        except Exception as error:
            traceback.print_exc()
            message = f"the search space {words(given)} raised {type(error).__name__}: {error}"
            raise UsageError(message, hint="the job's log.txt has the traceback") from error


def _ends(built: Any, given: Reference) -> tuple[list[Any], list[Any]]:
    """Return input and output nodes of whatever the function returned."""
    if isinstance(built, ak.AutoModel):
        built = built.tuner.hypermodel
    if hasattr(built, "inputs") and hasattr(built, "outputs") and hasattr(built, "blocks"):
        return list(built.inputs), list(built.outputs)
    flat = tree.flatten(built)
    if isinstance(built, tuple) and len(built) == 2 and all(isinstance(n, ak.Input) for n in tree.flatten(built[0])):
        # Heads without blocks between are AutoKeras' short form; AutoModel fills it in.
        with tempfile.TemporaryDirectory() as folder:
            graph = ak.AutoModel(*built, directory=folder, max_trials=1).tuner.hypermodel
        return list(graph.inputs), list(graph.outputs)
    if flat and all(isinstance(node, node_module.Node) for node in flat):
        return _roots(flat), flat
    raise UsageError(
        f"{words(given)} returned a {type(built).__name__}, which is no graph",
        hint="return an ak.AutoModel, (inputs, outputs), or the last node",
    )


def _roots(nodes: list[Any]) -> list[Any]:
    """Return the input nodes that ``nodes`` come from, in the order in which they are met."""
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, ak.Input):
            found.extend([node] if node not in found else [])
        for block in node.in_blocks:
            found.extend(root for root in _roots(block.inputs) if root not in found)
    return found


def _before_head(output: Any) -> tuple[Any, float | None]:
    """Return the node that the head stands on, and the head's dropout; a graph without a head ends where it ends."""
    block = output.in_blocks[0] if output.in_blocks else None
    if not isinstance(block, head_module.Head):
        return output, None
    (node,) = block.inputs
    node.out_blocks.remove(block)
    return node, block.dropout if hasattr(block, "dropout") else None


def _picks(nodes: list[Any], data: SearchData, base: Inputs, given: Reference) -> list[str]:
    """Return the name of the array for each input node."""
    own = {id(node): name for name, node in data.nodes.items()}
    free = {
        "image": [name for name in data.nodes if name.startswith("image_")],
        "text": [name for name in data.nodes if name.endswith("_words")],
        "table": [NUMBERS] if NUMBERS in data.nodes else [],
        "series": ["window"] if "window" in data.nodes else [],
    }
    picks = []
    for node in nodes:
        if id(node) in own:
            picks.append(own[id(node)])
            continue
        wanted = {ak.ImageInput: ("image",), ak.TextInput: ("text",), ak.StructuredDataInput: ("table",)}
        kinds = wanted.get(type(node), ("table", "image", "text", "series"))
        name = next((free[kind].pop(0) for kind in kinds if free[kind]), None)
        if name is None:
            there = ", ".join(f"{name} {data.shapes[name]}" for name in data.nodes) or "nothing"
            raise UsageError(
                f"{words(given)} asks for a {type(node).__name__}, and the data have none (left); they have {there}",
                hint="take an input for each column of its kind at most, or nodes of the function's argument",
            )
        picks.append(name)
    if not picks:
        raise UsageError(f"{words(given)} has no inputs", hint=f"it may take {', '.join(base.names)}")
    return picks


def _replaced(node: Any, pick: str, data: SearchData) -> Any:
    """Put one of our input nodes in the place of ``node``: fed as it is, without AutoKeras' own preprocessing."""
    if node is data.nodes.get(pick):
        return node
    ours = FloatInput(name=pick) if data.nodes[pick].name.startswith("image_") else ArrayInput(name=pick)
    # What AutoKeras' own block for tables asks its input: nothing is a category any more.
    ours.column_types = ours.column_names = None
    for block in node.out_blocks:
        block.inputs = [ours if each is node else each for each in block.inputs]
        ours.add_out_block(block)
    return ours


class FloatInput(ArrayInput):
    """Pictures as floats of 0 to 255, as AutoKeras' own blocks expect them."""

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Return the input as floats."""
        return layers.Rescaling(1.0)(super().build(hp, inputs))


class MembersBlock(block_module.Block):  # type: ignore[misc]
    """Reduces whatever a graph ends with to one member, shape (rows, 1, units), which our heads go on.

    Parameters
    ----------
    dropout
        Of the user's head; None lets the search choose.
    classes
        Whether it is for a classification: AutoKeras' own head reduces maps by an average there, and flattens them
        for a regression.
    """

    def __init__(self, dropout: float | None = None, *, classes: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout = dropout
        self.classes = classes

    def get_config(self) -> dict[str, Any]:
        """Return what the block is rebuilt from."""
        return {**super().get_config(), "dropout": self.dropout, "classes": self.classes}

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers."""
        node = tree.flatten(inputs)[0]
        if self.classes and len(node.shape) > 2:
            node = ak.SpatialReduction().build(hp, node)
        if len(node.shape) > 2:
            node = layers.Flatten()(node)
        dropout = hp.Choice("dropout", [0.0, 0.25, 0.5], default=0.0) if self.dropout is None else self.dropout
        if dropout:
            node = layers.Dropout(dropout)(node)
        return layers.Reshape((1, int(node.shape[-1])))(node)


def check_graph(space: Space) -> None:
    """Raise `UsageError` if the nodes of a space are not connected."""
    try:
        SoundGraph(inputs=space.nodes, outputs=[space.trunk])
    except ValueError as error:
        raise UsageError(f"the search space is no graph: {error}") from error


keras.saving.register_keras_serializable(package="automl_bridge")(MembersBlock)
