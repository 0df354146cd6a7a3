"""The smallest job of each task against the real service, for whoever has an account. It costs real money.

    AUTOML_BRIDGE_LIVE=1 python -m automl_bridge_azure.live --max-cost 10 [--task tabular-regression …]

Opt-in by the variable, refuses without a dollar cap, which holds for all tasks together, and never runs in CI.
Subscription, resource group and workspace are the backend's settings (``AUTOML_BRIDGE_AZURE__WORKSPACE`` …). At the
end everything that the jobs left is deleted, and ``azure-live-<date>.json`` says what worked, what it scored and what
it used.
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
_ROWS = 400
"""So many that 256 are left for training: the service takes 50."""
TASKS = (
    Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION, Task.FORECASTING, Task.TEXT_CLASSIFICATION,
    Task.IMAGE_CLASSIFICATION,
)  # fmt: skip


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
    file = given.out / f"azure-live-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    file.write_text(json.dumps({"results": results, "left": left}, indent=1), encoding="utf-8")
    print(file)  # noqa: T201 - a command
    return 0 if all(result["state"] == "succeeded" for result in results) and not left else 1


def _consent(usd: float | None) -> None:
    """Refuse unless somebody has asked for it twice: by the variable, and by a cap in dollars."""
    if os.environ.get(VARIABLE) != "1":
        raise ConfigError("this runs paid jobs in Azure", hint=f"set {VARIABLE}=1 if that is what you want")
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
            budget = Budget(max_cost_usd=usd, max_time="1h", max_trials=1)
            run = session.submit(_dataset(task), task=task, backend="azure", budget=budget)
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
            # What exists by then is found and deleted by its tags.
            result |= {"state": "error", "failure": {"kind": type(error).__name__, "message": str(error)}}
    result["seconds"] = round(time.monotonic() - began)
    return result


def _dataset(task: Task) -> Dataset:
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
    from automl_bridge.config import load_config
    from automl_bridge.registry import create

    names = [f"ab-{result['run']}" for result in results if "run" in result]
    uris = [uri for result in results for uri in _staged(result)]
    backend = create("azure", load_config())

    def ours() -> list[Resource]:
        found = list(backend.resources())
        return [one for one in found if one.name in uris or any(name in one.name for name in names)]

    for resource in ours():
        backend.delete(resource)
    return [f"{one.kind} {one.name}" for one in ours()]


def _staged(result: dict[str, Any]) -> list[str]:
    properties = result.get("request", {}).get("body", {}).get("properties", {})
    details = properties.get("taskDetails", {})
    uris = [details[key]["uri"] for key in ("trainingData", "validationData") if key in details]
    return [uri.rstrip("/").rpartition("/")[0] + "/" for uri in uris]


if __name__ == "__main__":
    raise SystemExit(main())
