"""Google Vertex AI AutoML: the same job, in a Google Cloud project."""

from __future__ import annotations

from automl_bridge_vertex.adapter import VertexBackend

__all__ = ["VertexBackend"]
