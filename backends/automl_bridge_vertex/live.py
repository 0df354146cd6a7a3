"""The smallest job of each task against the real service, for whoever has an account. It costs real money.

    AUTOML_BRIDGE_LIVE=1 python -m automl_bridge_vertex.live --max-cost 25 --task tabular-regression

Opt-in by the variable, refuses without a dollar cap, which holds for all tasks together, and never runs in CI. The
least budgets cost $21.25 for a table or a forecast and $27.72 for images. Project, location and bucket are the
backend's settings (``AUTOML_BRIDGE_VERTEX__BUCKET`` …). At the end everything that the jobs left is deleted, and
``vertex-live-<date>.json`` says what worked, what it scored and what it used.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from automl_bridge.budget import Budget
from automl_bridge.live_round import VARIABLE, clean_up, run_job, run_round
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl_bridge.backend import Resource
    from automl_bridge.data.dataset import Dataset

__all__ = ["VARIABLE", "main", "run_task"]

_ROWS = 1500
"""So many that 1,200 are sent: the service takes 1,000."""
TASKS = (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING, Task.IMAGE_CLASSIFICATION)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tasks one after the other; returns 0 if all came to their scores and nothing is left."""
    return run_round(
        arguments,
        backend="vertex",
        account="a Google project",
        about=__doc__ or "",
        tasks=TASKS,
        run=run_task,
        clean=_clean,
    )


def run_task(task: Task, usd: float) -> dict[str, Any]:
    """Train, score and predict the smallest job of one task under a cap in US dollars."""
    return run_job(task, usd, backend="vertex", dataset=_dataset, budget=Budget(max_cost_usd=usd), cap="strict")


def _dataset(task: Task, folder: Path) -> Dataset:
    """Return rows whose target can be learned from them."""
    from automl_bridge.data.build import build_dataset

    if task is Task.IMAGE_CLASSIFICATION:
        return build_dataset(_pictures(folder / "pictures"), task=task)[1]
    options: dict[str, Any] = {"target": "target", "task": task}
    if task is Task.FORECASTING:
        options |= {"time": "day", "forecast": {"series": "shop", "horizon": 7}}
        return build_dataset(_series(), **options)[1]
    return build_dataset(_table(task), **options)[1]


def _table(task: Task) -> Any:
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    x = rng.normal(size=_ROWS)
    target = np.where(x > 0, "yes", "no") if task.is_classification else 3 * x + 1
    level = np.array(["NA", "01", 'a,"b"', "x"])[rng.integers(0, 4, _ROWS)]
    missing = rng.random(_ROWS) < 0.1
    return pa.table({"x": pa.array(x, mask=missing), "level": level, "flag": x > 1, "target": target})


def _series() -> Any:
    import numpy as np
    import pyarrow as pa

    days = np.arange(150)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    shops = [f"shop {number}" for number in range(10)]
    return pa.table(
        {
            "shop": [shop for shop in shops for _ in days],
            "day": [start + timedelta(days=int(day)) for _ in shops for day in days],
            "target": np.concatenate([100 + 10 * n + 20 * np.sin(2 * np.pi * days / 7) for n in range(len(shops))]),
        }
    )


def _pictures(folder: Path) -> Path:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, shade in (("dark", 60), ("light", 190)):
        (folder / label).mkdir(parents=True)
        for number in range(60):
            pixels = np.clip(rng.normal(shade, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def _clean(results: Sequence[dict[str, Any]]) -> list[str]:
    """Delete what these jobs left, and nothing else; returns what is there all the same."""
    names = {f"ab-{result['run']}" for result in results if "run" in result}
    requests = [json.dumps(result.get("request", {})) for result in results]

    def is_ours(one: Resource) -> bool:
        staged = one.kind == "staged data" and any(one.name in request for request in requests)
        return staged or any((one.run or "").startswith(name) for name in names)

    return clean_up("vertex", is_ours)


if __name__ == "__main__":
    raise SystemExit(main())
