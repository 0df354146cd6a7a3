"""Batch prediction: instances read from the bucket, and what the model says to each."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge_vertex.sandbox.csvs import is_null, moment_of, number_of, read_rows
from automl_bridge_vertex.sandbox.errors import RpcError, invalid
from automl_bridge_vertex.sandbox.series import group
from automl_bridge_vertex.sandbox.tables import plain_times, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from automl_bridge_vertex.sandbox.models import Version
    from automl_bridge_vertex.sandbox.store import Store

__all__ = ["Predicted", "predict", "problem_of"]

LARGEST_IMAGE = 1_500_000  # bytes of an image to predict, VX-IMG-3
INTERVAL = 1.96  # standard deviations from the value to the bounds of a regression
MIN_HISTORY = 4


@dataclass
class Predicted:
    """What a batch prediction found.

    Parameters
    ----------
    rows
        Instance and prediction.
    errors
        Instance, code and message.
    points
        Forecast points.
    target
        The target's name, for the columns of CSV.
    """

    rows: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    errors: list[tuple[dict[str, Any], int, str]] = field(default_factory=list)
    points: int = 0
    target: str = ""


def predict(
    store: Store, version: Version, uris: Sequence[str], instances: str, parameters: dict[str, Any]
) -> Predicted:
    """Read the instances at ``uris`` and predict them.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for input that cannot be read as a whole; it becomes the job's error.
    """
    found = [uri for pattern in uris for uri, _size, _generation in store.find(pattern)]
    if not found:
        raise invalid(f"No file was found at {', '.join(uris)}.")
    if version.task.kind == "image":
        return _images(store, version, found, instances, parameters)
    predicted = Predicted(target=version.trained.columns["target"])
    rows = list(_csv_instances(store, found) if instances == "csv" else _jsonl_instances(store, found))
    whole = [row for row in rows if isinstance(row, dict)]
    predicted.errors += [(row[0], 3, row[1]) for row in rows if not isinstance(row, dict)]
    if version.task.kind == "series":
        _forecast(version, whole, predicted)
    else:
        _table(version, whole, predicted)
    return predicted


Broken = tuple[dict[str, Any], str]


def _csv_instances(store: Store, uris: Sequence[str]) -> Iterator[dict[str, str] | Broken]:
    for uri in uris:
        header, *rows = read_rows(store.read(uri), uri) or [[]]
        for row in rows:
            if len(row) == len(header):
                yield dict(zip(header, row, strict=True))
            else:
                text = f"The row has {len(row)} fields; the header has {len(header)}."
                yield dict(zip(header, row, strict=False)), text


def _jsonl_instances(store: Store, uris: Sequence[str]) -> Iterator[dict[str, str] | Broken]:
    for uri in uris:
        for line in store.read(uri).decode().splitlines():
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                wrong = [name for name, value in record.items() if not isinstance(value, str)]
            except (ValueError, AttributeError):
                yield {"line": line}, "The line is not a JSON object."
                continue
            if wrong:  # VX-PRED-1: trained from CSV, every value must be text
                yield record, f"Expected string for the column {wrong[0]}; the model was trained from CSV."
            else:
                yield record


def _table(version: Version, rows: Sequence[dict[str, str]], predicted: Predicted) -> None:
    trained = version.trained
    features: list[str] = trained.columns["features"]
    details: dict[str, tuple[str, Any]] = trained.columns["details"]
    good = []
    for row in rows:
        problem = _row_problem(row, features, details)
        if problem:
            predicted.errors.append((row, 3, problem))
        else:
            good.append(row)
    if not good:
        return
    table = plain_times({name: [row[name] for row in good] for name in features}, details)
    model: Any = trained.model
    said = model.predict(take(table, range(len(good))))
    if trained.labels:
        scores = [{"classes": trained.labels, "scores": [float(one) for one in row]} for row in said]
        predicted.rows += list(zip(good, scores, strict=True))
        return
    width = INTERVAL * float(trained.metrics.get("rootMeanSquaredError", np.std(said)))
    predicted.rows += [
        (row, {"value": float(value), "lower_bound": float(value - width), "upper_bound": float(value + width)})
        for row, value in zip(good, said, strict=True)
    ]


def _row_problem(row: dict[str, str], features: Sequence[str], details: dict[str, tuple[str, Any]]) -> str:
    missing = [name for name in features if name not in row]
    if missing:
        return f"Missing struct property: {missing[0]}."
    for name, (kind, detail) in details.items():
        if is_null(row[name]) or getattr(detail, "invalid_values_allowed", False):
            continue
        if kind == "numeric" and number_of(row[name]) is None:
            return f'The value "{row[name]}" of the column {name} is not a number.'
        if kind == "timestamp" and moment_of(row[name], detail.time_format) is None:
            return f'The value "{row[name]}" of the column {name} is not a timestamp.'
    return ""


def _forecast(version: Version, rows: Sequence[dict[str, str]], predicted: Predicted) -> None:
    """Forecast each series from its first row without a target on, as far as the horizon goes."""
    columns = version.trained.columns
    needed = (columns["series"], columns["time"], columns["target"])
    missing = [name for name in needed if rows and name not in rows[0]]
    if missing or not rows:
        raise invalid(f"The input lacks the columns {missing}." if missing else "The input has no rows.")
    table = {name: [row.get(name, "") for row in rows] for name in rows[0]}
    model: Any = version.trained.model
    levels: list[float] = columns["quantiles"]
    for key, places in group(table, columns["series"], columns["time"], columns["time_format"]).items():
        problem = _series_problem([table[columns["target"]][place] for place in places])
        stamps = [table[columns["time"]][place] for place in places]
        if len(set(stamps)) < len(stamps):
            problem = f"The time series {key} has duplicate timestamps."
        past = [place for place in places if not is_null(table[columns["target"]][place])]
        future = [place for place in places if is_null(table[columns["target"]][place])][: model.horizon]
        if problem or not future:
            predicted.errors += [(rows[place], 3, problem) for place in places if problem]
            continue
        history = past[-columns["context"] :] if columns["context"] else past
        said = model.forecast(table, history, future, levels)
        for place, row in zip(future, said, strict=True):
            prediction: dict[str, Any] = {"value": float(row[0])}
            if levels:
                prediction |= {"quantile_values": levels, "quantile_predictions": [float(one) for one in row[1:]]}
            predicted.rows.append((rows[place], prediction))
        predicted.points += len(future)


def _series_problem(targets: Sequence[str]) -> str:
    nulls = [is_null(text) for text in targets]
    if True in nulls and not all(nulls[nulls.index(True) :]):
        return "The null values of the target must be contiguous, at the end of the time series."
    if sum(not null for null in nulls) < MIN_HISTORY:
        return "The time series has too little history."
    if any(number_of(text) is None for text, null in zip(targets, nulls, strict=True) if not null):
        return "A value of the target is not a number."
    return ""


def _images(
    store: Store, version: Version, uris: Sequence[str], instances: str, parameters: dict[str, Any]
) -> Predicted:
    predicted = Predicted()
    threshold = float(parameters.get("confidenceThreshold", 0.0))
    most = int(parameters.get("maxPredictions", 10))
    model: Any = version.trained.model
    good = []
    for instance in _image_instances(store, uris, instances):
        try:
            content = store.read(instance["content"])
            model.predict([content])
        except (KeyError, ValueError, FileNotFoundError) as error:
            predicted.errors.append((instance, 3, f"The image could not be read: {error}"))
            continue
        if len(content) > LARGEST_IMAGE:
            predicted.errors.append((instance, 3, "The image is larger than 1.5 MB."))
            continue
        good.append((instance, content))
    said = model.predict([content for _instance, content in good]) if good else []
    for (instance, _content), chances in zip(good, said, strict=True):
        order = [place for place in np.argsort(-chances, kind="stable")[:most] if chances[place] >= threshold]
        prediction = {
            "ids": [_spec_id(version.message.name, version.trained.labels[place]) for place in order],
            "displayNames": [version.trained.labels[place] for place in order],
            "confidences": [float(chances[place]) for place in order],
        }
        predicted.rows.append((instance, prediction))
    return predicted


def _image_instances(store: Store, uris: Sequence[str], instances: str) -> Iterator[dict[str, Any]]:
    for uri in uris:
        for line in store.read(uri).decode().splitlines():
            if not line.strip():
                continue
            if instances == "file-list":
                yield {"content": line.strip(), "mimeType": "image/jpeg"}
                continue
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            yield record if isinstance(record, dict) else {"line": line}


def _spec_id(model: str, label: str) -> str:
    """Return the id of an annotation spec: a number, the same for the same label of a model."""
    return str(10**18 + random.Random(f"{model}/{label}").randrange(8 * 10**18))  # noqa: S311 (an id, no secret)


def problem_of(error: BaseException) -> tuple[int, str]:
    """Return code and message of what a prediction failed with."""
    return (error.code, error.message) if isinstance(error, RpcError) else (13, f"INTERNAL: {error!r}")
