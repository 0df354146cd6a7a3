"""Forecasts as a transform job answers them: a CSV file with a header, a row for each step of each series."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge_sagemaker.sandbox.inference import InferenceError
from automl_bridge_sagemaker.sandbox.training import aggregate, group_rows, quantile

if TYPE_CHECKING:
    from automl_bridge.sandbox.trainers import SeriesModel

__all__ = ["forecast_csv"]

MIN_HISTORY = 4
STEPS = {"min": timedelta(minutes=1), "H": timedelta(hours=1), "D": timedelta(days=1), "W": timedelta(weeks=1)}


def forecast_csv(model: SeriesModel, payload: bytes) -> list[str]:
    """Return the lines of the answer; the payload is CSV with a header, and the target's past in it.

    Rows without a target are the known future: they name the steps and are not read as history.
    """
    columns = model.columns
    take_any_size()
    rows = [row for row in csv.reader(io.StringIO(payload.decode("utf-8-sig"), newline="")) if row]
    header = rows[0] if rows else []
    missing = [name for name in (*columns["keys"], columns["stamp"], columns["target"]) if name not in header]
    if missing:
        raise InferenceError(f"the header of the input lacks {missing}")
    table = {name: [row[place] for row in rows[1:]] for place, name in enumerate(header)}
    names = columns["quantiles"]
    lines = [_line([*columns["keys"], columns["stamp"], *names, "mean"])]
    levels = [quantile(name) for name in names]
    for key, places in group_rows(table, columns["keys"], columns["stamp"]):
        past = [row for row in places if table[columns["target"]][row].strip()]
        stamps = [table[columns["stamp"]][row] for row in past]
        values = aggregate(stamps, [table[columns["target"]][row] for row in past], columns["how"])
        if len(values) < MIN_HISTORY:
            raise InferenceError(f"series {key} has {len(values)} values of history; at least {MIN_HISTORY} are needed")
        moment = datetime.fromisoformat(stamps[-1])
        for row in model.forecast(values, levels):
            moment = _next(moment, columns["frequency"])
            said = [repr(float(value)) for value in (*row[1:], row[0])]
            lines.append(_line([*key, moment.strftime("%Y-%m-%d %H:%M:%S"), *said]))
    return lines


def _line(values: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(values)
    return buffer.getvalue()


def _next(moment: datetime, frequency: str) -> datetime:
    unit = frequency.lstrip("0123456789")
    count = int(frequency.removesuffix(unit) or 1)
    if unit in STEPS:
        return moment + count * STEPS[unit]
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "Y" else 1)
    year, month = divmod(months, 12)
    day = moment.day
    while True:
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:  # 31 February
            day -= 1
