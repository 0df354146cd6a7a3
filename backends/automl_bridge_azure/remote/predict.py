"""Predicts rows with a model of Azure Automated ML; runs in the workspace, in the environment of that model.

It is given folders: ``--model`` (an MLflow model), ``--rows`` (and ``--context`` for a forecast) in Parquet, and
``--out``, where it leaves ``predictions.csv``: a header, and a line a row, in the rows' order. ``job.json`` beside it
says what is asked. It needs nothing but what the model needs itself.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Load, predict, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "rows", "context", "out"):
        parser.add_argument(f"--{name}", type=Path)
    given = parser.parse_args()
    job = json.loads((HERE / "job.json").read_text("utf-8"))
    frame = read(given.rows)
    if len(frame) != job["rows"]:
        sys.exit(f"{given.rows} holds {len(frame)} rows, not {job['rows']}")
    if job["task"] == "forecasting":
        answers = forecast(load(given.model), frame, read(given.context), job)
    elif job["task"].endswith("-classification"):
        answers = probabilities(given.model, frame, job)
    else:
        answers = [[float(value)] for value in flat(load(given.model).predict(frame))]
    if len(answers) != len(frame):
        sys.exit(f"the model answered {len(answers)} rows of {len(frame)}")
    write(given.out, job["columns"], answers)


def read(folder: Path) -> Any:
    """Return the rows of a folder of Parquet files, in the order of the files' names."""
    import pandas as pd

    files = sorted(folder.rglob("part-*.parquet"))
    if not files:
        sys.exit(f"no rows in {folder}")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def find_model(folder: Path) -> Path:
    """Return the folder that holds ``MLmodel``: the one that was given, or one in it."""
    found = [folder / "MLmodel", *sorted(folder.rglob("MLmodel"))]
    place = next((file.parent for file in found if file.is_file()), None)
    if place is None:
        sys.exit(f"no MLflow model in {folder}")
    return place


def flavors(place: Path) -> dict[str, Any]:
    """Return the flavors that ``MLmodel`` lists."""
    import yaml  # type: ignore[import-untyped]

    document = yaml.safe_load((place / "MLmodel").read_text("utf-8"))
    return dict(document.get("flavors") or {})


def load(folder: Path) -> Any:
    """Return the model as it was trained where its flavor allows that: it then has probabilities; else a function."""
    place = find_model(folder)
    held = flavors(place)
    if "sklearn" in held or (held.get("python_function") or {}).get("loader_module") == "mlflow.sklearn":
        try:
            import mlflow.sklearn
        except ImportError:
            return unpickled(place, held)
        return mlflow.sklearn.load_model(str(place))
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(place))


def unpickled(place: Path, held: dict[str, Any]) -> Any:
    """Return the model from the file that its flavor names, for images without MLflow's own scikit-learn part."""
    import joblib  # type: ignore[import-untyped]

    name = (held.get("sklearn") or {}).get("pickled_model", "model.pkl")
    return joblib.load(place / name)


def flat(values: Any) -> list[Any]:
    """Return one value a row, whatever shape the model answers in."""
    import numpy as np

    return list(np.asarray(values).reshape(-1))


def probabilities(folder: Path, frame: Any, job: dict[str, Any]) -> list[list[float]]:
    """Return a probability a class and row, in the order of the job's columns."""
    wanted = job["columns"]
    if job["task"] == "image-classification":
        frame = frame.assign(image=[base64.encodebytes(bytes(one)).decode("ascii") for one in frame["image"]])
    model = holding(load(folder), "predict_proba")
    labels: Any = None
    if hasattr(model, "predict_proba"):
        found = model.predict_proba(frame)
        labels = list(found.columns) if hasattr(found, "columns") else None
        if labels is None or not {str(label) for label in labels} <= set(wanted):
            labels = classes_of(model, wanted)
        table = [[float(value) for value in row] for row in getattr(found, "values", found)]
        check_order(model.predict(frame), table, labels)
        return ordered(table, labels, wanted)
    answer = model.predict(frame)
    if hasattr(answer, "columns") and {"probs", "labels"} <= set(answer.columns):
        rows = zip(answer["probs"].tolist(), answer["labels"].tolist())  # noqa: B905 - Python 3.9 runs this, too
        return [ordered([[float(p) for p in probs]], [str(name) for name in names], wanted)[0] for probs, names in rows]
    sys.exit("the model gives labels, but no probabilities")


def holding(model: Any, method: str) -> Any:
    """Return what has ``method``: the model, or what its function wraps (texts: ``azureml-automl-dnn-nlp``)."""
    for holder in (model, getattr(model, "_model_impl", None)):
        if hasattr(holder, method):
            return holder
    return model


def classes_of(model: Any, wanted: list[str]) -> list[str]:
    """Return the classes in the order of the model's probabilities: its own word, else that of sorted labels."""
    for holder in (model, getattr(model, "steps", [[None, None]])[-1][1]):
        names = getattr(holder, "classes_", None)
        if names is not None:
            found = [str(name) for name in names]
            if set(found) <= set(wanted):
                return found
    return sorted(wanted)


def check_order(predicted: Any, table: list[list[float]], labels: list[str]) -> None:
    """Stop if the most probable class is not the predicted one: then the order of the columns is not known."""
    wrong = 0
    for label, row in zip(flat(predicted), table):  # noqa: B905
        if len(row) != len(labels):
            sys.exit(f"the model gives {len(row)} probabilities for {len(labels)} classes")
        if str(label) in labels and row[labels.index(str(label))] < max(row) - 1e-6:
            wrong += 1
    if wrong > 1 + 0.1 * len(table):
        sys.exit(f"the order of the model's probabilities is not known: {wrong} of {len(table)} rows contradict it")


def ordered(table: list[list[float]], labels: list[Any], wanted: list[str]) -> list[list[float]]:
    """Return columns in the order of ``wanted``; a class that the model does not know has probability 0."""
    place = {str(label): index for index, label in enumerate(labels)}
    strange = set(place) - set(wanted)
    if strange:
        sys.exit(f"the model names classes that are not the job's: {sorted(strange)[:5]}")
    return [[row[place[name]] if name in place else 0.0 for name in wanted] for row in table]


def forecast(model: Any, frame: Any, context: Any, job: dict[str, Any]) -> list[list[float]]:
    """Return a point forecast and quantiles for each row of ``frame``, found by series and stamp."""
    import numpy as np
    import pandas as pd

    target, keys = job["target"], [*job["series"], job["time"]]
    # A plain function would forecast from the end of its own training data, whatever the context is.
    model = holding(model, "forecast")
    known = context.pop(target).to_numpy(dtype=float)
    whole = pd.concat([context, frame], ignore_index=True)
    asked = np.concatenate([known, np.full(len(frame), np.nan)])
    if hasattr(model, "forecast_quantiles"):
        model.quantiles = list(job["quantiles"])
        spread = model.forecast_quantiles(whole.copy(), asked.copy(), ignore_data_errors=True)
        point = point_forecast(model, whole, asked, keys)
        return matched(
            frame, [point, *(spread[[*keys, q]].rename(columns={q: "value"}) for q in job["quantiles"])], keys
        )
    if hasattr(model, "forecast"):
        point = point_forecast(model, whole, asked, keys)
        return matched(frame, [point] * (1 + len(job["quantiles"])), keys)
    values = flat(model.predict(frame))
    return [[float(value)] * (1 + len(job["quantiles"])) for value in values]


def point_forecast(model: Any, whole: Any, asked: Any, keys: list[str]) -> Any:
    """Return keys and forecasts of all rows; the model may return them in another order, in an index of its own."""
    values, features = model.forecast(whole.copy(), asked.copy(), ignore_data_errors=True)
    table = features.reset_index()
    table = table.assign(value=flat(values))
    return table[[*keys, "value"]]


def matched(frame: Any, answers: list[Any], keys: list[str]) -> list[list[float]]:
    """Return the answers in the order of the rows; stop where a row has none."""
    columns = []
    for answer in answers:
        found = frame[keys].merge(answer.drop_duplicates(keys, keep="last"), on=keys, how="left")["value"]
        if found.isna().any():
            row = frame[keys].iloc[int(found.isna().to_numpy().argmax())]
            sys.exit(f"the model gave no forecast for {dict(row)}")
        columns.append([float(value) for value in found])
    return [list(row) for row in zip(*columns)]  # noqa: B905


def write(folder: Path, columns: list[str], rows: list[list[float]]) -> None:
    """Write ``predictions.csv`` whole: under another name first."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "predictions.csv.part"
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([[repr(float(value)) for value in row] for row in rows])
    draft.replace(folder / "predictions.csv")


if __name__ == "__main__":
    main()
