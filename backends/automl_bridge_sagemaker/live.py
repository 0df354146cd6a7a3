"""The smallest job of each task against the real service, for whoever has an account. It costs real money.

    AUTOML_BRIDGE_LIVE=1 python -m automl_bridge_sagemaker.live --max-cost 10 [--task tabular-regression …]

Opt-in by the variable, refuses without a dollar cap, which holds for all tasks together, and never runs in CI.
Bucket, role and region are the backend's settings (``AUTOML_BRIDGE_SAGEMAKER__BUCKET`` …). At the end everything
that the jobs left is deleted, and ``sagemaker-live-<date>.json`` says what worked, what it scored and what it used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.budget import Budget
from automl_bridge.live_round import VARIABLE, clean_up, run_job, run_round
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from automl_bridge.data.dataset import Dataset

__all__ = ["VARIABLE", "main", "run_task"]

_ROWS = 800
"""So many that 512 are left for training: the service takes 500."""
TASKS = (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.TEXT_CLASSIFICATION)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tasks one after the other; returns 0 if all came to their scores and nothing is left."""
    return run_round(
        arguments,
        backend="sagemaker",
        account="an AWS account",
        about=__doc__ or "",
        tasks=TASKS,
        run=run_task,
        clean=_clean,
    )


def run_task(task: Task, usd: float) -> dict[str, Any]:
    """Train, score and predict the smallest job of one task under a cap in US dollars."""
    return run_job(
        task, usd, backend="sagemaker", dataset=_dataset, budget=Budget(max_cost_usd=usd, max_time="1h", max_trials=1)
    )


def _dataset(task: Task, _: Path) -> Dataset:
    from automl_bridge.data.build import build_dataset

    types = {"text": "text"} if task is Task.TEXT_CLASSIFICATION else None
    return build_dataset(_table(task), target="target", task=task, types=types)[1]


def _table(task: Task) -> pa.Table:
    """Return rows whose target can be learned from them."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    x = rng.normal(size=_ROWS)
    if task is Task.TEXT_CLASSIFICATION:
        words = np.where(x > 0, "a bright and happy day", "a dark and gloomy night")
        return pa.table(
            {"text": [f"{w}, number {n}" for n, w in enumerate(words)], "target": np.where(x > 0, "+", "-")}
        )
    target = np.where(x > 0, "yes", "no") if task.is_classification else 3 * x + 1
    level = np.array(["NA", "01", 'a,"b"', "x"])[rng.integers(0, 4, _ROWS)]
    missing = rng.random(_ROWS) < 0.1
    return pa.table({"x": pa.array(x, mask=missing), "level": level, "flag": x > 1, "target": target})


def _clean(results: Sequence[dict[str, Any]]) -> list[str]:
    """Delete what these jobs left, and nothing else; returns what is there all the same."""
    names = [f"ab-{result['run']}" for result in results if "run" in result]
    uris = [uri for result in results for uri in _staged(result)]
    return clean_up("sagemaker", lambda one: one.name in uris or any(name in one.name for name in names))


def _staged(result: dict[str, Any]) -> list[str]:
    channels = result.get("request", {}).get("AutoMLJobInputDataConfig", ())
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in channels]
    return [uri.rstrip("/").rpartition("/")[0] + "/" for uri in uris]


if __name__ == "__main__":
    raise SystemExit(main())
