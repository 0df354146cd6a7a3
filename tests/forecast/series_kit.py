"""Long tables of series with a season, a trend and a promotion: whatever is lost on the way in shows in the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from automl_bridge.data.build import build_dataset
from automl_bridge.data.dataset import Dataset


def sales(series: int = 4, steps: int = 120, *, seed: int = 0, start: str = "2024-01-01") -> pd.DataFrame:
    """Return daily series with a weekly season; ``promo``, known in advance, adds half of the level."""
    rng = np.random.default_rng(seed)
    step = np.arange(steps)
    tables = []
    for each in range(series):
        promo = (rng.random(steps) < 0.25).astype(float)
        level = 20.0 * (each + 1)
        season = 1 + 0.3 * np.sin(2 * np.pi * (step + each) / 7)
        sold = level * (season + 0.5 * promo) + rng.normal(0, 0.02 * level, steps)
        days = pd.date_range(start, periods=steps, freq="D")
        tables.append(pd.DataFrame({"shop": f"shop {each}", "day": days, "sold": sold, "promo": promo}))
    return pd.concat(tables, ignore_index=True)


def built(table: Any, *, target: str = "sold", time: str = "day", horizon: int = 7, **options: Any) -> Dataset:
    """Return the dataset of a forecasting job; series are told apart by ``shop`` unless told otherwise."""
    shares = {name: options.pop(name) for name in ("holdout", "validation") if name in options}
    options = {"series": "shop", "horizon": horizon, **options}
    return build_dataset(table, target=target, time=time, forecast=options, **shares)[1]


def after(table: pd.DataFrame, steps: int, promo: float = 0.0) -> pd.DataFrame:
    """Return the rows to come of each shop, with the promotion that is known in advance."""
    found = []
    for shop, rows in table.groupby("shop"):
        days = pd.date_range(rows.day.max(), periods=steps + 1, freq="D")[1:]
        found.append(pd.DataFrame({"shop": shop, "day": days, "promo": promo}))
    return pd.concat(found, ignore_index=True)
