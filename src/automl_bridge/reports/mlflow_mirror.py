"""Mirror runs and comparisons to an MLflow tracking server: scores, costs, and a comparison's report.

One MLflow experiment holds what was learned from one table; a comparison is a parent run with the report and the
result, and each of its runs is a child. Mirrored again it writes into the same runs.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import MissingExtraError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.rows import RunRow
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session

__all__ = ["mirror", "mirror_run", "require_mlflow"]

_TAG = "automl_bridge.id"
_ENDED = {"succeeded": "FINISHED", "cancelled": "KILLED", "failed": "FAILED"}


def require_mlflow() -> None:
    """Look whether MLflow's client is there, before anything is run.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("mlflow") is None:
        hint = 'pip install "automl-bridge[mlflow]", or leave the setting mlflow_tracking_uri out'
        raise MissingExtraError("mlflow_tracking_uri is set, but MLflow is not installed", hint=hint)


def mirror(comparison: Comparison, uri: str) -> str:
    """Write a comparison to a tracking server; returns where, in words.

    Parameters
    ----------
    comparison
        What came of it.
    uri
        As MLflow has it: ``http://127.0.0.1:5000``.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    StorageError
        If the server cannot be reached, or refuses. The comparison itself is kept in the store.
    """
    again = f"automl-bridge compare --resume {comparison.id[:8]} mirrors it again"
    with _client(uri, "comparison", again) as client:
        return _mirrored(client, comparison, uri)


def mirror_run(session: Session, record: RunRecord, uri: str) -> str:
    """Write a run that has ended, and its baseline's, to a tracking server; returns where, in words.

    Parameters
    ----------
    session
        Where it is; gives the prices and the settings of its backend.
    record
        The run.
    uri
        As in `mirror`.

    Raises
    ------
    MissingExtraError, StorageError
        As `mirror` does; the run is kept in the store.
    """
    with _client(uri, "run", f"automl-bridge runs wait {record.id[:8]} mirrors it again") as client:
        name, experiment = _experiment(client, record.spec.profile.name)
        for one in [record, *([session.get(record.baseline_run)] if record.baseline_run else [])]:
            own = _run(client, experiment, one.id, f"{one.backend}, seed {one.spec.seed}", {})
            settings = session.config.backends.get(one.backend, {})
            _write(client, own, _run_params(one, settings), _run_metrics(one, session.price_book(one.backend)))
            client.set_tag(own, "automl_bridge.sandbox", str(one.sandbox).lower())
            client.set_terminated(own, status=_ENDED.get(str(one.state), "RUNNING"))
    return f"{name} at {uri}"


@contextmanager
def _client(uri: str, what: str, again: str) -> Iterator[Any]:
    """Give a client of the server; its errors become ours, which name the server and the way to try again."""
    require_mlflow()
    # Or each run that ends would print two lines of links.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, OSError) as error:
        message = " ".join(str(error).split())[:300]
        raise StorageError(f"the {what} could not be mirrored to {uri}: {message}", hint=again) from error


def _experiment(client: Any, data: str) -> tuple[str, str]:
    """Return name and id of the experiment for a table, made if need be."""
    name = f"automl-bridge/{data}"
    found = client.get_experiment_by_name(name)
    return name, found.experiment_id if found is not None else client.create_experiment(name)


def _mirrored(client: Any, comparison: Comparison, uri: str) -> str:
    name, experiment = _experiment(client, comparison.spec.profile.name)
    parent = _run(client, experiment, comparison.id, f"comparison {comparison.id[:8]}", {})
    _write(client, parent, _parent_params(comparison), _parent_metrics(comparison))
    client.set_tag(parent, "mlflow.note.content", str(comparison.verdict))
    client.set_tag(parent, "automl_bridge.sandbox", str(comparison.sandbox).lower())
    with tempfile.TemporaryDirectory() as folder:
        for path in (comparison.report(Path(folder) / "report.html"), comparison.save(Path(folder) / "result.csv")):
            client.log_artifact(parent, str(path))
    for row in comparison.rows:
        if row.run is None:
            continue
        child = _run(client, experiment, row.run, f"{row.backend}, seed {row.seed}", {"mlflow.parentRunId": parent})
        _write(client, child, _params(comparison, row), _metrics(row))
        client.set_tag(child, "automl_bridge.sandbox", str(row.sandbox).lower())
        client.set_terminated(child, status=_ENDED.get(row.state, "RUNNING"))
    client.set_terminated(parent, status="FINISHED" if comparison.complete else "RUNNING")
    return f"{name} at {uri}"


def _run(client: Any, experiment: str, own: str, name: str, tags: dict[str, str]) -> str:
    """Return the MLflow run that stands for ``own``, made if need be."""
    found = client.search_runs([experiment], filter_string=f"tags.`{_TAG}` = '{own}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    return str(client.create_run(experiment, run_name=name, tags={_TAG: own, **tags}).info.run_id)


def _write(client: Any, run: str, params: dict[str, Any], metrics: dict[str, float | None]) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    known = {_key(name): value for name, value in metrics.items() if value is not None and math.isfinite(value)}
    said = {_key(name): str(value)[:500] for name, value in params.items() if value is not None}
    client.log_batch(
        run,
        metrics=[Metric(name, value, now, 0) for name, value in known.items()],
        params=[Param(name, value) for name, value in said.items()],
    )


def _key(name: str) -> str:
    """Return a name as MLflow takes it: letters, digits and ``_-.:/``, 250 of them at most."""
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "_", name)[:250]


def _parent_params(comparison: Comparison) -> dict[str, Any]:
    spec = comparison.spec
    return {
        "task": str(spec.task),
        "target": ", ".join(spec.target),
        "metric": spec.metric,
        "data": spec.profile.fingerprint,
        "backends": ", ".join(dict.fromkeys(row.backend for row in comparison.rows)),
        "seeds": ", ".join(map(str, comparison.seeds)),
        "budget": str(spec.budget),
        "max_cost_usd": comparison.experiment.max_cost_usd,
    }


def _parent_metrics(comparison: Comparison) -> dict[str, float | None]:
    best, baseline = comparison.best, comparison.baseline
    return {
        "best_score": best.score if best is not None else None,
        "baseline_score": baseline.score if baseline is not None else None,
        "known_usd": sum(one.known_total_usd for one in comparison.standings),
    }


def _params(comparison: Comparison, row: RunRow) -> dict[str, Any]:
    return {
        "backend": row.backend,
        "seed": row.seed,
        "metric": comparison.spec.metric,
        "objective": row.objective,
        "budget": str(comparison.spec.budget),
        "cap": row.cap,
        "cap_usd": row.cap_usd,
        "stopped_by": row.stopped_by,
        "reason": row.reason or None,
        **{f"setting.{name}": value for name, value in comparison.settings.get(row.backend, {}).items()},
        **{f"version.{name}": value for name, value in row.versions.items()},
    }


def _metrics(row: RunRow) -> dict[str, float | None]:
    return {
        **{f"holdout.{name}": value for name, value in row.scores.items()},
        "score": row.score,
        "score_low": row.low,
        "score_high": row.high,
        "billed_usd": row.billed_usd,
        "estimate_usd": row.estimate_usd,
        "training_seconds": row.training_seconds,
        "predict_seconds": row.predict_seconds,
        "models": float(sum(trial.counts for trial in row.trials)),
    }


def _run_params(record: RunRecord, settings: dict[str, Any]) -> dict[str, Any]:
    spec, plan, outcome = record.spec, record.plan, record.outcome
    return {
        "backend": record.backend,
        "task": str(spec.task),
        "target": ", ".join(spec.target),
        "data": spec.profile.fingerprint,
        "seed": spec.seed,
        "metric": spec.metric,
        "objective": plan.objective.name if plan.objective else None,
        "budget": str(spec.budget),
        "cap": plan.cap.kind,
        "stopped_by": outcome.stopped_by if outcome else None,
        "reason": record.failure.message if record.failure else None,
        **{f"setting.{name}": value for name, value in settings.items()},
        **{f"version.{name}": value for name, value in record.versions.items()},
    }


def _run_metrics(record: RunRecord, book: PriceBook) -> dict[str, float | None]:
    estimate = record.estimate(book)
    return {
        **{f"holdout.{name}": value for name, value in record.scores.items()},
        "score": record.score,
        "score_low": record.interval.low if record.interval else None,
        "score_high": record.interval.high if record.interval else None,
        "billed_usd": record.cost(book).usd,
        "estimate_usd": estimate.likely.usd if estimate else None,
        "seconds": record.elapsed,
        "models": float(sum(trial.counts for trial in record.outcome.trials)) if record.outcome else None,
    }
