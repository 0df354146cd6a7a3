"""The smallest job of each task against the real service, for whoever has an account. It costs real money.

    AUTOML_BRIDGE_LIVE=1 python -m automl_bridge_azure.live --max-cost 10 [--task tabular-regression …]

Opt-in by the variable, refuses without a dollar cap, which holds for all tasks together, and never runs in CI.
Subscription, resource group and workspace are the backend's settings (``AUTOML_BRIDGE_AZURE__WORKSPACE`` …). At the
end everything that the jobs left is deleted, and ``azure-live-<date>.json`` says what worked, what it scored and what
it used.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from automl_bridge.budget import Budget
from automl_bridge.live_round import VARIABLE, clean_up, run_job, run_round
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl_bridge.data.dataset import Dataset

__all__ = ["VARIABLE", "main", "run_task"]

_ROWS = 400
"""So many that 256 are left for training: the service takes 50."""
TASKS = (
    Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING, Task.TEXT_CLASSIFICATION,
    Task.IMAGE_CLASSIFICATION,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tasks one after the other; returns 0 if all came to their scores and nothing is left."""
    return run_round(
        arguments, backend="azure", account="Azure", about=__doc__ or "", tasks=TASKS, run=run_task, clean=_clean
    )


def run_task(task: Task, usd: float) -> dict[str, Any]:
    """Train, score and predict the smallest job of one task under a cap in US dollars."""
    return run_job(
        task, usd, backend="azure", dataset=_dataset, budget=Budget(max_cost_usd=usd, max_time="1h", max_trials=1)
    )


def _dataset(task: Task, _: Path) -> Dataset:
    """Return rows whose target can be learned from them."""
    import numpy as np
    import pyarrow as pa

    from automl_bridge.data.build import build_dataset

    rng = np.random.default_rng(0)
    if task is Task.IMAGE_CLASSIFICATION:
        pictures = rng.integers(0, 100, (100, 32, 32)).astype(np.uint8)
        pictures[::2] += 120
        return build_dataset(pictures, y=["light", "dark"] * 50, task=task)[1]
    if task is Task.FORECASTING:
        return build_dataset(_series(), target="target", time="day", task=task,
                             forecast={"horizon": 7, "series": ("shop",), "freq": "D"})[1]  # fmt: skip
    x = rng.normal(size=_ROWS)
    if task is Task.TEXT_CLASSIFICATION:
        words = np.where(x > 0, "a bright and happy day", "a dark and gloomy night")
        said = [f"{word}, number {number}" for number, word in enumerate(words)]
        table = pa.table({"text": said, "target": np.where(x > 0, "+", "-")})
        return build_dataset(table, target="target", types={"text": "text"}, task=task)[1]
    target = np.where(x > 0, "yes", "no") if task.is_classification else 3 * x + 1
    level = np.array(["NA", "01", 'a,"b"', "x"])[rng.integers(0, 4, _ROWS)]
    missing = rng.random(_ROWS) < 0.1
    table = pa.table({"x": pa.array(x, mask=missing), "level": level, "flag": x > 1, "target": target})
    return build_dataset(table, target="target", task=task)[1]


def _series() -> Any:
    import pyarrow as pa

    start = datetime(2024, 1, 1)  # noqa: DTZ001 - stamps without a zone are the plain case
    return pa.Table.from_pylist([
        {"day": start + timedelta(days=day), "shop": f"0{shop}", "target": shop + day + 3.0 * (day % 7)}
        for shop in range(2)
        for day in range(100)
    ])  # fmt: skip


def _clean(results: Sequence[dict[str, Any]]) -> list[str]:
    """Delete what these jobs left, and nothing else; returns what is there all the same."""
    names = [f"ab-{result['run']}" for result in results if "run" in result]
    uris = [uri for result in results for uri in _staged(result)]
    return clean_up("azure", lambda one: one.name in uris or any(name in one.name for name in names))


def _staged(result: dict[str, Any]) -> list[str]:
    properties = result.get("request", {}).get("body", {}).get("properties", {})
    details = properties.get("taskDetails", {})
    uris = [details[key]["uri"] for key in ("trainingData", "validationData") if key in details]
    return [uri.rstrip("/").rpartition("/")[0] + "/" for uri in uris]


if __name__ == "__main__":
    raise SystemExit(main())
