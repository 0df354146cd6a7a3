"""The smallest job of each task against the real service, for whoever has an account. It costs real money.

    AUTOML_BRIDGE_LIVE=1 python -m automl_bridge_vertex.live --max-cost 25 --task tabular-regression

Opt-in by the variable, refuses without a dollar cap, which holds for all tasks together, and never runs in CI. The
least budgets cost $21.25 for a table or a forecast and $27.72 for images. Project, location and bucket are the
backend's settings (``AUTOML_BRIDGE_VERTEX__BUCKET`` …). At the end everything that the jobs left is deleted, and
``vertex-live-<date>.json`` says what worked, what it scored and what it used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.budget import Budget
from automl_bridge.errors import AutoMLBridgeError, BudgetError, ConfigError
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.backend import Resource
    from automl_bridge.data.dataset import Dataset

__all__ = ["main", "run_task"]

VARIABLE = "AUTOML_BRIDGE_LIVE"
_ROWS = 1500
"""So many that 1,200 are sent: the service takes 1,000."""
TASKS = (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING, Task.IMAGE_CLASSIFICATION)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tasks one after the other; returns 0 if all came to their scores and nothing is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-cost", type=float, help="US dollars for all tasks together; required")
    parser.add_argument("--task", action="append", choices=[str(task) for task in TASKS], help="default: all")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the result file")
    given = parser.parse_args(arguments)
    try:
        _consent(given.max_cost)
    except AutoMLBridgeError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command
        return error.exit_code
    tasks = [Task(name) for name in given.task] if given.task else list(TASKS)
    results = [run_task(task, given.max_cost / len(tasks)) for task in tasks]
    left = _clean(results)
    file = given.out / f"vertex-live-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    file.write_text(json.dumps({"results": results, "left": left}, indent=1), encoding="utf-8")
    print(file)  # noqa: T201 - a command
    return 0 if all(result["state"] == "succeeded" for result in results) and not left else 1


def _consent(usd: float | None) -> None:
    """Refuse unless somebody has asked for it twice: by the variable, and by a cap in dollars."""
    if os.environ.get(VARIABLE) != "1":
        raise ConfigError("this runs paid jobs in a Google project", hint=f"set {VARIABLE}=1 if that is what you want")
    if os.environ.get("CI"):
        raise ConfigError("this never runs in CI", hint="run it by hand")
    if usd is None or not usd > 0:
        raise BudgetError("no dollar cap", hint="give --max-cost, for all tasks together")


def run_task(task: Task, usd: float) -> dict[str, Any]:
    """Train, score and predict the smallest job of one task; an error is a result like another.

    Parameters
    ----------
    usd
        Its cap.
    """
    from automl_bridge.config import load_config
    from automl_bridge.session import Session

    began = time.monotonic()
    result: dict[str, Any] = {"task": str(task), "date": datetime.now(UTC).isoformat(), "max_cost_usd": usd}
    with tempfile.TemporaryDirectory() as home, Session(load_config(overrides={"home": home})) as session:
        try:
            dataset = _dataset(task, Path(home))
            run = session.submit(dataset, task=task, backend="vertex", budget=Budget(max_cost_usd=usd), cap="strict")
            result |= {"run": run.id, "request": run.plan.request, "cap": run.plan.cap.because}
            run = session.wait(run.id)
            result |= {
                "state": str(run.state),
                "failure": run.failure and run.failure.model_dump(),
                "scores": run.scores,
                "trials": [trial.model_dump(mode="json") for trial in run.outcome.trials] if run.outcome else [],
                "usage": run.usage.model_dump(),
                "versions": run.versions,
                "notes": run.notes,
            }
        except AutoMLBridgeError as error:
            # What exists by then is found and deleted by its labels.
            result |= {"state": "error", "failure": {"kind": type(error).__name__, "message": str(error)}}
    result["seconds"] = round(time.monotonic() - began)
    return result


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
    from automl_bridge.config import load_config
    from automl_bridge.registry import create

    names = {f"ab-{result['run']}" for result in results if "run" in result}
    requests = [json.dumps(result.get("request", {})) for result in results]
    backend = create("vertex", load_config())

    def ours() -> list[Resource]:
        found = list(backend.resources())
        return [
            one
            for one in found
            if any((one.run or "").startswith(name) for name in names)
            or (one.kind == "staged data" and any(one.name in request for request in requests))
        ]

    for resource in ours():
        backend.delete(resource)
    return [f"{one.kind} {one.name}" for one in ours()]


if __name__ == "__main__":
    raise SystemExit(main())
