"""The ``sklearn`` flavor."""

from __future__ import annotations

from typing import Any

from ._reading import read

__all__ = ["load_model"]


def load_model(model_uri: str, dst_path: str | None = None) -> Any:
    """Return the model itself; only a model of tables has this flavor."""
    del dst_path
    about, model = read(model_uri)
    if "sklearn" not in about["flavors"]:
        raise ValueError('Model does not have the "sklearn" flavor')
    return model
