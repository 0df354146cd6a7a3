"""Tiny models, really trained: what a stand-in answers comes from the data it was given.

They are quick, not good: a table is sampled down, images shrink to 16 × 16. Models travel as files (JSON
and skops, never pickle), as a service keeps them in its store.
"""

from __future__ import annotations

from automl_bridge.sandbox.trainers.candidates import Candidate, UnusableDataError
from automl_bridge.sandbox.trainers.images import train_images
from automl_bridge.sandbox.trainers.models import Model, load_model
from automl_bridge.sandbox.trainers.series import SeriesModel, train_series
from automl_bridge.sandbox.trainers.tables import train_table
from automl_bridge.sandbox.trainers.texts import train_texts

__all__ = [
    "Candidate",
    "Model",
    "SeriesModel",
    "UnusableDataError",
    "load_model",
    "train_images",
    "train_series",
    "train_table",
    "train_texts",
]
