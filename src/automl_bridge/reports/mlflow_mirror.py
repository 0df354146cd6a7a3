"""Mirror a comparison to an MLflow tracking server: its runs, scores, costs, and the report.

One MLflow experiment holds the comparisons of one table; a comparison is a parent run with the report and the result,
and each of its runs is a child. Mirrored again it writes into the same runs.
"""

from __future__ import annotations

import math
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import MissingExtraError, StorageError

if TYPE_CHECKING:
    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.rows import RunRow

__all__ = ["mirror", "require_mlflow"]

_TAG = "automl_bridge.id"


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
    require_mlflow()
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        return _mirrored(MlflowClient(tracking_uri=uri), comparison, uri)
    except (MlflowException, OSError) as error:
        message = " ".join(str(error).split())[:300]
        again = f"automl-bridge compare --resume {comparison.id[:8]} mirrors it again"
        raise StorageError(f"the comparison could not be mirrored to {uri}: {message}", hint=again) from error


def _mirrored(client: Any, comparison: Comparison, uri: str) -> str:
    name = f"automl-bridge/{comparison.spec.profile.name}"
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found is not None else client.create_experiment(name)
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
        ended = {"succeeded": "FINISHED", "cancelled": "KILLED", "failed": "FAILED"}
        client.set_terminated(child, status=ended.get(row.state, "RUNNING"))
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
