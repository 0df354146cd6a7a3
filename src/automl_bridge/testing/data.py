"""Data for the tiers: small, with an easy signal, in the shape and with the oddities that people have them.

Every kind of task has a `Sample`; that of tables is here, `data_media` and `data_series` have the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from automl_bridge.data.build import build_dataset
from automl_bridge.task import Task
from automl_bridge.testing.data_media import images, mixed, texts
from automl_bridge.testing.data_series import STEPS, series
from automl_bridge.testing.sample import TARGET, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset

__all__ = ["CLASSES", "LABELS", "dataset", "sample", "table"]

CLASSES = ("yes", "no", "don't know")
LABELS = (9, 10, 2)
"""Labels of pictures and texts: their order as numbers is not that as text, nor that of their frequencies."""

_LEAST_SERIES = 20


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


def sample(task: Task, items: int, *, classes: tuple[Any, ...] | None = None, seed: int = 0) -> Sample:
    """Return data of ``task`` whose target follows the signal.

    Parameters
    ----------
    items
        Rows of a table, pictures, texts; whole series of `STEPS` steps for a forecast.
    classes
        Labels, the most frequent first; None: `CLASSES` of a table, else `LABELS`.
    """
    if task is Task.FORECASTING:
        return series(items, seed=seed)
    subject = task.value.partition("-")[0]
    labels = classes or (CLASSES if subject == "tabular" else LABELS)
    features, signal = _MAKERS[subject](items, seed)
    truth: Any = signal * 10.0 + 3.0
    if task.is_classification:
        # To the third power, so that classes differ in size and frequencies alone tell which column is whose.
        codes = ((signal / 3.0) ** 3 * len(labels)).astype(int)
        truth = [labels[code] for code in codes]
    return replace(features, truth=truth)


def dataset(task: Task, rows: int, *, classes: tuple[Any, ...] | None = None, seed: int = 0, **options: Any) -> Dataset:
    """Return a dataset of a `sample`, of about so many rows; ``options`` are those of `build_dataset`."""
    items = max(_LEAST_SERIES, rows // STEPS) if task is Task.FORECASTING else rows
    return sample(task, items, classes=classes, seed=seed).dataset(task, **options)


@dataclass(frozen=True)
class Rows(Sample):
    """Rows of `table`."""

    def dataset(self, task: Task, **options: Any) -> Dataset:
        """See `Sample`; the target is a column."""
        whole = self.source.append_column(TARGET, pa.array(self.truth))
        return build_dataset(whole, target=TARGET, task=task, **options)[1]

    def take(self, items: Sequence[int]) -> Rows:
        """See `Sample`."""
        return Rows(self.source.take(list(items)))

    def written(self, folder: Path) -> Path:
        """Write a Parquet file: a CSV file does not tell an empty text from a missing one."""
        import pyarrow.parquet as pq

        path = folder / "my rows.parquet"
        pq.write_table(self.source, path)
        return path

    def odd(self) -> Rows:
        """Return rows of a new level, and of nothing but missing values."""
        fields = self.source.schema
        level, number = "level, really", "[signal]: (€)"
        odd = [{level: "never seen", number: 1.0}, {level: "x" * 999, number: 1e9}, {}]
        return Rows(pa.Table.from_pylist([{name: row.get(name) for name in fields.names} for row in odd], fields))


def _rows(rows: int, seed: int) -> tuple[Rows, NDArray[np.float64]]:
    features = table(rows, seed=seed)
    return Rows(features), np.asarray(features.column(0).to_numpy())


_MAKERS: dict[str, Callable[[int, int], tuple[Sample, NDArray[np.float64]]]] = {
    "tabular": _rows,
    "image": images,
    "text": texts,
    "multimodal": mixed,
}
