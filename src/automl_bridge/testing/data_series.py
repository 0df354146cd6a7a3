"""Series of a long table: a weekly season, and a promotion that is known in advance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_bridge.data.build import build_dataset
from automl_bridge.testing.sample import TARGET, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec, Profile
    from automl_bridge.task import Task

__all__ = ["HORIZON", "STEPS", "series"]

STEPS = 40
"""Days of each series."""
HORIZON = 4
"""Days to forecast."""

_YOUNG = 10
"""Days of a series that has hardly begun: services look back further than a horizon."""

_SHOP, _DAY, _PROMO, _HEAT = "shop, where", "_day", "promo", "[heat]"
_BEGIN = date(2024, 1, 29)


def series(count: int, *, seed: int = 0) -> Series:
    """Return so many series, with rows to come."""
    rng = np.random.default_rng(seed)
    step = np.arange(STEPS + HORIZON)
    tables = []
    for number in range(count):
        promo = rng.random(len(step)) < 0.25
        level = 20.0 + 3.0 * (number % 7)
        sold = level * (1 + 0.3 * np.sin(2 * np.pi * step / 7) + 0.4 * promo) + rng.normal(0, 0.02 * level, len(step))
        tables.append(_table(f"Größe {number:03}", sold, promo, rng))
    return Series(pa.concat_tables(tables))


def _table(name: str, sold: Any, promo: Any, rng: np.random.Generator) -> pa.Table:
    """Return one series; what is to come has no target, and no value of what is not known in advance."""
    steps = len(sold)
    coming = np.arange(steps) >= steps - HORIZON
    columns = {
        _SHOP: pa.array([name] * steps),
        _DAY: pa.array([_BEGIN + timedelta(days=day) for day in range(steps)]),
        TARGET: pa.array(sold, mask=coming),
        _PROMO: pa.array(promo.astype(np.int64)),
        _HEAT: pa.array(rng.normal(size=steps), mask=coming | (rng.random(steps) < 0.1)),
    }
    return pa.table(columns)


@dataclass(frozen=True)
class Series(Sample):
    """Series in a long table, with rows to come at the end of each."""

    steps: ClassVar[int] = HORIZON
    ordered: ClassVar[bool] = False

    def dataset(self, task: Task, **options: Any) -> Dataset:
        """Return their history as data to train on."""
        asked = {"series": _SHOP, "horizon": HORIZON, "known_future": _PROMO}
        history = self.source.filter(pc.is_valid(self.source[TARGET]))
        return build_dataset(history, target=TARGET, time=_DAY, task=task, forecast=asked, **options)[1]

    def question(self, profile: Profile, forecast: ForecastSpec | None = None) -> Dataset:
        """See `Sample`."""
        return self.asked(self.source, profile, forecast)

    def take(self, items: Sequence[int]) -> Series:
        """See `Sample`; rows are in the reverse of their order where the series are."""
        parts = [self.source.slice(item * (STEPS + HORIZON), STEPS + HORIZON) for item in items]
        if len(items) > 1 and items[0] > items[-1]:
            parts = [part.take(list(range(part.num_rows))[::-1]) for part in parts]
        return Series(pa.concat_tables(parts))

    def written(self, folder: Path) -> Path:
        """Write a CSV file."""
        import pyarrow.csv

        path = folder / "my series.csv"
        pyarrow.csv.write_csv(self.source, path)
        return path

    def odd(self) -> Series:
        """Return series that are new: one that is long, one that has hardly begun, one that does not change."""
        rng = np.random.default_rng(1)
        made = []
        for name, sold in (
            ("a new one", 50 + rng.normal(size=STEPS)),
            ("another, young", 50 + rng.normal(size=_YOUNG)),
            ("nothing sold", np.zeros(STEPS)),
        ):
            whole = np.concatenate([sold, np.zeros(HORIZON)])
            made.append(_table(name, whole, rng.random(len(whole)) < 0.25, rng))
        return Series(pa.concat_tables(made))
