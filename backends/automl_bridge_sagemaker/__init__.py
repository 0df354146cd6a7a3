"""Amazon SageMaker Autopilot: the same job, in an AWS account."""

from __future__ import annotations

from automl_bridge_sagemaker.adapter import SageMakerBackend

__all__ = ["SageMakerBackend"]
