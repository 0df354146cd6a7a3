"""One job at several backends: planned, capped, driven side by side, scored by one scorer, and judged."""

from automl_bridge.comparison.face import compare, resume

__all__ = ["compare", "resume"]
