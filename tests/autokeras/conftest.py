"""One warm worker for all tests of this folder."""

from __future__ import annotations

import pandas as pd
import pytest
from autokeras_bench import Bench, Fit, mixed_table

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory):
    bench = Bench(tmp_path_factory.mktemp("autokeras") / "work", {"epochs": 3, "ensemble": False, "refit": False})
    yield bench
    bench.backend()._queue().kill()


@pytest.fixture(scope="session")
def mixed() -> pd.DataFrame:
    return mixed_table()


@pytest.fixture(scope="session")
def fitted(bench: Bench, mixed: pd.DataFrame) -> Fit:
    """Two trials on the mixed table, long enough to learn it."""
    task, dataset = build_dataset(mixed, target="outcome")
    spec = bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=2))
    return Fit(spec, dataset, bench.run(spec, dataset, epochs=12))
