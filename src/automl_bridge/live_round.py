"""One round against a real service, for whoever has an account: the smallest jobs, what they came to, and a clean-up.

It costs real money, so it is opted into twice, by `VARIABLE` and by a cap in dollars, and never runs in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import AutoMLBridgeError, BudgetError, ConfigError
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl_bridge.backend import Resource
    from automl_bridge.data.dataset import Dataset

__all__ = ["VARIABLE", "clean_up", "run_job", "run_round"]

VARIABLE = "AUTOML_BRIDGE_LIVE"


def run_round(
    arguments: Sequence[str] | None,
    *,
    backend: str,
    account: str,
    about: str,
    tasks: Sequence[Task],
    run: Callable[[Task, float], dict[str, Any]],
    clean: Callable[[Sequence[dict[str, Any]]], list[str]],
) -> int:
    """Run tasks one after the other; returns 0 if all came to their scores and nothing is left.

    ``<backend>-live-<date>.json`` says what worked, what it scored and what it used.

    Parameters
    ----------
    backend, account, about
        Its name, what is billed (``an AWS account``), and the description of the command.
    tasks
        Those it may be asked for; all of them by default.
    run
        Runs the smallest job of a task under a cap in US dollars.
    clean
        Deletes what these jobs left, and nothing else; returns what is there all the same.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-cost", type=float, help="US dollars for all tasks together; required")
    parser.add_argument("--task", action="append", choices=[str(task) for task in tasks], help="default: all")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the result file")
    given = parser.parse_args(arguments)
    try:
        _consent(given.max_cost, account)
    except AutoMLBridgeError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command
        return error.exit_code
    chosen = [Task(name) for name in given.task] if given.task else list(tasks)
    results = [run(task, given.max_cost / len(chosen)) for task in chosen]
    left = clean(results)
    file = given.out / f"{backend}-live-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    file.write_text(json.dumps({"results": results, "left": left}, indent=1), encoding="utf-8")
    print(file)  # noqa: T201 - a command
    return 0 if all(result["state"] == "succeeded" for result in results) and not left else 1


def _consent(usd: float | None, account: str) -> None:
    """Refuse unless somebody has asked for it twice: by the variable, and by a cap in dollars."""
    if os.environ.get(VARIABLE) != "1":
        raise ConfigError(f"this runs paid jobs in {account}", hint=f"set {VARIABLE}=1 if that is what you want")
    if os.environ.get("CI"):
        raise ConfigError("this never runs in CI", hint="run it by hand")
    if usd is None or not usd > 0:
        raise BudgetError("no dollar cap", hint="give --max-cost, for all tasks together")


def run_job(
    task: Task, usd: float, *, backend: str, dataset: Callable[[Task, Path], Dataset], **options: Any
) -> dict[str, Any]:
    """Train, score and predict one job; an error is a result like another.

    Parameters
    ----------
    usd
        What it may cost, for the record.
    dataset
        Makes the rows of a task; may write to the folder that it is given.
    options
        Of ``Session.submit``: budget, cap.
    """
    from automl_bridge.config import load_config
    from automl_bridge.session import Session

    began = time.monotonic()
    result: dict[str, Any] = {"task": str(task), "date": datetime.now(UTC).isoformat(), "max_cost_usd": usd}
    with tempfile.TemporaryDirectory() as home, Session(load_config(overrides={"home": home})) as session:
        try:
            run = session.submit(dataset(task, Path(home)), task=task, backend=backend, **options)
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
            # What exists by then is found and deleted by what it carries.
            result |= {"state": "error", "failure": {"kind": type(error).__name__, "message": str(error)}}
    result["seconds"] = round(time.monotonic() - began)
    return result


def clean_up(backend: str, is_ours: Callable[[Resource], bool]) -> list[str]:
    """Delete the resources of a round, and nothing else; returns what is there all the same."""
    from automl_bridge.config import load_config
    from automl_bridge.registry import create

    made = create(backend, load_config())

    def ours() -> list[Resource]:
        return [one for one in made.resources() if is_ours(one)]

    for resource in ours():
        made.delete(resource)
    return [f"{one.kind} {one.name}" for one in ours()]
