"""Training on tables: the checks that the service makes on the data, the search, the second fit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import UnusableDataError, train_table
from automl_bridge_vertex.sandbox import measures
from automl_bridge_vertex.sandbox.csvs import is_null, moment_of, number_of, read_table
from automl_bridge_vertex.sandbox.errors import invalid
from automl_bridge_vertex.sandbox.splits import split_rows
from automl_bridge_vertex.sandbox.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.sandbox.trainers import Candidate
    from automl_bridge_vertex.sandbox.store import Store
    from automl_bridge_vertex.sandbox.tasks import Task

__all__ = ["check_size", "invalid_rows", "plain_times", "take", "train"]

MIN_ROWS = 1000  # VX-ROWS-1
COLUMNS = (2, 1000)  # VX-COL-1
CLASSES = (2, 500)  # VX-TGT-2
FAMILIES = ("boosting", "linear", "forest")
KINDS = {"numeric": "numeric", "categorical": "category", "text": "text", "timestamp": "datetime"}
SCORES = {  # objective: the trainers' score, and whether less is better
    "maximize-au-roc": ("auc", False), "minimize-log-loss": ("log_loss", True), "maximize-au-prc": ("f1", False),
    "maximize-precision-at-recall": ("precision", False), "maximize-recall-at-precision": ("recall", False),
    "minimize-rmse": ("rmse", True), "minimize-mae": ("mae", True), "minimize-rmsle": ("rmse", True),
}  # fmt: skip
Table = "Mapping[str, Sequence[str]]"


def check_size(table: Mapping[str, Sequence[str]], columns: tuple[int, int]) -> int:
    """Return how many rows there are; raise what the service says to too few rows, or columns out of range."""
    least, most = columns
    if not least <= len(table) <= most:
        raise invalid(f"The dataset has {len(table)} columns; it must have between {least} and {most}.")
    rows = len(next(iter(table.values()), []))
    if rows < MIN_ROWS:
        raise invalid(f"Too few rows: {rows}. Minimum number is: {MIN_ROWS}")
    return rows


def invalid_rows(table: Mapping[str, Sequence[str]], columns: Mapping[str, tuple[str, Any]]) -> set[int]:
    """Return rows with a value that its transformation cannot read: the service leaves them out, and says nothing."""
    found: set[int] = set()
    for name, (kind, detail) in columns.items():
        if kind not in {"numeric", "timestamp"} or getattr(detail, "invalid_values_allowed", False):
            continue
        for row, text in enumerate(table[name]):
            if is_null(text):
                continue
            value = number_of(text) if kind == "numeric" else moment_of(text, detail.time_format)
            if value is None:
                found.add(row)
    return found


def plain_times(table: Mapping[str, Sequence[str]], columns: Mapping[str, tuple[str, Any]]) -> dict[str, Sequence[str]]:
    """Return a table whose timestamps are ISO dates, whatever format their transformation names."""
    found = dict(table)
    for name, (kind, detail) in columns.items():
        if kind == "timestamp":
            moments = [moment_of(text, detail.time_format) for text in table[name]]
            found[name] = ["" if one is None else datetime.fromtimestamp(one, tz=UTC).isoformat() for one in moments]
    return found


def take(table: Mapping[str, Sequence[str]], rows: Sequence[int]) -> dict[str, list[str]]:
    """Return some rows of a table; missing values become the empty string."""
    return {
        name: ["" if is_null(values[row]) else values[row] for row in rows] for name, values in table.items()
    }  # fmt: skip


def train(store: Store, task: Task, sources: Sequence[str], config: Any, vocabulary: Mapping[str, int]) -> Trained:
    """Train on the objects at ``sources``.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for data that the service would give up on; it becomes the pipeline's error.
    """
    inputs = task.inputs
    table, broken = read_table(store, sources)
    total = check_size(table, COLUMNS) + broken
    columns = task.columns()
    missing = [
        name for name in (inputs.target_column, inputs.weight_column_name, *columns) if name and name not in table
    ]
    if missing:
        raise invalid(f"Columns not found in the dataset: {', '.join(missing)}.")
    _check_target(table[inputs.target_column], inputs)
    dropped = invalid_rows(table, columns)
    rows = [row for row in range(total - broken) if row not in dropped]
    if len(rows) * 2 < total:
        raise invalid(
            f"Too few input rows passed validation. Of {total:,} inputs, {len(rows):,} were valid. "
            "At least 50% must pass validation."
        )
    rows = _weighted(table, rows, inputs.weight_column_name)
    sets = split_rows(config, table, rows, vocabulary)
    if sum(map(len, sets)) < MIN_ROWS:
        raise invalid(f"Too few rows: {sum(map(len, sets))}. Minimum number is: {MIN_ROWS}")
    if not sets[0]:
        raise invalid("The training set is empty.")
    try:
        return _search(task, plain_times(table, columns), sets)
    except UnusableDataError as error:
        raise invalid(str(error)) from None


def _check_target(values: Sequence[str], inputs: Any) -> None:
    nulls = sum(map(is_null, values))
    if nulls:
        raise invalid(f"The target column {inputs.target_column} has {nulls} missing values; it must have none.")
    if inputs.prediction_type == "regression":
        if any(number_of(value) is None for value in values):
            raise invalid(f"The target column {inputs.target_column} must be numeric for a regression.")
        return
    classes = len(set(values))
    if not CLASSES[0] <= classes <= CLASSES[1]:
        raise invalid(f"The target column {inputs.target_column} has {classes} distinct values; 2 to 500 are allowed.")
    if classes > 2 and inputs.optimization_objective not in {"", "minimize-log-loss"}:
        raise invalid(f"{inputs.optimization_objective} is for two classes; the target has {classes}.")


def _weighted(table: Mapping[str, Sequence[str]], rows: Sequence[int], weight: str) -> list[int]:
    """Return the rows whose weight is above 0: 0 means that the row is ignored."""
    if not weight:
        return list(rows)
    weights = {row: number_of(table[weight][row]) for row in rows}
    if any(value is None or not 0 <= value <= 10_000 for value in weights.values()):
        raise invalid(f"The weight column {weight} must have numeric values between 0 and 10000 inclusively.")
    return [row for row in rows if weights[row]]


def _search(task: Task, table: Mapping[str, Sequence[str]], sets: list[list[int]]) -> Trained:
    inputs = task.inputs
    target = inputs.target_column
    labels = set(table[target]) if task.problem == "classification" else set()
    problem = "regression" if not labels else "binary" if len(labels) == 2 else "multiclass"
    options: dict[str, Any] = {
        "target": target,
        "problem": problem,
        "weight": inputs.weight_column_name or None,
        "features": list(task.columns()),
        "kinds": {name: KINDS[kind] for name, (kind, _detail) in task.columns().items() if kind in KINDS},
    }
    fit, check, test = (take(table, rows) for rows in sets)
    found = list(train_table(fit, check if sets[1] else None, candidates=len(FAMILIES), families=FAMILIES, **options))
    default = "minimize-log-loss" if problem == "multiclass" else "maximize-au-roc"
    objective = inputs.optimization_objective or ("minimize-rmse" if problem == "regression" else default)
    best = _best(found, objective)
    metrics = _evaluate(best, test, target, problem) if sets[2] else {}
    everything = take(table, [row for rows in sets for row in rows])
    served = next(iter(train_table(everything, None, candidates=1, families=(best.algorithm,), **options)))
    schema = "regression" if problem == "regression" else "classification"
    columns = {"target": target, "features": list(task.columns()), "details": task.columns()}
    model: Any = served.model
    counts = (len(sets[0]), len(sets[1]), len(sets[2]))
    return Trained(model, list(model.labels), metrics, schema, counts, columns)


def _best(candidates: Sequence[Candidate], objective: str) -> Candidate:
    score, less = SCORES[objective]
    return min(candidates, key=lambda one: (1 if less else -1) * one.validation.get(score, 0.0))


def _evaluate(best: Candidate, test: Mapping[str, Sequence[str]], target: str, problem: str) -> dict[str, Any]:
    model: Any = best.model
    said = model.predict(test)
    if problem == "regression":
        return dict(measures.of_numbers(np.array([float(value) for value in test[target]]), said))
    known = [row for row, label in enumerate(test[target]) if label in model.labels]
    truth = np.array([model.labels.index(test[target][row]) for row in known], dtype=np.int64)
    return measures.of_classes(truth, said[known], model.labels) if known else {}
