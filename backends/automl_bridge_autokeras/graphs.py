"""Graphs of AutoKeras blocks as JSON, as AutoKeras itself saves them. Needs AutoKeras."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["graph_document", "graph_from"]

_KEY = "graph"


def graph_document(model: Any) -> dict[str, Any]:
    """Return an ``ak.AutoModel`` (or a graph of one) as JSON.

    Raises
    ------
    ValueError
        If it is neither, or one of its blocks cannot be written as JSON.
    """
    graph = getattr(getattr(model, "tuner", None), "hypermodel", model)
    if not hasattr(graph, "get_config") or not hasattr(graph, "blocks"):
        raise ValueError(f"a {type(model).__name__} is no graph; give an ak.AutoModel, or a function that returns one")
    try:
        return {_KEY: json.loads(json.dumps(graph.get_config()))}
    except TypeError as error:
        raise ValueError(
            f"a block of the graph cannot be written as JSON ({error}); give a function that returns the graph instead"
        ) from None


def graph_from(document: dict[str, Any]) -> Any:
    """Return the graph of `graph_document`.

    Raises
    ------
    ValueError
        If it holds a block that only its maker's process knows.
    """
    import keras

    import autokeras as ak
    from autokeras import graph as graph_module

    # AutoKeras registers its blocks, but not all of its input nodes.
    nodes = (ak.Input, ak.ImageInput, ak.TextInput, ak.StructuredDataInput)
    try:
        with keras.saving.custom_object_scope({node.__name__: node for node in nodes}):
            return graph_module.Graph.from_config(document[_KEY])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the graph cannot be rebuilt ({str(error).splitlines()[0]}); blocks of your own need a function that "
            "returns the graph, in a module that the worker can import"
        ) from None
