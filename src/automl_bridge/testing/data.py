"""Tables for the tiers: small, with an easy signal, every kind of column, and names that people really use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from automl_bridge.data.build import build_dataset

if TYPE_CHECKING:
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.task import Task

__all__ = ["CLASSES", "dataset", "table"]

CLASSES = ("yes", "no", "don't know")


def table(rows: int, *, seed: int = 0) -> pa.Table:
    """Return features with the signal in the first column: numbers, levels, flags, dates; missing values in all."""
    rng = np.random.default_rng(seed)
    signal = rng.uniform(0, 3, rows)
    levels = np.array(["a,b", 'c"d"', "größe", ""])[rng.integers(0, 4, rows)]
    start = datetime(2024, 2, 28, tzinfo=UTC)
    columns: dict[str, Any] = {
        "[signal]: (€)": pa.array(signal),
        "level, really": pa.array(levels, mask=rng.random(rows) < 0.1),
        "class": pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1),
        "数量": pa.array(rng.integers(-5, 5, rows), mask=rng.random(rows) < 0.1),
        "_when": pa.array([start + timedelta(hours=int(hour)) for hour in rng.integers(0, 9999, rows)]),
        "constant": pa.array(np.ones(rows)),
    }
    return pa.table(columns)


def dataset(task: Task, rows: int, *, classes: tuple[Any, ...] = CLASSES, seed: int = 0, **options: Any) -> Dataset:
    """Return a dataset of `table` whose target follows the signal."""
    features = table(rows, seed=seed)
    signal = np.asarray(features.column(0).to_numpy())
    target: Any = signal * 10.0 + 3.0
    if task.is_classification:
        # To the third power, so that classes differ in size and frequencies alone tell which column is whose.
        codes = ((signal / 3.0) ** 3 * len(classes)).astype(int)
        target = pa.array([classes[code] for code in codes])
    _, built = build_dataset(
        features.append_column("the target", pa.array(target)), target="the target", task=task, **options
    )
    return built
