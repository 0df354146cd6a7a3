"""What a search finds, and the rows it fits and checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_azure.sandbox.mltable import Rows
    from automl_bridge_azure.sandbox.request import Request

__all__ = ["MIN_ROWS", "Search", "Trial", "labelled", "split"]

MIN_ROWS = 50
MAX_CHECKED = 2000


@dataclass
class Trial:
    """A trained candidate.

    Parameters
    ----------
    algorithm, preprocessor
        What it is, by AutoML's names.
    metrics
        How it scores.
    model
        As a job's script gets it, see `automl_bridge_azure.sandbox.fitted`.
    said
        What it said of the rows it was checked on: ensembles are made of that.
    """

    algorithm: str
    preprocessor: str
    metrics: dict[str, float]
    model: Any
    said: Any = field(default=None, repr=False)


@dataclass
class Search:
    """Trials in the order they were trained, the ensembles of them by role, the features and their types."""

    trials: list[Trial] = field(default_factory=list)
    ensembles: dict[str, Trial] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)


def labelled(rows: Rows, target: str) -> list[int]:
    """Return the rows that have a target."""
    return [place for place, value in enumerate(rows.columns[target]) if value.strip()]


def _take(rows: Rows, places: Sequence[int]) -> dict[str, list[str]]:
    return {name: [values[place] for place in places] for name, values in rows.columns.items()}


def split(
    request: Request, train: Rows, validation: Rows | None, target: str
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return rows to fit and rows to check; one split stands for folds."""
    usable = labelled(train, target)
    if validation is not None:
        checked = labelled(validation, target)
        return _take(train, usable), _take(validation, checked[:MAX_CHECKED])
    share = float(request.details.get("validationDataSize") or 0.2)
    order = np.random.default_rng(0).permutation(usable).tolist()
    held = max(1, round(len(order) * share))
    return _take(train, sorted(order[held:])), _take(train, sorted(order[:held])[:MAX_CHECKED])
