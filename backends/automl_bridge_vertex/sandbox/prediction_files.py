"""Files of batch predictions: folders, shards, JSON Lines and CSV. Rows do not keep their order.

Layouts: ``observed`` names folders and files as jobs of AutoML models are seen to do; ``documented`` as the reference
of BatchPredictionJob says. Which one the service takes today was not checked; ``settings["prediction_layout"]`` picks.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_vertex.sandbox.predictions import Predicted
    from automl_bridge_vertex.sandbox.store import Store

__all__ = ["folder_of", "write"]

SHARD_ROWS = 250


def folder_of(prefix: str, model_name: str, created: float, *, layout: str, kind: str) -> str:
    """Return the folder that a job makes under the prefix that it was given."""
    moment = datetime.fromtimestamp(created, tz=UTC)
    if layout == "documented":
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    elif kind == "image":
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        text = moment.strftime("%Y_%m_%dT%H_%M_%S_") + f"{moment.microsecond // 1000:03d}Z"
    return f"{prefix.rstrip('/')}/prediction-{model_name}-{text}"


def write(store: Store, folder: str, predicted: Predicted, form: str, *, layout: str, kind: str) -> None:
    """Write predictions and errors into shards; rows are shuffled, the same way every time."""
    rows = list(predicted.rows)
    random.Random(len(rows)).shuffle(rows)  # noqa: S311 (an order, no secret)
    plain = layout == "observed" and kind != "image"
    ending = f".{form}"
    shards = max(1, math.ceil(len(rows) / SHARD_ROWS)) if rows or plain else 0
    for number in range(shards):
        part = rows[number::shards]
        name = f"prediction.results-{number:05d}-of-{shards:05d}" if plain else _numbered("predictions", number, layout)
        content = _csv(part, predicted.target) if form == "csv" else _jsonl(part)
        store.write(f"{folder}/{name}{ending}", content)
    if predicted.errors:
        name = "prediction.errors_stats-00000-of-00001" if plain else _numbered("errors", 0, layout)
        content = _csv_errors(predicted.errors) if form == "csv" else _jsonl_errors(predicted.errors)
        store.write(f"{folder}/{name}{ending}", content)


def _numbered(word: str, number: int, layout: str) -> str:
    return f"{word}_{number + 1:0{4 if layout == 'documented' else 5}d}"


def _jsonl(rows: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> bytes:
    lines = [json.dumps({"instance": instance, "prediction": prediction}) for instance, prediction in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _csv(rows: Sequence[tuple[dict[str, Any], dict[str, Any]]], target: str) -> bytes:
    """Write input columns, then ``<target>_<class>_scores`` a class, or ``predicted_<target>``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if not rows:
        return b""
    names = list(dict.fromkeys(name for instance, _prediction in rows for name in instance))
    writer.writerow([*names, *_flat(rows[0][1], target)])
    for instance, prediction in rows:
        writer.writerow([*(instance.get(name, "") for name in names), *_flat(prediction, target).values()])
    return buffer.getvalue().encode()


def _flat(prediction: dict[str, Any], target: str) -> dict[str, Any]:
    if "classes" in prediction:
        pairs = zip(prediction["classes"], prediction["scores"], strict=True)
        return {f"{target}_{label}_scores": score for label, score in pairs}
    found = {f"predicted_{target}": prediction["value"]}
    for name in ("lower_bound", "upper_bound"):
        if name in prediction:
            found[f"predicted_{target}_{name}"] = prediction[name]
    for level, value in zip(
        prediction.get("quantile_values", []), prediction.get("quantile_predictions", []), strict=True
    ):
        found[f"predicted_{target}_quantile_{level:g}"] = value
    return found


def _jsonl_errors(errors: Sequence[tuple[dict[str, Any], int, str]]) -> bytes:
    lines = [json.dumps({"instance": one, "error": {"code": code, "message": text}}) for one, code, text in errors]
    return "".join(f"{line}\n" for line in lines).encode()


def _csv_errors(errors: Sequence[tuple[dict[str, Any], int, str]]) -> bytes:
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for instance, _code, _text in errors for name in instance))
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*names, "error"])
    for instance, code, text in errors:
        error = json.dumps({"code": code, "message": text})
        writer.writerow([*(instance.get(name, "") for name in names), error])
    return buffer.getvalue().encode()
