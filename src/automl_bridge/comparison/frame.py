"""The result as a tidy table: one row a run, with the columns of the AutoML Benchmark (AMLB) and our own.

AMLB (openml.github.io/automlbenchmark, ``results.csv``) writes ``result`` so that more is better, and names errors
``neg_…`` for it; ``score`` is the same in the metric's natural sign.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import MissingExtraError, UsageError
from automl_bridge.metrics import METRICS
from automl_bridge.task import Task

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from automl_bridge.comparison.result import Comparison
    from automl_bridge.comparison.rows import RunRow

__all__ = ["AMLB_COLUMNS", "OWN_COLUMNS", "as_pandas", "as_table", "write_table"]

_TEXT, _NUMBER, _WHOLE, _FLAG = "string", "double", "int64", "bool"

AMLB_COLUMNS: dict[str, str] = {
    "id": _TEXT, "task": _TEXT, "framework": _TEXT, "constraint": _TEXT, "fold": _WHOLE, "type": _TEXT,
    "result": _NUMBER, "metric": _TEXT, "mode": _TEXT, "version": _TEXT, "params": _TEXT, "app_version": _TEXT,
    "utc": _TEXT, "duration": _NUMBER, "training_duration": _NUMBER, "predict_duration": _NUMBER,
    "models_count": _WHOLE, "seed": _WHOLE, "info": _TEXT, "acc": _NUMBER, "auc": _NUMBER, "balacc": _NUMBER,
    "logloss": _NUMBER, "mae": _NUMBER, "r2": _NUMBER, "rmse": _NUMBER,
}  # fmt: skip
"""AMLB's columns and their Arrow types, in its order."""

OWN_COLUMNS: dict[str, str] = {
    "backend": _TEXT, "region": _TEXT, "sku": _TEXT, "est_usd": _NUMBER, "billed_usd": _NUMBER, "price_date": _TEXT,
    "experiment": _TEXT, "run": _TEXT, "state": _TEXT, "score": _NUMBER, "score_metric": _TEXT, "ci_low": _NUMBER,
    "ci_high": _NUMBER, "holdout_rows": _WHOLE, "usd_per_1000_predictions": _NUMBER, "latency_seconds": _NUMBER,
    "objective": _TEXT, "cap": _TEXT, "cap_usd": _NUMBER, "sandbox": _FLAG,
}  # fmt: skip

_AMLB_NAMES = {"roc_auc": "auc", "log_loss": "logloss", "accuracy": "acc", "balanced_accuracy": "balacc"}
_AMLB_SCORES = {"acc": "accuracy", "auc": "roc_auc", "balacc": "balanced_accuracy", "logloss": "log_loss",
                "mae": "mae", "r2": "r2", "rmse": "rmse"}  # fmt: skip


def as_table(comparison: Comparison) -> pa.Table:
    """Return the result as an Arrow table; what is not known is null."""
    import pyarrow as pa

    types = AMLB_COLUMNS | OWN_COLUMNS
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    return pa.Table.from_pylist([_row(comparison, row) for row in comparison.rows], schema=schema)


def as_pandas(comparison: Comparison) -> Any:
    """Return the result as a pandas DataFrame.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    from importlib.util import find_spec

    if find_spec("pandas") is None:
        raise MissingExtraError(
            "a DataFrame needs pandas", hint="pip install pandas; or use to_table(), which is Arrow"
        )
    return as_table(comparison).to_pandas()


def write_table(comparison: Comparison, path: Path) -> Path:
    """Write the result as Parquet or CSV, by the name's ending.

    Raises
    ------
    UsageError
        If it ends otherwise.
    """
    import pyarrow.csv
    import pyarrow.parquet

    table = as_table(comparison)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        raise UsageError(f"{path.name} is neither .parquet nor .csv", hint="name the file result.parquet or result.csv")
    return path


def _row(comparison: Comparison, row: RunRow) -> dict[str, Any]:
    spec, profile = comparison.spec, comparison.spec.profile
    metric = METRICS[spec.metric]
    name = _AMLB_NAMES.get(metric.name, metric.name)
    sign = 1 if metric.greater_is_better else -1
    standing = next(one for one in comparison.standings if one.backend == row.backend)
    lines = row.cost.lines if row.cost is not None else ()
    return {
        "id": f"sha256:{profile.fingerprint[:16]}",
        "task": profile.name,
        "framework": row.backend,
        "constraint": str(spec.budget),
        "fold": 0,
        "type": _kind(spec.task, len(profile.classes)),
        "result": None if row.score is None else sign * row.score,
        "metric": name if metric.greater_is_better else f"neg_{name}",
        "mode": "sandbox" if row.sandbox else "local" if row.local else "service",
        "version": _version_of(row),
        "params": json.dumps(comparison.settings.get(row.backend, {}), sort_keys=True, default=str),
        "app_version": _own_version(),
        "utc": row.created,
        "duration": row.seconds,
        "training_duration": row.training_seconds,
        "predict_duration": row.predict_seconds,
        "models_count": sum(trial.counts for trial in row.trials) if row.run else None,
        "seed": row.seed,
        "info": row.reason or None,
        **{column: row.scores.get(ours) for column, ours in _AMLB_SCORES.items()},
        "backend": row.backend,
        "region": ", ".join(dict.fromkeys(line.region for line in lines)) or None,
        "sku": ", ".join(dict.fromkeys(line.sku for line in lines)) or None,
        "est_usd": row.estimate_usd,
        "billed_usd": row.billed_usd,
        "price_date": min((line.price_date for line in lines if line.price_date), default=None),
        "experiment": comparison.id,
        "run": row.run,
        "state": row.state,
        "score": row.score,
        "score_metric": metric.name,
        "ci_low": row.low,
        "ci_high": row.high,
        "holdout_rows": comparison.holdout_rows,
        "usd_per_1000_predictions": standing.usd_per_1000,
        "latency_seconds": standing.latency,
        "objective": row.objective,
        "cap": row.cap,
        "cap_usd": row.cap_usd,
        "sandbox": row.sandbox,
    }


def _kind(task: Task, classes: int) -> str:
    if task.is_classification:
        return "binary" if classes == 2 else "multiclass"
    return "timeseries" if task is Task.FORECASTING else "regression"


def _version_of(row: RunRow) -> str | None:
    """Return the version of what trained: of the package that is called like the backend, else of all."""
    own = row.versions.get(row.backend)
    return own or "; ".join(f"{name} {number}" for name, number in sorted(row.versions.items())) or None


def _own_version() -> str:
    try:
        return version("automl-bridge")
    except PackageNotFoundError:
        return "0"
