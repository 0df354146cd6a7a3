"""What a batch prediction job wrote, as numbers in the order of our rows and classes.

JSON lines hold the service's typed messages: ``{"instance": {…}, "prediction": {"classes": […], "scores": […]}}``.
Of CSV only this is documented: the columns of the input come first, those of the answer after them. How the latter are
called is not, so each is known by the class code in its name (``target_c0_scores``), which no column of the input can
be taken for, since what was sent is known.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.wire import class_index
from automl_bridge.data.csv_cells import any_size
from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Answer", "probabilities", "read_answers", "values"]

Answer = tuple[dict[str, Any], dict[str, Any]]
"""What was asked (the instance) and what was answered (the prediction), of one row."""

_CLASS = re.compile(r"(?:^|[_.\s])(c\d+)(?:[_.\s](?:scores?|probability|confidence))?$")
_BOUNDS = re.compile(r"lower|upper|bound|explanation|attribution|error", re.IGNORECASE)


def read_answers(body: bytes, name: str, sent: Sequence[str]) -> Iterator[Answer]:
    """Yield the answers of one file.

    Parameters
    ----------
    body, name
        Its content and its name, which says what it is.
    sent
        Columns that were sent: the others are the answer.
    """
    # "predictions_0001.csv", but "prediction.results-00000-of-00002", too: then the first character tells.
    told = name.endswith((".csv", ".json", ".jsonl"))
    if name.endswith(".csv") if told else not body.lstrip().startswith(b"{"):
        yield from _from_csv(body, sent)
    else:
        yield from _from_lines(body)


def _from_lines(body: bytes) -> Iterator[Answer]:
    # By line feeds alone: a text may hold other characters that Python takes for an end of line.
    for number, line in enumerate(body.decode("utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            held = json.loads(line)
        except ValueError:
            raise BackendError(f"line {number} of the job's answer is no JSON: {line[:200]}") from None
        found = held.get("prediction", held.get("predictions"))
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if not isinstance(found, dict):
            found = {"value": found}
        instance = held.get("instance")
        yield (instance if isinstance(instance, dict) else held), found


def _from_csv(body: bytes, sent: Sequence[str]) -> Iterator[Answer]:
    # The texts that were sent come back beside their predictions.
    with any_size():
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        new = [name for name in reader.fieldnames or () if name not in set(sent)]
        for row in reader:
            yield row, _prediction({name: row[name] for name in new if row[name] is not None})


def _prediction(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the cells of an answer in the form that JSON lines have."""
    classes: list[str] = []
    scores: list[str] = []
    plain: dict[str, Any] = {}
    for name, text in cells.items():
        cell = text.strip()
        if cell.startswith(("{", "[")):
            try:
                held = json.loads(cell)
            except ValueError:
                held = None
            if isinstance(held, dict):
                return held
            if isinstance(held, list):
                plain[name.rpartition("_")[2].rpartition(".")[2]] = held
                continue
        found = _CLASS.search(name)
        if found:
            classes.append(found[1])
            scores.append(cell)
        elif not _BOUNDS.search(name):
            plain[name] = cell
    if classes:
        return {"classes": classes, "scores": scores}
    if {"classes", "scores"} <= plain.keys():
        return plain
    quantiles = {name: value for name, value in plain.items() if "quantile" in name.lower()}
    numbers = {name: value for name, value in plain.items() if name not in quantiles}
    best = next((name for name in numbers if re.search(r"(^|[_.])value$", name)), next(iter(numbers), None))
    return {"value": numbers.get(best) if best else None, **quantiles}


def probabilities(answers: Sequence[Mapping[str, Any]], classes: int) -> NDArray[np.float64]:
    """Return probabilities in the order of our classes, shape (rows, classes).

    A class that is not in an answer has probability 0; rows are scaled to the sum of 1 that rounding took.

    Raises
    ------
    BackendError
        If an answer has no scores, or labels that are none of the classes; shows it.
    """
    import numpy as np

    outputs = np.zeros((len(answers), classes))
    for row, answer in enumerate(answers):
        named = answer.get("classes", answer.get("displayNames"))
        scores = answer.get("scores", answer.get("confidences"))
        try:
            order = [class_index(str(name)) for name in named]
            by_class = dict(zip(order, map(float, scores), strict=True))
            outputs[row, order] = [by_class[index] for index in order]
        except (ValueError, TypeError, IndexError):
            raise BackendError(f"an answer of the job is not what was asked for: {str(dict(answer))[:200]}") from None
    sums = outputs.sum(axis=1, keepdims=True)
    if not np.isfinite(outputs).all() or (outputs < 0).any() or (sums <= 0).any() or (sums > 1.01).any():
        raise BackendError("the job answered with scores that are no probabilities")
    return np.asarray(outputs / sums, np.float64)


def values(answers: Sequence[Mapping[str, Any]], quantiles: Sequence[float] = ()) -> NDArray[np.float64]:
    """Return one value a row and then its quantiles, shape (rows, 1 + quantiles).

    Raises
    ------
    BackendError
        If an answer is no number, or lacks a quantile; shows it.
    """
    import numpy as np

    outputs = np.full((len(answers), 1 + len(quantiles)), np.nan)
    for row, answer in enumerate(answers):
        try:
            outputs[row, 0] = float(answer["value"])
            if quantiles:
                outputs[row, 1:] = _quantiles(answer, quantiles)
        except (KeyError, ValueError, TypeError, IndexError):
            raise BackendError(f"an answer of the job is not what was asked for: {str(dict(answer))[:200]}") from None
    if not np.isfinite(outputs).all():
        raise BackendError("the job answered with values that are not finite")
    return outputs


def _quantiles(answer: Mapping[str, Any], wanted: Sequence[float]) -> list[float]:
    """Return the forecasts of the quantiles that were asked for, found by their values where those are given."""
    found = answer.get("quantile_predictions", answer.get("quantilePredictions", answer.get("predictions")))
    given = answer.get("quantile_values", answer.get("quantileValues"))
    numbers = [float(number) for number in found]
    if given is None:
        if len(numbers) != len(wanted):
            raise ValueError
        return numbers
    by_value = {round(float(quantile), 6): number for quantile, number in zip(given, numbers, strict=True)}
    return [by_value[round(quantile, 6)] for quantile in wanted]
