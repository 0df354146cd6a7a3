"""Azure Automated ML as a backend: the same job, in an Azure Machine Learning workspace."""

from __future__ import annotations

from automl_bridge_azure.adapter import AzureBackend

__all__ = ["AzureBackend"]
