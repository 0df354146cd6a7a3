"""The AutoKeras backend: neural networks for tables, searched on this machine."""

from automl_bridge_autokeras.adapter import AutoKerasBackend
from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["AutoKerasBackend", "AutoKerasSettings"]
