"""What a transform job wrote, line by line, as numbers in the order of our classes.

A line of a classifier is CSV: predicted label, probabilities, labels, as asked for; the two lists stand in one cell
each, in Python's notation (``"[0.9, 0.1]"``, ``"['c1', 'c0']"``). The order of ``labels`` is that of
``probabilities``, and neither is ours. Class codes cannot be mistaken for numbers, so each cell says what it is.
"""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING

from automl_bridge.cloud.outputs import check_probabilities
from automl_bridge.cloud.wire import class_index
from automl_bridge.data.csv_cells import any_size
from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_probabilities", "read_values"]

_LABEL = re.compile(r"['\"]?(c\d+)['\"]?")


def read_values(body: bytes) -> NDArray[np.float64]:
    """Return one value a line, shape (rows, 1).

    Raises
    ------
    BackendError
        If a line is no number; names it.
    """
    import numpy as np

    values = []
    for number, cells in _lines(body):
        try:
            values.append(float(cells[0].strip().strip("[]")))
        except ValueError:
            raise _unreadable(number, cells) from None
        if not math.isfinite(values[-1]):
            raise _unreadable(number, cells)
    return np.array(values, dtype=np.float64)[:, None]


def read_probabilities(body: bytes, classes: int) -> NDArray[np.float64]:
    """Return probabilities in the order of our classes, shape (rows, classes).

    A class that the model does not know has probability 0.

    Raises
    ------
    BackendError
        If a line has no probabilities, or labels that are none of the classes; names it.
    """
    import numpy as np

    rows: list[list[float]] = []
    orders: list[tuple[int, ...]] = []
    seen: dict[str, tuple[int, ...]] = {}
    for number, cells in _lines(body):
        lists = [cell.strip() for cell in cells if cell.strip().startswith("[")]
        named = [cell for cell in lists if _LABEL.fullmatch(cell.strip("[]").partition(",")[0].strip())]
        numbers = [cell for cell in lists if cell not in named]
        if len(named) != 1 or len(numbers) != 1:
            raise _unreadable(number, cells)
        order = seen.get(named[0])
        try:
            if order is None:
                order = seen[named[0]] = _order(named[0], classes)
            values = [float(word) for word in numbers[0].strip("[]").split(",")]
        except ValueError:
            raise _unreadable(number, cells) from None
        if len(values) != len(order):
            raise _unreadable(number, cells)
        rows.append(values)
        orders.append(order)
    outputs = np.zeros((len(rows), classes))
    for index, (values, order) in enumerate(zip(rows, orders, strict=True)):
        outputs[index, list(order)] = values
    check_probabilities(outputs, "the transform job")
    return outputs


def _order(cell: str, classes: int) -> tuple[int, ...]:
    """Return the indices of the classes that a list of labels names."""
    words = [word.strip().strip("'\"") for word in cell.strip("[]").split(",")]
    order = tuple(class_index(word) for word in words)
    if len(set(order)) != len(order) or not all(0 <= index < classes for index in order):
        raise ValueError(cell)
    return order


def _lines(body: bytes) -> Iterator[tuple[int, list[str]]]:
    with any_size():
        for number, cells in enumerate(csv.reader(io.StringIO(body.decode("utf-8"), newline="")), start=1):
            if cells:
                yield number, cells


def _unreadable(number: int, cells: list[str]) -> BackendError:
    line = ",".join(cells)[:200]
    return BackendError(f"line {number} of the transform job's answer is not what was asked for: {line}")
